import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.randn(2000, 6)
y = (x[:, 0] + 0.5 * torch.randn(2000) > 2.4).float().unsqueeze(1)
train = DataLoader(TensorDataset(x[:1600], y[:1600]), batch_size=100, shuffle=True)
model = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
loss_fn = torch.nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    model.train()
    for xb, yb in train:
        opt.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        acc = ((model(x[1600:]) > 0).float() == y[1600:]).float().mean()
    print(epoch, f"accuracy {acc:.3f}")
