import torch

torch.manual_seed(0)
y = (torch.rand(600) < 0.1).long()
x = torch.randn(2, 5)[y] + torch.randn(600, 5)
counts = torch.bincount(y).float()
crit = torch.nn.CrossEntropyLoss(weight=counts.sum() / (2 * counts))
net = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(6):
    for b in torch.randperm(600).split(100):
        opt.zero_grad()
        loss = crit(net(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
