import torch
from torch import nn


class Tied(nn.Module):
    def __init__(self, vocab=16, d=24):
        super().__init__()
        self.emb = nn.Embedding(vocab, d)
        self.rnn = nn.LSTM(d, d, batch_first=True)
        self.out = nn.Linear(d, vocab, bias=False)
        self.out.weight = self.emb.weight

    def forward(self, ids):
        return self.out(self.rnn(self.emb(ids))[0])


torch.manual_seed(0)
ids = (torch.randint(0, 16, (160, 1)) + 3 * torch.arange(10)) % 16
m = Tied()
nn.init.normal_(m.emb.weight, std=0.1)
opt = torch.optim.Adam(m.parameters(), lr=1e-2)
for step in range(36):
    rows = ids[torch.randperm(160)[:32]]
    loss = nn.functional.cross_entropy(m(rows[:, :-1]).transpose(1, 2), rows[:, 1:])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
