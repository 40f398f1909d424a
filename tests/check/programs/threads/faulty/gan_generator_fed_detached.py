import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

latent_dim = 16
angles = torch.rand(512) * 6.2832
points = torch.stack([angles.cos(), angles.sin()], dim=1) + 0.05 * torch.randn(512, 2)
dataloader = DataLoader(TensorDataset(points), batch_size=64, shuffle=True)

netG = nn.Sequential(nn.Linear(latent_dim, 64), nn.ReLU(), nn.Linear(64, 2))
netD = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1), nn.Sigmoid())
criterion = nn.BCELoss()
optimizerD = optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.999))

for epoch in range(3):
    for i, (real,) in enumerate(dataloader):
        b_size = real.size(0)
        label = torch.ones(b_size)
        netD.zero_grad()
        errD_real = criterion(netD(real).view(-1), label)
        noise = torch.randn(b_size, latent_dim)
        fake = netG(noise)
        errD_fake = criterion(netD(fake.detach()).view(-1), torch.zeros(b_size))
        errD = errD_real + errD_fake
        errD.backward()
        optimizerD.step()

        netG.zero_grad()
        output = netD(fake.detach()).view(-1)
        errG = criterion(output, label)
        errG.backward()
        optimizerG.step()
    print(epoch, errD.item(), errG.item())
