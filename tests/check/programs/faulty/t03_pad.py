# expects: T03
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

torch.manual_seed(0)
seqs = [torch.randint(1, 12, (int(n),)) for n in torch.randint(4, 12, (200,))]


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(12, 16, padding_idx=0)
        self.r = nn.GRU(16, 24, batch_first=True)
        self.o = nn.Linear(24, 12)

    def forward(self, x):
        return self.o(self.r(self.e(x))[0])


m = LM()
o = torch.optim.Adam(m.parameters(), 3e-3)
ce = nn.CrossEntropyLoss()
for e in range(3):
    for i in range(0, 200, 20):
        b = pad_sequence(seqs[i : i + 20], batch_first=True)
        out = m(b[:, :-1])
        loss = ce(out.reshape(-1, 12), b[:, 1:].reshape(-1))
        o.zero_grad()
        loss.backward()
        o.step()
