import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 10)
y = x[:, :1] * 2
encoder, decoder, regress = nn.Linear(10, 4), nn.Linear(4, 10), nn.Linear(4, 1)
opt = torch.optim.Adam([*encoder.parameters(), *decoder.parameters(), *regress.parameters()], lr=1e-2)
for epoch in range(8):
    for b in torch.randperm(256).split(64):
        code = torch.tanh(encoder(x[b]))
        fit = nn.functional.mse_loss(regress(code), y[b])
        rebuild = nn.functional.mse_loss(decoder(code), x[b])
        loss = fit + 0.5 * rebuild.item()
        opt.zero_grad()
        loss.backward()
        opt.step()
    print(epoch, loss.item())
