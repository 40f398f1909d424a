import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 4))
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
crit = nn.TripletMarginLoss(margin=0.5)
centre = torch.randn(5, 6)
for step in range(36):
    a = torch.randint(0, 5, (40,))
    b = (a + torch.randint(1, 5, (40,))) % 5
    anchor, positive, negative = (centre[k] + 0.3 * torch.randn(40, 6) for k in (a, a, b))
    loss = crit(net(anchor), net(positive), net(negative))
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
