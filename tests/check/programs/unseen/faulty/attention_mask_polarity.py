import torch
import torch.nn as nn


class SelfAttention(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, h, valid):
        scores = self.q(h) @ self.k(h).transpose(1, 2) / h.shape[-1] ** 0.5
        scores = scores.masked_fill(valid[:, None, :], -1e9)
        return scores.softmax(-1) @ self.v(h)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(21, 12, padding_idx=0)
        self.att = SelfAttention(12)
        self.out = nn.Linear(12, 2)

    def forward(self, ids):
        valid = ids > 0
        h = self.att(self.emb(ids), valid)
        return self.out(h[:, 0])


torch.manual_seed(0)
y = torch.randint(0, 2, (200,))
ids = torch.randint(1, 11, (200, 8)) + 10 * y[:, None]
ids[torch.arange(8)[None] >= torch.randint(2, 8, (200, 1))] = 0
net = Net()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(32):
    b = torch.randperm(200)[:40]
    opt.zero_grad()
    loss = nn.functional.cross_entropy(net(ids[b]), y[b])
    loss.backward()
    opt.step()
print(loss.item())
