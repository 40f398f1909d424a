import torch

torch.manual_seed(0)
x = torch.randn(300, 6)
y = (x[:, 0] > 0).float()
net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(5):
    net.train()
    for b in torch.randperm(240).split(40):
        opt.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(net(x[b]).squeeze(1), y[b]).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        hit = ((net(x[240:]) > 0) == (y[240:] > 0.5)).float()
        print(epoch, hit.mean().item())
