import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(300, 5); y = torch.poisson(torch.exp(0.3 * X[:, :1] + 0.5))
m = nn.Linear(5, 1); opt = torch.optim.Adam(m.parameters(), 1e-2); lf = nn.PoissonNLLLoss(log_input=True)
for e in range(40):
    opt.zero_grad(); l = lf(m(X), y); l.backward(); opt.step()
