import torch
import torch.nn as nn
torch.manual_seed(0)
netG = nn.Sequential(nn.ConvTranspose2d(16, 16, 4), nn.BatchNorm2d(16), nn.ReLU(True), nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Tanh())
netD = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 4), nn.Sigmoid())
criterion = nn.BCELoss()
fixed_noise = torch.randn(16, 16, 1, 1)
optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-4, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-4, betas=(0.5, 0.999))
images = torch.tanh(torch.randn(128, 1, 8, 8))
loader = torch.utils.data.DataLoader(images, batch_size=32, shuffle=True)
G_losses, D_losses, img_list = [], [], []
for epoch in range(3):
    for i, data in enumerate(loader):
        netD.zero_grad()
        b = data.size(0)
        label = torch.full((b,), 1.0)
        output = netD(data).view(-1)
        errD_real = criterion(output, label)
        errD_real.backward()
        noise = torch.randn(b, 16, 1, 1)
        fake = netG(noise)
        label.fill_(0.0)
        output = netD(fake.detach()).view(-1)
        errD_fake = criterion(output, label)
        errD_fake.backward()
        errD = errD_real + errD_fake
        optimizerD.step()
        netG.zero_grad()
        label.fill_(1.0)
        output = netD(fake).view(-1)
        errG = criterion(output, label)
        errG.backward()
        optimizerG.step()
        G_losses.append(errG.item()); D_losses.append(errD.item())
    with torch.no_grad():
        img_list.append(netG(fixed_noise).detach().cpu())
