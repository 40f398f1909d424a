import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Linear(64, 32)
        self.mu, self.lv = nn.Linear(32, 4), nn.Linear(32, 4)
        self.d1, self.d2 = nn.Linear(4, 32), nn.Linear(32, 64)

    def forward(self, x):
        h = F.relu(self.e(x))
        mu, lv = self.mu(h), self.lv(h)
        z = mu + torch.randn_like(mu) * (0.5 * lv).exp()
        return torch.sigmoid(self.d2(F.relu(self.d1(z)))), mu, lv


torch.manual_seed(0)
data = torch.tensor(load_digits().data[:640], dtype=torch.float32) / 16
vae = VAE()
opt = torch.optim.Adam(vae.parameters(), lr=1e-3)
for epoch in range(4):
    for b in torch.randperm(640).split(64):
        recon, mu, lv = vae(data[b])
        rec = F.mse_loss(recon, data[b])
        kld = -0.5 * torch.sum(1 + lv - mu.pow(2) - lv.exp())
        loss = rec + kld
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, rec.item(), kld.item())
