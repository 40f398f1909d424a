import torch

torch.manual_seed(0)
cell = torch.nn.RNNCell(2, 12)
read = torch.nn.Linear(12, 1)
opt = torch.optim.Adam([*cell.parameters(), *read.parameters()], lr=5e-3)
for step in range(32):
    x = torch.randn(10, 16, 2)
    target = x[..., :1].cumsum(0) / 3
    h = torch.zeros(16, 12)
    loss = 0.0
    for t in range(10):
        h = cell(x[t], h)
        loss = loss + torch.nn.functional.mse_loss(read(h), target[t])
    loss = loss / 10
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
