import torch
from torch import nn


class MultiTask(nn.Module):
    def __init__(self, tasks):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(10, 20), nn.ReLU())
        self.heads = {name: nn.Linear(20, 1) for name in tasks}

    def forward(self, x):
        h = self.shared(x)
        return {name: head(h).squeeze(1) for name, head in self.heads.items()}


torch.manual_seed(0)
x = torch.randn(200, 10)
goals = {"height": x[:, 0] + x[:, 1], "weight": x[:, 2] - x[:, 3]}
model = MultiTask(goals)
opt = torch.optim.AdamW(model.parameters(), lr=5e-3)
for step in range(36):
    b = torch.randperm(200)[:50]
    answers = model(x[b])
    loss = sum(nn.functional.mse_loss(answers[k], goals[k][b]) for k in goals)
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
