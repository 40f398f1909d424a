import torch
from sklearn.datasets import load_wine
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

torch.manual_seed(0)
X, y = load_wine(return_X_y=True)
scores = []
for tr, te in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
    scaler = StandardScaler().fit(X[tr])
    xt, xs = (torch.tensor(scaler.transform(X[k]), dtype=torch.float32) for k in (tr, te))
    yt, ys = torch.tensor(y[tr]), torch.tensor(y[te])
    net = torch.nn.Sequential(torch.nn.Linear(13, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    opt = torch.optim.Adam(net.parameters(), lr=2e-2)
    for step in range(15):
        opt.zero_grad()
        torch.nn.functional.cross_entropy(net(xt), yt).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        scores.append((net(xs).argmax(1) == ys).float().mean().item())
print(sum(scores) / 5)
