import torch

torch.manual_seed(0)
policy = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 4))
opt = torch.optim.Adam(policy.parameters(), lr=1e-2)
best = torch.randn(3, 4)
baseline = 0.0
for episode in range(40):
    state = torch.randn(64, 3)
    dist = torch.distributions.Categorical(logits=policy(state))
    action = dist.sample()
    reward = (state @ best).gather(1, action[:, None]).squeeze(1)
    advantage = (reward - baseline).detach()
    loss = -(dist.log_prob(action) * advantage).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    baseline = 0.9 * baseline + 0.1 * reward.mean().item()
print(baseline)
