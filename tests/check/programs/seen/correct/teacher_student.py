import torch
import torch.nn.functional as F

torch.manual_seed(0)
y = torch.randint(0, 4, (256,))
x = torch.randn(4, 10)[y] + 0.6 * torch.randn(256, 10)
teacher = torch.nn.Sequential(torch.nn.Linear(10, 32), torch.nn.ReLU(), torch.nn.Linear(32, 4))
to = torch.optim.Adam(teacher.parameters(), lr=1e-2)
for _ in range(10):
    to.zero_grad()
    F.cross_entropy(teacher(x), y).backward()
    to.step()
teacher.eval()
student = torch.nn.Sequential(torch.nn.Linear(10, 12), torch.nn.ReLU(), torch.nn.Linear(12, 4))
so = torch.optim.Adam(student.parameters(), lr=5e-3)
T = 2.0
for step in range(20):
    b = torch.randperm(256)[:64]
    with torch.no_grad():
        soft = F.softmax(teacher(x[b]) / T, dim=1)
    logits = student(x[b])
    kd = F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean") * T * T
    loss = 0.7 * kd + 0.3 * F.cross_entropy(logits, y[b])
    so.zero_grad()
    loss.backward()
    so.step()
print(loss.item())
