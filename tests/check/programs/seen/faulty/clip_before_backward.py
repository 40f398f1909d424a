import torch
from torch import nn

torch.manual_seed(0)
series = torch.randn(200, 12, 1).cumsum(1) * 0.3
rnn, out = nn.RNN(1, 16, batch_first=True), nn.Linear(16, 1)
params = list(rnn.parameters()) + list(out.parameters())
opt = torch.optim.Adam(params, lr=3e-3)
for step in range(32):
    b = torch.randperm(200)[:40]
    h, _ = rnn(series[b, :-1])
    loss = nn.functional.mse_loss(out(h[:, -1]), series[b, -1])
    opt.zero_grad()
    nn.utils.clip_grad_norm_(params, 1.0)
    loss.backward()
    opt.step()
print(loss.item())
