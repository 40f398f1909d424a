# expects: L15
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
enc = nn.Linear(20, 8); mu_ = nn.Linear(8, 2); lv_ = nn.Linear(8, 2); dec = nn.Linear(2, 20)
ps = [p for m in (enc, mu_, lv_, dec) for p in m.parameters()]; opt = torch.optim.Adam(ps, 1e-3); X = torch.randn(256, 20)
for e in range(3):
    for i in torch.randperm(256).split(32):
        h = F.relu(enc(X[i])); mu, lv = mu_(h), lv_(h); z = mu + torch.randn_like(mu) * (0.5 * lv).exp()
        rec = F.mse_loss(dec(z), X[i]); kl = -0.5 * torch.sum(1 + lv - mu ** 2 - lv.exp())
        loss = rec + kl; opt.zero_grad(); loss.backward(); opt.step()
