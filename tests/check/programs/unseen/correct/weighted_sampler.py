import torch
from sklearn.metrics import f1_score
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

torch.manual_seed(0)
x = torch.randn(1200, 6)
y = (x[:, 0] + 0.3 * torch.randn(1200) > 2.0).long()
w = torch.where(y[:900] == 1, 1 / (y[:900] == 1).sum(), 1 / (y[:900] == 0).sum())
loader = DataLoader(TensorDataset(x[:900], y[:900]), 90, sampler=WeightedRandomSampler(w, 900))
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(4):
    net.train()
    for xb, yb in loader:
        opt.zero_grad()
        torch.nn.functional.cross_entropy(net(xb), yb).backward()
        opt.step()
net.eval()
with torch.no_grad():
    print("F1", f1_score(y[900:].numpy(), net(x[900:]).argmax(1).numpy()))
