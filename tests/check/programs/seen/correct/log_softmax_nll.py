import torch
import torch.nn as nn

torch.manual_seed(0)
y = torch.randint(0, 5, (300,))
x = torch.randn(5, 8)[y] + 0.5 * torch.randn(300, 8)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 5), nn.LogSoftmax(dim=1))
criterion = nn.NLLLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for epoch in range(6):
    for idx in torch.randperm(300).split(50):
        optimizer.zero_grad()
        loss = criterion(model(x[idx]), y[idx])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
