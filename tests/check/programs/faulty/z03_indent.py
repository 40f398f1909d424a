# expects: Z03
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 8); y = X.sum(1, keepdim=True); m = nn.Linear(8, 1); opt = torch.optim.SGD(m.parameters(), 1e-2)
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), 20, shuffle=True)
for e in range(5):
    for a, b in dl:
        opt.zero_grad(); loss = nn.functional.mse_loss(m(a), b); loss.backward()
    opt.step()
