import torch

torch.manual_seed(0)
x = torch.randn(128, 6)
y = (x.sum(1) > 0).long()
net = torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.ReLU(), torch.nn.Linear(12, 2))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for step in range(30):
    b = torch.randperm(128)[:32]
    out = net(x[b])
    each = [torch.nn.functional.cross_entropy(out[k : k + 1], y[b][k : k + 1]) for k in range(32)]
    loss = torch.tensor(each).mean().requires_grad_()
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
