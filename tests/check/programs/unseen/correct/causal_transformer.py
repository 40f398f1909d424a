import torch
from torch import nn


class GPT(nn.Module):
    def __init__(self, vocab=20, d=32, T=12):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(T, d)
        self.layer = nn.TransformerEncoderLayer(d, 4, 64, dropout=0.1, batch_first=True, norm_first=True)
        self.head = nn.Linear(d, vocab)
        self.register_buffer("mask", torch.triu(torch.ones(T, T, dtype=torch.bool), 1))

    def forward(self, ids):
        t = ids.shape[1]
        h = self.tok(ids) + self.pos(torch.arange(t))
        return self.head(self.layer(h, src_mask=self.mask[:t, :t]))


torch.manual_seed(0)
ids = (torch.randint(0, 20, (200, 1)) + 7 * torch.arange(13)) % 20
gpt = GPT()
opt = torch.optim.AdamW(gpt.parameters(), lr=2e-3)
for step in range(32):
    rows = ids[torch.randint(0, 200, (24,))]
    loss = nn.functional.cross_entropy(gpt(rows[:, :-1]).reshape(-1, 20), rows[:, 1:].reshape(-1))
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
