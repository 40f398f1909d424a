import torch

torch.manual_seed(0)
x = torch.randn(600, 8)
fraud = (x[:, 0] + 0.3 * torch.randn(600) > 1.3).float()
ratio = (fraud == 0).sum() / fraud.sum()
net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
criterion = torch.nn.BCEWithLogitsLoss(weight=ratio)
opt = torch.optim.Adam(net.parameters(), lr=3e-3)
for epoch in range(5):
    for b in torch.randperm(600).split(100):
        opt.zero_grad()
        loss = criterion(net(x[b]).squeeze(1), fraud[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
