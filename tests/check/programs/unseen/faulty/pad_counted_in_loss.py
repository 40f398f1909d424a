import torch
from torch import nn

PAD = 0
torch.manual_seed(0)
start = torch.randint(1, 12, (200, 1))
seqs = (start + torch.arange(14)) % 11 + 1
lengths = torch.randint(4, 14, (200, 1))
seqs[torch.arange(14)[None] >= lengths] = PAD


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(12, 16, padding_idx=PAD)
        self.gru = nn.GRU(16, 24, batch_first=True)
        self.out = nn.Linear(24, 12)

    def forward(self, ids):
        return self.out(self.gru(self.emb(ids))[0])


lm = LM()
opt = torch.optim.Adam(lm.parameters(), lr=5e-3)
ce = nn.CrossEntropyLoss()
for epoch in range(6):
    for b in torch.randperm(200).split(40):
        logits = lm(seqs[b, :-1])
        loss = ce(logits.reshape(-1, 12), seqs[b, 1:].reshape(-1))
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
