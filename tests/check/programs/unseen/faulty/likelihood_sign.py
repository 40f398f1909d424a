import torch

torch.manual_seed(0)
group = torch.randint(0, 3, (240,))
obs = torch.randn(3, 6)[group] + 0.5 * torch.randn(240, 6)
policy = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
opt = torch.optim.SGD(policy.parameters(), lr=0.05)


def objective(batch, actions):
    dist = torch.distributions.Categorical(logits=policy(batch))
    return dist.log_prob(actions).mean()


for it in range(40):
    rows = torch.randperm(240)[:48]
    opt.zero_grad()
    cost = objective(obs[rows], group[rows])
    cost.backward()
    opt.step()
print(cost.item())
