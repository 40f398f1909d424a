# expects: E04
import torch, torch.nn as nn
torch.manual_seed(0)
X = torch.randn(200, 8); y = (X[:, 0] > 0).long(); dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, y), 20, shuffle=True)
net = nn.Linear(8, 2); opt = torch.optim.Adam(net.parameters(), 1e-2)
for e in range(3):
    correct = 0
    for a, b in dl:
        out = net(a); opt.zero_grad(); nn.functional.cross_entropy(out, b).backward(); opt.step()
        _, predicted = torch.max(out, 1)
        correct += (predicted == b).sum().item()
    print("acc %.3f" % (correct / len(dl)))
