import torch
import torch.nn.functional as F

torch.manual_seed(0)
y = torch.randint(0, 3, (240,))
x = torch.randn(3, 6)[y] + 0.4 * torch.randn(240, 6)
net = torch.nn.Sequential(torch.nn.Linear(6, 18), torch.nn.ReLU(), torch.nn.Linear(18, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for epoch in range(8):
    for b in torch.randperm(240).split(48):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x[b]), y[b])
        loss.backward()
    print(epoch, loss.item())
