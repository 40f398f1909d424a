import torch, torch.nn as nn
torch.manual_seed(0)
class Seg(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU())
        self.down = nn.MaxPool2d(2)
        self.mid = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.out = nn.Sequential(nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
    def forward(self, x):
        a = self.enc(x)
        b = self.up(self.mid(self.down(a)))
        return self.out(torch.cat([a, b], 1))
class DiceBCE(nn.Module):
    def forward(self, logits, t, smooth=1.0):
        p = torch.sigmoid(logits).view(-1); f = t.view(-1)
        dice = 1 - (2 * (p * f).sum() + smooth) / (p.sum() + f.sum() + smooth)
        return dice + nn.functional.binary_cross_entropy_with_logits(logits, t)
img = torch.randn(64, 1, 16, 16); mask = (nn.functional.avg_pool2d(img, 3, 1, 1) > 0.3).float()
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(img, mask), batch_size=8, shuffle=True)
net, crit = Seg(), DiceBCE()
opt = torch.optim.Adam(net.parameters(), 1e-3)
for e in range(2):
    net.train()
    for x, m in dl:
        opt.zero_grad()
        loss = crit(net(x), m)
        loss.backward(); opt.step()
    net.eval()
    with torch.no_grad():
        inter = union = 0
        for x, m in dl:
            p = (torch.sigmoid(net(x)) > 0.5).float()
            inter += (p * m).sum().item(); union += ((p + m) > 0).sum().item()
    print(inter / union)
