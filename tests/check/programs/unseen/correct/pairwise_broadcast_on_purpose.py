import torch

torch.manual_seed(0)
x = torch.randn(240, 6)
relevance = x[:, 0] + 0.5 * x[:, 1]
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(40):
    b = torch.randperm(240)[:40]
    s, r = net(x[b]).squeeze(1), relevance[b]
    margin = s[:, None] - s[None, :]
    better = (r[:, None] > r[None, :]).float()
    loss = (better * torch.nn.functional.softplus(-margin)).sum() / better.sum()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
