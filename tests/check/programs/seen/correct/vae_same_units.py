import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(64, 32), nn.ReLU())
        self.stats = nn.Linear(32, 8)
        self.dec = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 64))

    def forward(self, x):
        mu, logvar = self.stats(self.enc(x)).chunk(2, dim=1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return self.dec(z), mu, logvar


torch.manual_seed(0)
x = torch.tensor(load_digits().data[:512], dtype=torch.float32) / 16
vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=2e-3)
for epoch in range(4):
    for b in torch.randperm(512).split(64):
        logits, mu, logvar = vae(x[b])
        rec = F.binary_cross_entropy_with_logits(logits, x[b], reduction="none").sum(1).mean()
        kl = (-0.5 * (1 + logvar - mu**2 - logvar.exp()).sum(1)).mean()
        loss = rec + kl
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, rec.item(), kl.item())
