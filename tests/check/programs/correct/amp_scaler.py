import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(256, 8); y = (X[:, 0] > 0).long()
m = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2)); opt = torch.optim.AdamW(m.parameters(), 1e-3)
scaler = torch.amp.GradScaler("cpu", enabled=False); crit = nn.CrossEntropyLoss()
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), 32, shuffle=True)
for e in range(3):
    for xb, yb in dl:
        opt.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = crit(m(xb), yb)
        scaler.scale(loss).backward(); scaler.unscale_(opt); nn.utils.clip_grad_norm_(m.parameters(), 1.0); scaler.step(opt); scaler.update()
