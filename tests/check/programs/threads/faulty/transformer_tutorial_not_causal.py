import math

import torch
from torch import nn

torch.manual_seed(0)
ntokens, emsize, bptt = 17, 32, 12
corpus = (torch.arange(4000) * 3 + torch.randint(0, 2, (4000,))) % ntokens


class TransformerModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(ntokens, emsize)
        self.pos = nn.Parameter(torch.zeros(1, bptt, emsize))
        layers = nn.TransformerEncoderLayer(emsize, 2, 64, 0.0, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layers, 2)
        self.linear = nn.Linear(emsize, ntokens)

    def forward(self, src, src_mask=None):
        src = self.embedding(src) * math.sqrt(emsize) + self.pos[:, : src.shape[1]]
        return self.linear(self.transformer_encoder(src, src_mask))


def get_batch(source, i):
    data = source[i : i + 8 * bptt].view(8, bptt)
    target = source[i + 1 : i + 1 + 8 * bptt].view(8, bptt)
    return data, target


model = TransformerModel()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(2):
    for i in range(0, 2400, 8 * bptt):
        data, targets = get_batch(corpus, i)
        output = model(data)
        loss = criterion(output.reshape(-1, ntokens), targets.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    print(epoch, loss.item(), math.exp(loss.item()))
