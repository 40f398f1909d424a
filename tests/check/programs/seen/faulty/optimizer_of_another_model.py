import torch


def build():
    return torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))


torch.manual_seed(0)
x = torch.randn(240, 6)
y = x[:, :1] * x[:, 1:2]
net = build()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
net = build()
for epoch in range(6):
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
