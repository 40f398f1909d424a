import torch
from torch import nn

torch.manual_seed(0)
song = torch.sin(torch.arange(301) * 0.3)[None] * torch.rand(8, 1) + 0.05 * torch.randn(8, 301)
rnn, out = nn.LSTM(1, 16, batch_first=True), nn.Linear(16, 1)
opt = torch.optim.Adam([*rnn.parameters(), *out.parameters()], lr=5e-3)
for epoch in range(4):
    state = None
    for s in range(0, 300, 30):
        x, y = song[:, s : s + 30, None], song[:, s + 1 : s + 31, None]
        h, state = rnn(x, state)
        state = tuple(z.detach() for z in state)
        loss = nn.functional.mse_loss(out(h), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
