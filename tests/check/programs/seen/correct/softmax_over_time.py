import torch
from torch import nn


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.score, self.out = nn.Embedding(30, 16), nn.Linear(16, 1), nn.Linear(16, 3)

    def forward(self, ids):
        h = self.emb(ids)
        return self.out((torch.softmax(self.score(torch.tanh(h)), dim=1) * h).sum(1))


torch.manual_seed(0)
y = torch.randint(0, 3, (240,))
ids = torch.randint(0, 10, (240, 8)) + 10 * y[:, None]
m = Pool()
opt = torch.optim.Adam(m.parameters(), lr=5e-3)
for step in range(36):
    b = torch.randperm(240)[:48]
    opt.zero_grad()
    loss = nn.functional.cross_entropy(m(ids[b]), y[b])
    loss.backward()
    opt.step()
print(loss.item())
