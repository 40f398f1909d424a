import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(320, 6); y = (X.prod(1) > 0).float()
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), batch_size=32, shuffle=True, drop_last=True)
model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1))
EPOCHS = 5
opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, epochs=EPOCHS, steps_per_epoch=len(loader))
lossf = nn.BCEWithLogitsLoss()
for e in range(EPOCHS):
    run = 0.0
    for xb, yb in loader:
        opt.zero_grad()
        l = lossf(model(xb).squeeze(-1), yb)
        l.backward(); opt.step(); sched.step()
        run += l.item()
    print(e, run / len(loader))
with torch.no_grad():
    print(((model(X).squeeze(1) > 0).float() == y).float().mean())
