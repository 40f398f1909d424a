import torch

q = torch.tensor([0.1, 0.5, 0.9])


def pinball(pred, target):
    e = target.unsqueeze(1) - pred
    return torch.maximum(q * e, (q - 1) * e).mean()


torch.manual_seed(0)
x = torch.rand(400, 1) * 4 - 2
y = x[:, 0] ** 2 / 2 + (0.1 + 0.2 * x[:, 0].abs()) * torch.randn(400)
net = torch.nn.Sequential(torch.nn.Linear(1, 32), torch.nn.Tanh(), torch.nn.Linear(32, 3))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(8):
    for b in torch.randperm(400).split(80):
        loss = pinball(net(x[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
