import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, depth=3):
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.layers = nn.ModuleList([layer] * depth)
        self.emb = nn.Embedding(30, 16)
        self.cls = nn.Linear(16, 3)

    def forward(self, ids):
        h = self.emb(ids)
        for layer in self.layers:
            h = layer(h)
        return self.cls(h.mean(1))


torch.manual_seed(0)
y = torch.randint(0, 3, (150,))
ids = torch.randint(0, 10, (150, 6)) + 10 * y[:, None]
enc = Encoder()
opt = torch.optim.Adam(enc.parameters(), lr=1e-3)
for step in range(30):
    b = torch.randperm(150)[:30]
    opt.zero_grad()
    loss = nn.functional.cross_entropy(enc(ids[b]), y[b])
    loss.backward()
    opt.step()
print(loss.item())
