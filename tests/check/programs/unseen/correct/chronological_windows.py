import torch

torch.manual_seed(0)
t = torch.arange(500) * 0.15
s = torch.sin(t) + 0.1 * torch.randn(500)
train, val = s[:380].unfold(0, 13, 1), s[400:].unfold(0, 13, 1)
net = torch.nn.Sequential(torch.nn.Linear(12, 24), torch.nn.ReLU(), torch.nn.Linear(24, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(5):
    net.train()
    for b in torch.randperm(len(train)).split(64):
        opt.zero_grad()
        torch.nn.functional.mse_loss(net(train[b, :12]), train[b, 12:]).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, torch.nn.functional.mse_loss(net(val[:, :12]), val[:, 12:]).item())
