import torch, torch.nn as nn, copy, torch.nn.functional as F
torch.manual_seed(0)
stu = nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3)); tea = copy.deepcopy(stu)
for p in tea.parameters(): p.requires_grad_(False)
opt = torch.optim.SGD(stu.parameters(), 0.05)
Xl = torch.randn(60, 6); yl = Xl[:, :3].argmax(1); Xu = torch.randn(300, 6)
for step in range(40):
    stu.train(); tea.train()
    i = torch.randint(0, 60, (20,)); j = torch.randint(0, 300, (40,))
    with torch.no_grad():
        t = F.softmax(tea(Xu[j] + 0.1 * torch.randn(40, 6)), dim=1)
    loss = F.cross_entropy(stu(Xl[i]), yl[i]) + F.mse_loss(F.softmax(stu(Xu[j]), dim=1), t)
    opt.zero_grad(); loss.backward(); opt.step()
    with torch.no_grad():
        for a, b in zip(tea.parameters(), stu.parameters()): a.mul_(0.99).add_(b, alpha=0.01)
stu.eval()
with torch.no_grad(): print((stu(Xl).argmax(1) == yl).float().mean())
