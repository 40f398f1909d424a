# expects: P01
import torch, torch.nn as nn
torch.manual_seed(0)
class Deep(nn.Module):
    def __init__(self, n=3):
        super().__init__()
        self.inp = nn.Linear(6, 16)
        self.hidden = []
        for _ in range(n):
            self.hidden.append(nn.Linear(16, 16))
        self.out = nn.Linear(16, 2)
    def forward(self, x):
        x = torch.relu(self.inp(x))
        for h in self.hidden: x = torch.relu(h(x))
        return self.out(x)
m = Deep(); opt = torch.optim.Adam(m.parameters()); X = torch.randn(80, 6); y = (X[:, 0] > 0).long()
for e in range(10):
    loss = nn.functional.cross_entropy(m(X), y); opt.zero_grad(); loss.backward(); opt.step()
