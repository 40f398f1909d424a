# expects: T04
import torch, torch.nn as nn
torch.manual_seed(0)
class LM(nn.Module):
    def __init__(self): super().__init__(); self.e = nn.Embedding(20, 16); self.r = nn.LSTM(16, 32, batch_first=True); self.o = nn.Linear(32, 20)
    def forward(self, x): return self.o(self.r(self.e(x))[0])
d = torch.randint(0, 20, (200, 15)); m = LM(); opt = torch.optim.Adam(m.parameters(), 1e-2); ce = nn.CrossEntropyLoss()
for e in range(2):
    for b in d.split(20):
        logits = m(b); loss = ce(logits.reshape(-1, 20), b.reshape(-1)); opt.zero_grad(); loss.backward(); opt.step()
