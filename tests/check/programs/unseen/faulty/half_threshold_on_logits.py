import torch

torch.manual_seed(0)
x = torch.randn(320, 5)
y = (x[:, :1] + x[:, 1:2] > 0).float()
clf = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
criterion = torch.nn.BCEWithLogitsLoss()
opt = torch.optim.Adam(clf.parameters(), lr=5e-3)
for epoch in range(5):
    clf.train()
    for b in torch.randperm(256).split(64):
        opt.zero_grad()
        loss = criterion(clf(x[b]), y[b])
        loss.backward()
        opt.step()
    clf.eval()
    with torch.no_grad():
        predicted = (clf(x[256:]) > 0.5).float()
        print(epoch, (predicted == y[256:]).float().mean().item())
