import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
A = torch.randn(256, 10); B = torch.cat([A[:, :5] * 2, torch.randn(256, 3)], 1)
fa = nn.Sequential(nn.Linear(10, 32), nn.GELU(), nn.Linear(32, 16)); fb = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 16))
scale = nn.Parameter(torch.tensor(2.0))
opt = torch.optim.AdamW([*fa.parameters(), *fb.parameters(), scale], lr=1e-3)
for ep in range(6):
    for idx in torch.randperm(256).split(64):
        za, zb = F.normalize(fa(A[idx]), dim=-1), F.normalize(fb(B[idx]), dim=-1)
        logits = scale.exp() * za @ zb.t()
        t = torch.arange(len(idx))
        loss = (F.cross_entropy(logits, t) + F.cross_entropy(logits.t(), t)) / 2
        opt.zero_grad(); loss.backward(); opt.step()
