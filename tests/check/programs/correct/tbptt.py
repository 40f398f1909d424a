import torch, torch.nn as nn
torch.manual_seed(0)
series = torch.sin(torch.arange(0, 2000) * 0.1)
X = series[:1900].view(10, 190, 1); Y = series[1:1901].view(10, 190, 1)
rnn = nn.GRU(1, 16, batch_first=True); head = nn.Linear(16, 1)
params = list(rnn.parameters()) + list(head.parameters())
opt = torch.optim.Adam(params, 1e-2)
for ep in range(2):
    h = None
    for k in range(0, 190, 19):
        out, h = rnn(X[:, k:k + 19], h)
        h = h.detach()
        loss = nn.functional.mse_loss(head(out), Y[:, k:k + 19])
        opt.zero_grad(); loss.backward(); opt.step()
