import torch

torch.manual_seed(0)
x = torch.randn(200, 7)
y = (x[:, 1] > 0).float()[:, None]
net = torch.nn.Sequential(torch.nn.Linear(7, 14), torch.nn.ReLU(), torch.nn.Linear(14, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(40):
    b = torch.randperm(200)[:40]
    loss = torch.nn.functional.binary_cross_entropy_with_logits(net(x[b]), y[b])
    loss.backward()
    opt.zero_grad()
    opt.step()
print(loss.item())
