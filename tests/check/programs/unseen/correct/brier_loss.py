import torch
import torch.nn.functional as F

torch.manual_seed(0)
y = torch.randint(0, 3, (300,))
x = torch.randn(3, 5)[y] + 0.5 * torch.randn(300, 5)
net = torch.nn.Sequential(torch.nn.Linear(5, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
opt = torch.optim.Adam(net.parameters(), lr=1e-2)


def brier(logits, labels):
    p = F.softmax(logits, dim=1)
    return ((p - F.one_hot(labels, 3).float()) ** 2).sum(dim=1).mean()


for epoch in range(8):
    for b in torch.randperm(300).split(60):
        opt.zero_grad()
        score = brier(net(x[b]), y[b])
        score.backward()
        opt.step()
    print(epoch, score.item())
