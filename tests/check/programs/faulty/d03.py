# expects: D03
import torch, torch.nn as nn, numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import MinMaxScaler
from sklearn.model_selection import train_test_split
d = load_breast_cancer(); scaler = MinMaxScaler(); data = scaler.fit_transform(d.data)
Xtr, Xte, ytr, yte = train_test_split(data, d.target, test_size=0.2, random_state=0)
Xtr, Xte = torch.tensor(Xtr).float(), torch.tensor(Xte).float(); ytr, yte = torch.tensor(ytr).float(), torch.tensor(yte).float()
net = nn.Linear(30, 1); opt = torch.optim.Adam(net.parameters(), 1e-2)
for e in range(20): opt.zero_grad(); nn.functional.binary_cross_entropy_with_logits(net(Xtr).squeeze(1), ytr).backward(); opt.step()
with torch.no_grad(): print(((net(Xte).squeeze(1) > 0) == (yte > 0)).float().mean())
