import torch
import torch.nn.functional as F

torch.manual_seed(0)
y = torch.randint(0, 4, (256,))
x = torch.randn(4, 8)[y] + 0.6 * torch.randn(256, 8)
hot = F.one_hot(y, 4).float()
net = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
beta = torch.distributions.Beta(0.4, 0.4)
for step in range(36):
    b = torch.randperm(256)[:64]
    c, lam = b.flip(0), beta.sample()
    loss = F.cross_entropy(net(lam * x[b] + (1 - lam) * x[c]), lam * hot[b] + (1 - lam) * hot[c])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
