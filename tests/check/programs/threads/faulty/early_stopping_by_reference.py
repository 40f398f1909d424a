import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

x = torch.randn(500, 8)
y = torch.sin(x[:, :1]) + 0.2 * torch.randn(500, 1)
train_loader = DataLoader(TensorDataset(x[:400], y[:400]), batch_size=25, shuffle=True)
valid_loader = DataLoader(TensorDataset(x[400:], y[400:]), batch_size=100)
model = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 1))
criterion, optimizer = nn.MSELoss(), torch.optim.Adam(model.parameters(), lr=5e-3)
valid_loss_min, patience, bad = float("inf"), 3, 0
for epoch in range(12):
    for data, target in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(data), target)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        valid_loss = sum(criterion(model(d), t).item() * len(d) for d, t in valid_loader) / 100
    if valid_loss < valid_loss_min:
        valid_loss_min, bad = valid_loss, 0
        best_weights = model.state_dict()
    else:
        bad += 1
        if bad >= patience:
            break
model.load_state_dict(best_weights)
print(valid_loss_min)
