import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

torch.manual_seed(0)
lengths = torch.randint(3, 11, (200,))
x = torch.randn(200, 10, 2) * (torch.arange(10)[None, :, None] < lengths[:, None, None])
y = x[:, :, 0].sum(1, keepdim=True) / lengths[:, None]
gru, out = nn.GRU(2, 16, batch_first=True), nn.Linear(16, 1)
opt = torch.optim.Adam([*gru.parameters(), *out.parameters()], lr=5e-3)
for step in range(36):
    b = torch.randperm(200)[:40]
    packed = pack_padded_sequence(x[b], lengths[b], batch_first=True, enforce_sorted=False)
    loss = nn.functional.mse_loss(out(gru(packed)[1][-1]), y[b])
    opt.zero_grad()
    loss.backward()
    opt.step()
print(loss.item())
