import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(8, 32), nn.ReLU())
        self.heads = nn.ModuleDict({"kind": nn.Linear(32, 3), "size": nn.Linear(32, 1)})

    def forward(self, x):
        h = self.trunk(x)
        return {k: head(h) for k, head in self.heads.items()}


torch.manual_seed(0)
kind = torch.randint(0, 3, (240,))
x = torch.randn(3, 8)[kind] + 0.5 * torch.randn(240, 8)
size = x[:, :2].sum(1)
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(8):
    for b in torch.randperm(240).split(48):
        out = net(x[b])
        a = nn.functional.cross_entropy(out["kind"], kind[b])
        c = nn.functional.mse_loss(out["size"].squeeze(1), size[b])
        loss = a + 0.5 * c
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, a.item(), c.item())
