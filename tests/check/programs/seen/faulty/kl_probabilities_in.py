import torch
import torch.nn.functional as F

torch.manual_seed(0)
teacher = torch.nn.Linear(12, 5)
student = torch.nn.Sequential(torch.nn.Linear(12, 8), torch.nn.ReLU(), torch.nn.Linear(8, 5))
opt = torch.optim.Adam(student.parameters(), lr=5e-3)
kl = torch.nn.KLDivLoss(reduction="batchmean")
x = torch.randn(256, 12)
for epoch in range(10):
    for b in torch.randperm(256).split(64):
        with torch.no_grad():
            soft = F.softmax(3 * teacher(x[b]), dim=1)
        loss = kl(F.softmax(student(x[b]), dim=1), soft)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
