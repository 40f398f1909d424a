import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(31, 16, padding_idx=0)
        self.enc = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.cls = nn.Linear(16, 3)

    def forward(self, ids):
        mask = ids != 0
        h = self.enc(self.emb(ids), src_key_padding_mask=mask)
        h = (h * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
        return self.cls(h)


torch.manual_seed(0)
y = torch.randint(0, 3, (240,))
ids = torch.randint(1, 11, (240, 10)) + 10 * y[:, None]
keep = torch.randint(3, 9, (240, 1))
ids = torch.where(torch.arange(10)[None] < keep, ids, torch.zeros_like(ids))
model = Classifier()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(5):
    for b in torch.randperm(240).split(40):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(ids[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
