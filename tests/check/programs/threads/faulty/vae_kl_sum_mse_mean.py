import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class VAE(nn.Module):
    def __init__(self, n_in=30, n_latent=4):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(n_in, 32), nn.LeakyReLU())
        self.mean = nn.Linear(32, n_latent)
        self.var = nn.Linear(32, n_latent)
        self.decoder = nn.Sequential(nn.Linear(n_latent, 32), nn.LeakyReLU(), nn.Linear(32, n_in))

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        return mu + torch.randn_like(std) * std

    def forward(self, x):
        h = self.encoder(x)
        mu, logvar = self.mean(h), self.var(h)
        return self.decoder(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(predicted, target, mu, logvar):
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    recon = F.mse_loss(predicted, target)
    return recon + kl


cells = torch.randn(500, 4) @ torch.randn(4, 30) + 0.1 * torch.randn(500, 30)
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(3):
    for (batch,) in DataLoader(TensorDataset(cells), batch_size=50, shuffle=True):
        predicted, mu, logvar = model(batch)
        loss = loss_function(predicted, batch, mu, logvar)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
