import torch

torch.manual_seed(0)
y = torch.randint(0, 3, (300,))
x = torch.randn(3, 8)[y] + 0.7 * torch.randn(300, 8)
net = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.BatchNorm1d(32), torch.nn.ReLU(), torch.nn.Linear(32, 3))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(6):
    net.train()
    hits = 0
    for b in torch.randperm(240).split(48):
        opt.zero_grad()
        logits = net(x[b])
        torch.nn.functional.cross_entropy(logits, y[b]).backward()
        opt.step()
        with torch.no_grad():
            hits += (logits.argmax(1) == y[b]).sum().item()
    net.eval()
    with torch.no_grad():
        print(epoch, hits / 240, (net(x[240:]).argmax(1) == y[240:]).float().mean().item())
