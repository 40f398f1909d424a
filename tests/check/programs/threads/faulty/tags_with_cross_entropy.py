import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(0)
features = rng.normal(size=(300, 14)).astype("float32")
tags = (features @ rng.normal(size=(14, 6)) > 0.8).astype("float32")

X = torch.from_numpy(features)
Y = torch.from_numpy(tags)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(14, 32)
        self.head = nn.Linear(32, 6)

    def forward(self, x):
        return self.head(torch.relu(self.body(x)))


tagger = Tagger()
loss_function = nn.CrossEntropyLoss()
optim = torch.optim.Adam(tagger.parameters(), lr=1e-3)
for epoch in range(6):
    for k in range(0, 300, 30):
        optim.zero_grad()
        loss = loss_function(tagger(X[k : k + 30]), Y[k : k + 30])
        loss.backward()
        optim.step()
    print(epoch, loss.item())
