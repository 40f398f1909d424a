import torch
from torch import nn


class Cls(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(31, 16, padding_idx=0)
        self.enc = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, dropout=0.0)
        self.out = nn.Linear(16, 3)

    def forward(self, ids):
        pad = ids == 0
        h = self.enc(self.emb(ids), src_key_padding_mask=pad).masked_fill(pad.unsqueeze(-1), 0.0)
        return self.out(h.sum(1) / (~pad).sum(1, keepdim=True))


torch.manual_seed(0)
y = torch.randint(0, 3, (200,))
ids = torch.randint(1, 11, (200, 9)) + 10 * y[:, None]
ids[torch.arange(9)[None] >= torch.randint(3, 10, (200, 1))] = 0
m = Cls()
opt = torch.optim.Adam(m.parameters(), lr=3e-3)
for step in range(32):
    b = torch.randperm(200)[:40]
    opt.zero_grad()
    loss = nn.functional.cross_entropy(m(ids[b]), y[b])
    loss.backward()
    opt.step()
print(loss.item())
