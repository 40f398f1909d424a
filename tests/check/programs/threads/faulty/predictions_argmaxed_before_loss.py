import torch
from torch import nn

torch.manual_seed(2)
x = torch.randn(200, 6)
y = x[:, :3].argmax(1).float()
embed = nn.Linear(6, 16)
out = nn.Linear(16, 3)
params = list(embed.parameters()) + list(out.parameters())
optimizer = torch.optim.SGD(params, lr=0.1)
for epoch in range(20):
    logits = out(torch.tanh(embed(x)))
    predicted = torch.argmax(logits, dim=1).float()
    loss = nn.functional.mse_loss(predicted, y).requires_grad_(True)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
