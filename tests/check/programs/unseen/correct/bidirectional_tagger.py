import torch
from torch import nn


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(12, 12)
        self.rnn = nn.LSTM(12, 16, batch_first=True, bidirectional=True)
        self.out = nn.Linear(32, 2)

    def forward(self, ids):
        return self.out(self.rnn(self.emb(ids))[0])


torch.manual_seed(0)
ids = torch.randint(0, 12, (200, 9))
tags = (ids.roll(-1, 1) > 5).long()
tags[:, -1] = 0
net = Tagger()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(36):
    b = torch.randperm(200)[:40]
    loss = nn.functional.cross_entropy(net(ids[b]).transpose(1, 2), tags[b])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
