import torch
import torch.nn as nn

torch.manual_seed(0)
netG = nn.Sequential(nn.Linear(3, 12), nn.ReLU(), nn.Linear(12, 2))
netD = nn.Sequential(nn.Linear(2, 12), nn.LeakyReLU(0.2), nn.Linear(12, 1))
optG, optD = torch.optim.Adam(netG.parameters(), 1e-3), torch.optim.Adam(netD.parameters(), 1e-3)
criterion = nn.BCEWithLogitsLoss()
for i in range(15):
    real, noise = torch.randn(24, 2) * 0.5 + 2, torch.randn(24, 3)
    fake = netG(noise)
    errD = criterion(netD(real), torch.ones(24, 1)) + criterion(netD(fake.detach()), torch.zeros(24, 1))
    errD.backward()
    optD.step()
    optG.zero_grad()
    errG = criterion(netD(fake), torch.ones(24, 1))
    errG.backward()
    optG.step()
print(errD.item(), errG.item())
