import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)
actor = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-4)
for it in range(8):
    s = torch.randn(128, 4)
    with torch.no_grad():
        d = Categorical(logits=actor(s))
        a = d.sample()
        old = d.log_prob(a)
        v = critic(s).squeeze(-1)
    r = (a == (s[:, 0] > 0).long()).float()
    adv = r - v
    adv = (adv - adv.mean()) / (adv.std() + 1e-8)
    ret = r
    for ep in range(3):
        for b in torch.randperm(128).split(32):
            d = Categorical(logits=actor(s[b]))
            ratio = (d.log_prob(a[b]) - old[b]).exp()
            pl = -torch.min(ratio * adv[b], ratio.clamp(0.8, 1.2) * adv[b]).mean()
            vl = 0.5 * (critic(s[b]).squeeze(-1) - ret[b]).pow(2).mean()
            loss = pl + 0.5 * vl - 0.01 * d.entropy().mean()
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*actor.parameters(), *critic.parameters()], 0.5)
            opt.step()
