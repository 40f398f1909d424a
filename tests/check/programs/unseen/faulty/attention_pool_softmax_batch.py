import torch
from torch import nn


class Pool(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.score = nn.Linear(d, 1)

    def forward(self, h):
        a = torch.softmax(self.score(h), dim=0)
        return (a * h).sum(1)


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 16)
        self.mix = nn.Linear(16, 16)
        self.pool = Pool(16)
        self.head = nn.Linear(16, 3)

    def forward(self, ids):
        return self.head(self.pool(torch.tanh(self.mix(self.embed(ids)))))


torch.manual_seed(1)
topic = torch.randint(0, 3, (240,))
ids = torch.randint(0, 10, (240, 9)) + 10 * topic.unsqueeze(1)
reader = Reader()
opt = torch.optim.AdamW(reader.parameters(), lr=3e-3)
ce = nn.CrossEntropyLoss()
for epoch in range(6):
    for rows in torch.randperm(240).split(40):
        loss = ce(reader(ids[rows]), topic[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, round(loss.item(), 3))
