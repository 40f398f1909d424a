import torch
from torch.optim.lr_scheduler import StepLR

torch.manual_seed(0)
x = torch.randn(320, 8)
y = (x[:, 0] + x[:, 1] > 0).float()
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
criterion = torch.nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scheduler = StepLR(optimizer, step_size=2, gamma=0.1)
num_epochs = 6
for epoch in range(num_epochs):
    for idx in torch.randperm(320).split(64):
        optimizer.zero_grad()
        loss = criterion(model(x[idx]).squeeze(-1), y[idx])
        loss.backward()
        optimizer.step()
        scheduler.step()
    print(epoch, loss.item(), scheduler.get_last_lr()[0])
