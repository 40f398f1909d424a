import torch, torch.nn as nn
torch.manual_seed(0)
pi = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2)); opt = torch.optim.Adam(pi.parameters(), 1e-2)
for ep in range(20):
    logps, rewards = [], []
    s = torch.randn(4)
    for t in range(15):
        dist = torch.distributions.Categorical(logits=pi(s)); a = dist.sample()
        logps.append(dist.log_prob(a)); rewards.append(float(a.item() == int(s[0] > 0))); s = torch.randn(4)
    R, G = 0, []
    for r in reversed(rewards): R = r + 0.9 * R; G.insert(0, R)
    G = torch.tensor(G); G = (G - G.mean()) / (G.std() + 1e-8)
    loss = -(torch.stack(logps) * G).sum()
    opt.zero_grad(); loss.backward(); opt.step()
