import torch
from torch import nn

PAD = 0
torch.manual_seed(0)
ids = (torch.randint(1, 9, (160, 1)) + torch.arange(11)) % 8 + 1
ids[torch.arange(11)[None] >= torch.randint(5, 12, (160, 1))] = PAD
emb, gru, out = nn.Embedding(9, 12, padding_idx=PAD), nn.GRU(12, 24, batch_first=True), nn.Linear(24, 9)
model = nn.ModuleDict({"emb": emb, "gru": gru, "out": out})
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
ce = nn.CrossEntropyLoss(ignore_index=PAD)
for epoch in range(7):
    for b in torch.randperm(160).split(32):
        hidden, _ = gru(emb(ids[b, :-1]))
        loss = ce(out(hidden).flatten(0, 1), ids[b, 1:].flatten())
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
