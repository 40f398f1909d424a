import torch
from torch import nn


class Attend(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(20, 12)
        self.qkv = nn.Linear(12, 36)
        self.out = nn.Linear(12, 2)

    def forward(self, ids):
        q, k, v = self.qkv(self.emb(ids)).chunk(3, dim=-1)
        w = torch.softmax(q @ k.transpose(1, 2) / 12**0.5, dim=-1)
        w = torch.dropout(w, 0.2, True)
        return self.out((w @ v).mean(1))


torch.manual_seed(0)
y = torch.randint(0, 2, (160,))
ids = torch.randint(0, 10, (160, 7)) + 10 * y[:, None]
m = Attend()
opt = torch.optim.Adam(m.parameters(), lr=5e-3)
for epoch in range(7):
    m.train()
    for b in torch.randperm(128).split(32):
        opt.zero_grad()
        nn.functional.cross_entropy(m(ids[b]), y[b]).backward()
        opt.step()
    m.eval()
    with torch.no_grad():
        print(epoch, nn.functional.cross_entropy(m(ids[128:]), y[128:]).item())
