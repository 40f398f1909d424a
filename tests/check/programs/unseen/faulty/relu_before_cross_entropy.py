import torch
from torch import nn

torch.manual_seed(0)
protos = torch.randn(6, 12)
y = torch.randint(6, (360,))
x = protos[y] + 0.6 * torch.randn(360, 12)
layers = []
for a, b in ((12, 32), (32, 32), (32, 6)):
    layers += [nn.Linear(a, b), nn.ReLU()]
stack = nn.Sequential(*layers)
opt = torch.optim.SGD(stack.parameters(), lr=0.05, momentum=0.9)
ce = nn.CrossEntropyLoss()
for epoch in range(6):
    for rows in torch.randperm(360).split(60):
        opt.zero_grad()
        loss = ce(stack(x[rows]), y[rows])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
