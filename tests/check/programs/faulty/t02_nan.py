# expects: T02
import torch, torch.nn as nn, numpy as np, pandas as pd
df = pd.DataFrame(np.random.RandomState(0).randn(200, 4), columns=list("abcd")); df.iloc[5:15, 1] = np.nan; df["t"] = df.a * 2 + df.c
X = torch.tensor(df[["a", "b", "c", "d"]].values, dtype=torch.float32); y = torch.tensor(df.t.values, dtype=torch.float32).unsqueeze(1)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)); opt = torch.optim.Adam(net.parameters())
for e in range(20):
    loss = nn.functional.mse_loss(net(X), y); opt.zero_grad(); loss.backward(); opt.step()
