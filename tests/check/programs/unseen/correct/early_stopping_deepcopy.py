import copy

import torch

torch.manual_seed(0)
x = torch.randn(400, 5)
y = (x[:, :1] * x[:, 1:2] > 0).float()
tr, va, te = slice(0, 280), slice(280, 340), slice(340, 400)
net = torch.nn.Sequential(torch.nn.Linear(5, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1))
bce = torch.nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
best, state, wait = float("inf"), None, 0
for epoch in range(8):
    net.train()
    for b in torch.randperm(280).split(56):
        opt.zero_grad()
        bce(net(x[b]), y[b]).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        v = bce(net(x[va]), y[va]).item()
    if v < best:
        best, state, wait = v, copy.deepcopy(net.state_dict()), 0
    else:
        wait += 1
        if wait == 3:
            break
net.load_state_dict(state)
net.eval()
with torch.no_grad():
    print("test", ((net(x[te]) > 0) == (y[te] > 0.5)).float().mean().item())
