# expects: O01
import torch, torch.nn as nn
torch.manual_seed(0)
enc = nn.Linear(10, 4); dec = nn.Linear(4, 10); opt = torch.optim.Adam(dec.parameters(), 1e-2); X = torch.randn(128, 10)
for e in range(10):
    loss = nn.functional.mse_loss(dec(torch.relu(enc(X))), X); opt.zero_grad(); loss.backward(); opt.step()
