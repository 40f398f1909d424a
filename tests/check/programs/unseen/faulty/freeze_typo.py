import torch
from torch import nn

torch.manual_seed(0)
body = nn.Sequential(nn.Linear(10, 32), nn.ReLU())
head = nn.Linear(32, 4)
model = nn.Sequential(body, head)
for param in body.parameters():
    param.requires_grads = False
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
y = torch.randint(0, 4, (200,))
x = torch.randn(4, 10)[y] + 0.5 * torch.randn(200, 10)
for epoch in range(8):
    for b in torch.randperm(200).split(40):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(model(x[b]), y[b])
        loss.backward()
        opt.step()
    print(epoch, loss.item())
