import torch
import torch.nn.functional as F


def distil(student, teacher, batches, temperature=2.0):
    opt = torch.optim.Adam(student.parameters(), lr=3e-3)
    for inputs in batches:
        with torch.no_grad():
            p = F.softmax(teacher(inputs) / temperature, dim=-1)
        q = F.log_softmax(student(inputs) / temperature, dim=-1)
        loss = F.kl_div(p, q, reduction="batchmean") * temperature**2
        opt.zero_grad()
        loss.backward()
        opt.step()
        yield loss.item()


torch.manual_seed(7)
big = torch.nn.Sequential(torch.nn.Linear(10, 64), torch.nn.Tanh(), torch.nn.Linear(64, 4)).eval()
small = torch.nn.Sequential(torch.nn.Linear(10, 8), torch.nn.Tanh(), torch.nn.Linear(8, 4))
pool = torch.randn(40, 32, 10)
for value in distil(small, big, pool):
    pass
print(value)
