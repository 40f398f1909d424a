import torch, torch.nn as nn, numpy as np
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
torch.manual_seed(0)
X = np.random.RandomState(0).randn(200, 7).astype("float32") * 3 + 1; y = (X[:, 0] > 1).astype("int64")
scores = []
for fold, (tr, te) in enumerate(KFold(5, shuffle=True, random_state=0).split(X)):
    sc = StandardScaler().fit(X[tr])
    xtr, xte = torch.tensor(sc.transform(X[tr])), torch.tensor(sc.transform(X[te]))
    ytr, yte = torch.tensor(y[tr]), torch.tensor(y[te])
    model = nn.Sequential(nn.Linear(7, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2))
    opt = torch.optim.Adam(model.parameters(), 1e-2)
    for ep in range(10):
        model.train()
        opt.zero_grad()
        nn.functional.cross_entropy(model(xtr), ytr).backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        scores.append((model(xte).argmax(1) == yte).float().mean().item())
print(np.mean(scores))
