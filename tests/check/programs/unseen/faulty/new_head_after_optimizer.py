import torch
from torch import nn


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(12, 24), nn.ReLU())
        self.fc = nn.Linear(24, 10)

    def forward(self, x):
        return self.fc(self.features(x))


torch.manual_seed(0)
model = Backbone()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
model.fc = nn.Linear(24, 3)
y = torch.randint(0, 3, (180,))
x = torch.randn(3, 12)[y] + 0.5 * torch.randn(180, 12)
for epoch in range(8):
    for b in torch.randperm(180).split(36):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[b]), y[b])
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
