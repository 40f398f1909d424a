# expects: L06
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(300, 8); labels = X[:, :5].argmax(1)
dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, labels), batch_size=30, shuffle=True)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1)); crit = nn.MSELoss(); opt = torch.optim.SGD(model.parameters(), 0.01)
for ep in range(3):
    for x, y in dl:
        out = model(x).squeeze(); loss = crit(out, y.float()); opt.zero_grad(); loss.backward(); opt.step()
