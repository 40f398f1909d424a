import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
X, y = load_breast_cancer(return_X_y=True)
X_tr, X_te, y_tr, y_te = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
sc = StandardScaler().fit(X_tr)
a, b = (torch.tensor(sc.transform(z), dtype=torch.float32) for z in (X_tr, X_te))
ya, yb = torch.tensor(y_tr).float(), torch.tensor(y_te).float()
net = torch.nn.Sequential(torch.nn.Linear(30, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(36):
    i = torch.randperm(len(a))[:64]
    opt.zero_grad()
    torch.nn.functional.binary_cross_entropy_with_logits(net(a[i]).squeeze(1), ya[i]).backward()
    opt.step()
net.eval()
with torch.no_grad():
    print(((net(b).squeeze(1) > 0) == (yb > 0.5)).float().mean().item())
