import torch
from torch import nn

torch.manual_seed(0)
gen = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
critic = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
og = torch.optim.Adam(gen.parameters(), 1e-3, betas=(0.5, 0.9))
oc = torch.optim.Adam(critic.parameters(), 1e-3, betas=(0.5, 0.9))
for it in range(12):
    for _ in range(2):
        real = torch.randn(24, 2) + 1
        fake = gen(torch.randn(24, 3)).detach()
        mix = torch.rand(24, 1)
        point = (mix * real + (1 - mix) * fake).requires_grad_()
        slope = torch.autograd.grad(critic(point).sum(), point, create_graph=True)[0]
        loss = critic(fake).mean() - critic(real).mean() + 10 * ((slope.norm(dim=1) - 1) ** 2).mean()
        oc.zero_grad()
        loss.backward()
        oc.step()
    og.zero_grad()
    g_loss = -critic(gen(torch.randn(24, 3))).mean()
    g_loss.backward()
    og.step()
print(loss.item(), g_loss.item())
