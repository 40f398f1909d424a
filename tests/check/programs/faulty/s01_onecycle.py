# expects: S01
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(640, 8); y = X.sum(1, keepdim=True); m = nn.Linear(8, 1); opt = torch.optim.SGD(m.parameters(), 1e-2)
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), 16, shuffle=True)
epochs = 6; sch = torch.optim.lr_scheduler.OneCycleLR(opt, 0.05, steps_per_epoch=len(dl), epochs=epochs)
for e in range(epochs):
    for a, b in dl:
        opt.zero_grad(); nn.functional.mse_loss(m(a), b).backward(); opt.step()
    sch.step()
