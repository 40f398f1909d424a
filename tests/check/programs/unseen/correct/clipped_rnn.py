import torch
from torch import nn

torch.manual_seed(0)
seq = torch.randn(200, 15, 2)
goal = seq[:, :, 0].mean(1, keepdim=True)
rnn, read = nn.GRU(2, 16, batch_first=True), nn.Linear(16, 1)
params = [*rnn.parameters(), *read.parameters()]
opt = torch.optim.Adam(params, lr=5e-3)
for step in range(36):
    b = torch.randperm(200)[:40]
    opt.zero_grad(set_to_none=True)
    loss = nn.functional.smooth_l1_loss(read(rnn(seq[b])[1][-1]), goal[b])
    loss.backward()
    nn.utils.clip_grad_norm_(params, max_norm=1.0)
    opt.step()
print(loss.item())
