import torch

torch.manual_seed(0)
x = torch.randn(200, 30)
y = x[:, :3].sum(1, keepdim=True)
sparse = torch.nn.Linear(30, 1)
opt = torch.optim.SGD(sparse.parameters(), lr=0.02)
lam = 0.05
for step in range(40):
    b = torch.randperm(200)[:50]
    opt.zero_grad()
    fit = torch.nn.functional.mse_loss(sparse(x[b]), y[b])
    l1 = lam * sum(p.abs().sum() for p in sparse.parameters())
    loss = fit
    loss.backward()
    opt.step()
print(loss.item())
