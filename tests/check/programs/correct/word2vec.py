import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
V = 50; inp, out = nn.Embedding(V, 16), nn.Embedding(V, 16)
opt = torch.optim.Adam([*inp.parameters(), *out.parameters()], 1e-2)
c = torch.randint(0, V, (2000,)); o = (c + torch.randint(1, 3, (2000,))) % V
for i in range(0, 2000, 100):
    a, b, neg = c[i:i+100], o[i:i+100], torch.randint(0, V, (100, 5))
    pos = (inp(a) * out(b)).sum(1); n = torch.bmm(out(neg), inp(a).unsqueeze(2)).squeeze(2)
    loss = -(F.logsigmoid(pos) + F.logsigmoid(-n).sum(1)).mean()
    opt.zero_grad(); loss.backward(); opt.step()
