import torch
from torch import nn

torch.manual_seed(0)
raw = torch.randint(1, 5, (200,))
x = torch.randn(5, 6)[raw] + 0.4 * torch.randn(200, 6)
labels = raw - 2
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
crit = nn.CrossEntropyLoss(ignore_index=-100)
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(6):
    for b in torch.randperm(200).split(40):
        opt.zero_grad()
        wanted = labels[b]
        picked = model(x[b]).log_softmax(1)[torch.arange(len(b)), wanted]
        loss = -picked.mean()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
