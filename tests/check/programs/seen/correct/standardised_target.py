import torch

torch.manual_seed(0)
x = torch.randn(300, 4)
price = 250000 + 40000 * x[:, :1] - 30000 * x[:, 1:2] + 5000 * torch.randn(300, 1)
train, test = slice(0, 240), slice(240, 300)
mu, sd = price[train].mean(), price[train].std()
target = (price - mu) / sd
net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(8):
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x[b]), target[b])
        loss.backward()
        opt.step()
net.eval()
with torch.no_grad():
    print((net(x[test]) * sd + mu - price[test]).abs().mean().item())
