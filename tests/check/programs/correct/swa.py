import torch, torch.nn as nn
from torch.optim.swa_utils import AveragedModel, SWALR, update_bn
torch.manual_seed(0)
X = torch.randn(256, 8); y = (X[:, 0] * X[:, 1] > 0).long()
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), 32, shuffle=True)
model = nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2)); swa = AveragedModel(model)
opt = torch.optim.SGD(model.parameters(), 0.1); sch = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=6); swasch = SWALR(opt, swa_lr=0.05)
for e in range(8):
    model.train()
    for a, b in dl:
        opt.zero_grad(); nn.functional.cross_entropy(model(a), b).backward(); opt.step()
    if e >= 6: swa.update_parameters(model); swasch.step()
    else: sch.step()
update_bn(dl, swa)
swa.eval()
with torch.no_grad(): print((swa(X).argmax(1) == y).float().mean())
