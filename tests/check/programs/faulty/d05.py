# expects: D05
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(300, 8); y = (X[:, 0] > 0).long()
train_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X[:200], y[:200]), 20, shuffle=True)
test_loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X[200:], y[200:]), 50)
net = nn.Linear(8, 2); opt = torch.optim.Adam(net.parameters(), 1e-2)
def accuracy(loader):
    c = 0
    with torch.no_grad():
        for a, b in loader: c += (net(a).argmax(1) == b).sum().item()
    return c / len(loader.dataset)
best_acc = 0
for e in range(4):
    for a, b in train_loader: opt.zero_grad(); nn.functional.cross_entropy(net(a), b).backward(); opt.step()
    acc = accuracy(test_loader)
    if acc > best_acc:
        best_acc = acc
        torch.save(net.state_dict(), "best.pt")
print("final", best_acc)
