# expects: D09
import numpy as np, torch, torch.nn as nn
from sklearn.model_selection import train_test_split
s = np.sin(np.arange(500) / 9).astype("float32") + 0.1 * np.random.RandomState(0).randn(500).astype("float32"); W = 12
X, y = [], []
for i in range(len(s) - W):
    X.append(s[i:i + W]); y.append(s[i + W])
X, y = np.array(X), np.array(y)
Xtr, Xte, ytr, yte = train_test_split(X, y, test_size=0.2)
Xtr, Xte, ytr, yte = map(torch.tensor, (Xtr, Xte, ytr, yte)); torch.manual_seed(0)
net = nn.Sequential(nn.Linear(W, 16), nn.ReLU(), nn.Linear(16, 1)); opt = torch.optim.Adam(net.parameters(), 1e-2)
for e in range(20): opt.zero_grad(); nn.functional.mse_loss(net(Xtr).squeeze(1), ytr).backward(); opt.step()
with torch.no_grad(): print(nn.functional.mse_loss(net(Xte).squeeze(1), yte))
