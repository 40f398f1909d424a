import torch, torch.nn as nn
torch.manual_seed(1)
X = torch.randn(512, 20); Y = (X[:, :1] * 2 - X[:, 1:2] + 0.1 * torch.randn(512, 1))
ds = torch.utils.data.TensorDataset(X, Y)
dl = torch.utils.data.DataLoader(ds, batch_size=16, shuffle=True)
net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1))
opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
ACC = 4
for ep in range(4):
    opt.zero_grad()
    for i, (x, y) in enumerate(dl):
        loss = nn.functional.mse_loss(net(x), y) / ACC
        loss.backward()
        if (i + 1) % ACC == 0:
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            opt.zero_grad()
