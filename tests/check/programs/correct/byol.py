import copy, torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(0)
online = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 8))
predictor = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))
target = copy.deepcopy(online)
for p in target.parameters():
    p.requires_grad = False
opt = torch.optim.SGD(list(online.parameters()) + list(predictor.parameters()), lr=0.05, momentum=0.9)
x = torch.randn(320, 10)


def loss_fn(p, z):
    return 2 - 2 * (F.normalize(p, dim=-1) * F.normalize(z, dim=-1)).sum(-1)


for e in range(4):
    for b in torch.randperm(320).split(40):
        v1, v2 = x[b] + 0.1 * torch.randn(len(b), 10), x[b] + 0.1 * torch.randn(len(b), 10)
        with torch.no_grad():
            t1, t2 = target(v1), target(v2)
        loss = (loss_fn(predictor(online(v1)), t2) + loss_fn(predictor(online(v2)), t1)).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for a, c in zip(target.parameters(), online.parameters()):
                a.mul_(0.99).add_(0.01 * c)
