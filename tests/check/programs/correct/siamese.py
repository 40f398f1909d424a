import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 8))
opt = torch.optim.Adam(net.parameters(), 1e-3)
a, b = torch.randn(300, 8), torch.randn(300, 8); same = (torch.rand(300) > 0.5).float(); b = torch.where(same[:, None] > 0, a + 0.1 * torch.randn(300, 8), b)
for e in range(5):
    for i in torch.randperm(300).split(50):
        d = F.pairwise_distance(net(a[i]), net(b[i]))
        loss = (same[i] * d.pow(2) + (1 - same[i]) * F.relu(1.0 - d).pow(2)).mean()
        opt.zero_grad(); loss.backward(); opt.step()
trip = nn.TripletMarginLoss()
for e in range(3):
    l = trip(net(a), net(a + 0.1 * torch.randn_like(a)), net(b.roll(1, 0))); opt.zero_grad(); l.backward(); opt.step()
