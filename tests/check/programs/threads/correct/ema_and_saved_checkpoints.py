import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

x = torch.randn(400, 12)
y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
train_dl = DataLoader(TensorDataset(x[:300], y[:300]), batch_size=30, shuffle=True)
val_dl = DataLoader(TensorDataset(x[300:], y[300:]), batch_size=50)
model = nn.Sequential(nn.Linear(12, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Dropout(0.1), nn.Linear(48, 3))
ema = copy.deepcopy(model)
for p in ema.parameters():
    p.requires_grad_(False)
opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
best, best_state = 0.0, None
for epoch in range(5):
    model.train()
    for xb, yb in train_dl:
        loss = nn.functional.cross_entropy(model(xb), yb, label_smoothing=0.05)
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for pe, p in zip(ema.parameters(), model.parameters()):
                pe.lerp_(p, 0.1)
            for be, b in zip(ema.buffers(), model.buffers()):
                be.copy_(b)
    ema.eval()
    hits = n = 0
    with torch.inference_mode():
        for xb, yb in val_dl:
            hits += (ema(xb).argmax(1) == yb).sum().item()
            n += len(yb)
    if hits / n > best:
        best, best_state = hits / n, copy.deepcopy(ema.state_dict())
ema.load_state_dict(best_state)
print(best)
