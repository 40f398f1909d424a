import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0)
X = torch.randn(512, 12); y = X[:, :5].argmax(1)
teacher = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 5))
student = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 5))
ot = torch.optim.Adam(teacher.parameters(), 1e-2)
for _ in range(40):
    ot.zero_grad(); F.cross_entropy(teacher(X), y).backward(); ot.step()
teacher.eval()
os_ = torch.optim.Adam(student.parameters(), 1e-2)
T = 3.0
for ep in range(4):
    for idx in torch.randperm(512).split(64):
        with torch.no_grad():
            soft = F.softmax(teacher(X[idx]) / T, dim=1)
        out = student(X[idx])
        loss = 0.7 * T * T * F.kl_div(F.log_softmax(out / T, dim=1), soft, reduction='batchmean') + 0.3 * F.cross_entropy(out, y[idx])
        os_.zero_grad(); loss.backward(); os_.step()
