import torch

torch.manual_seed(0)
x = torch.randn(256, 5)
counts = torch.poisson(torch.exp(0.5 * x[:, 0] - 0.3 * x[:, 2]))
glm = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
nll = torch.nn.PoissonNLLLoss(log_input=False)
opt = torch.optim.Adam(glm.parameters(), lr=1e-3)
for step in range(32):
    b = torch.randperm(256)[:64]
    opt.zero_grad()
    loss = nll(glm(x[b]).squeeze(1), counts[b])
    loss.backward()
    opt.step()
print(loss.item())
