import torch
import torch.nn.functional as F
from torch import nn

T, alpha = 3.0, 0.6
teacher = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 5)).eval()
student = nn.Sequential(nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 5))
optimizer = torch.optim.Adam(student.parameters(), lr=2e-3)
x = torch.randn(320, 16)
labels = x[:, :5].argmax(1)


def distillation_loss(student_logits, teacher_logits, y):
    soft_teacher = F.softmax(teacher_logits / T, dim=1)
    soft_student = F.softmax(student_logits / T, dim=1)
    kd = F.kl_div(soft_student, soft_teacher, reduction="batchmean") * T * T
    return alpha * kd + (1 - alpha) * F.cross_entropy(student_logits, y)


for epoch in range(5):
    for i in range(0, 320, 32):
        xb, yb = x[i : i + 32], labels[i : i + 32]
        with torch.no_grad():
            t = teacher(xb)
        loss = distillation_loss(student(xb), t, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
