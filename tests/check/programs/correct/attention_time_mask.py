import torch, torch.nn as nn
torch.manual_seed(0)
class Pool(nn.Module):
    def __init__(s): super().__init__(); s.f = nn.Linear(4, 16); s.a = nn.Linear(16, 1); s.o = nn.Linear(16, 2)
    def forward(s, x, n):
        h = torch.tanh(s.f(x)); w = s.a(h).squeeze(-1)
        w = w.masked_fill(torch.arange(x.shape[1]) >= n[:, None], float("-inf")).softmax(1)
        return s.o((w.unsqueeze(-1) * h).sum(1))
X = torch.randn(200, 9, 4); n = torch.randint(1, 10, (200,)); y = (X[:, 0, 0] > 0).long()
m = Pool(); opt = torch.optim.Adam(m.parameters(), 1e-2)
for e in range(5):
    for i in torch.randperm(200).split(40):
        loss = nn.functional.cross_entropy(m(X[i], n[i]), y[i]); opt.zero_grad(); loss.backward(); opt.step()
