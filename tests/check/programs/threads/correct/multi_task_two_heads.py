import torch
from torch import nn


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(10, 32), nn.Linear(32, 32)])
        self.age = nn.Linear(32, 1)
        self.kind = nn.Linear(32, 4)

    def forward(self, x):
        for block in self.blocks:
            x = torch.relu(block(x))
        return self.age(x).squeeze(-1), self.kind(x)


x = torch.randn(256, 10)
age = x[:, 0] * 2 + torch.randn(256) * 0.1
kind = x[:, 1:5].argmax(1)
model = TwoHeads()
optimizer = torch.optim.Adam(
    [
        {"params": model.blocks.parameters()},
        {"params": [*model.age.parameters(), *model.kind.parameters()], "lr": 3e-3},
    ],
    lr=1e-3,
)
for epoch in range(5):
    for i in range(0, 256, 32):
        a, k = model(x[i : i + 32])
        loss_age = nn.functional.l1_loss(a, age[i : i + 32])
        loss_kind = nn.functional.cross_entropy(k, kind[i : i + 32])
        loss = loss_kind + 0.5 * loss_age
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss_age.item(), loss_kind.item())
