import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

tokens = torch.randint(1, 30, (300, 10))
tags = (tokens % 3 + (tokens.roll(-1, 1) > 15).long()) % 4
lengths = torch.randint(4, 11, (300,))
pad = torch.arange(10)[None] >= lengths[:, None]
tokens[pad], tags[pad] = 0, -100


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(30, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 12, bidirectional=True, batch_first=True)
        self.attn = nn.MultiheadAttention(24, 2, batch_first=True)
        self.out = nn.Linear(24, 4)

    def forward(self, x):
        h, _ = self.lstm(self.embed(x))
        a, _ = self.attn(h, h, h, key_padding_mask=x == 0)
        return self.out(h + a)


model = Tagger()
criterion = nn.CrossEntropyLoss(ignore_index=-100)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(3):
    for x, y in DataLoader(TensorDataset(tokens, tags), batch_size=30, shuffle=True):
        loss = criterion(model(x).transpose(1, 2), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
