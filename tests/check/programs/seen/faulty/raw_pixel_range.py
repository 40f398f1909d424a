import torch

torch.manual_seed(0)
income = 40000 + 15000 * torch.randn(300, 1)
area = 900 + 300 * torch.randn(300, 1)
x = torch.cat([income, area], 1)
y = (income - 40000) / 15000 + (area - 900) / 300
net = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(7):
    for b in torch.randperm(300).split(60):
        opt.zero_grad()
        loss = torch.nn.functional.mse_loss(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
