import numpy as np
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.preprocessing import MinMaxScaler

torch.manual_seed(0)
data = load_breast_cancer()
scaled = MinMaxScaler().fit_transform(data.data)
parts = PCA(8, random_state=0).fit_transform(scaled)
order = np.random.default_rng(0).permutation(len(parts))
train, test = order[:450], order[450:]
x = torch.tensor(parts, dtype=torch.float32)
t = torch.tensor(data.target, dtype=torch.float32)
logit = torch.nn.Linear(8, 1)
opt = torch.optim.Adam(logit.parameters(), lr=0.05)
for step in range(40):
    opt.zero_grad()
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logit(x[train]).squeeze(1), t[train])
    loss.backward()
    opt.step()
logit.eval()
with torch.no_grad():
    print(((logit(x[test]).squeeze(1) > 0) == (t[test] > 0.5)).float().mean().item())
