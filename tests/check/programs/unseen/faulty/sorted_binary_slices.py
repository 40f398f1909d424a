import numpy as np
import torch

torch.manual_seed(0)
rng = np.random.default_rng(0)
neg, pos = rng.normal(-0.5, 1, (240, 4)), rng.normal(0.5, 1, (240, 4))
X = torch.tensor(np.vstack([neg, pos]), dtype=torch.float32)
Y = torch.cat([torch.zeros(240), torch.ones(240)])
net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(4):
    for s in range(0, 480, 40):
        opt.zero_grad()
        out = net(X[s : s + 40]).squeeze(1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(out, Y[s : s + 40])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
