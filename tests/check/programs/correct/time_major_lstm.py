import torch
import torch.nn as nn
torch.manual_seed(0)
T, N = 12, 64
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 24)
        self.fc = nn.Linear(24, 2)
    def forward(self, seq):            # (T, N, 3)
        out, _ = self.lstm(seq)
        return self.fc(out[-1])
data = torch.randn(40 * 8, T, 3)
lab = (data.sum((1, 2)) > 0).long()
m = Net()
o = torch.optim.Adam(m.parameters(), 1e-2)
lossf = nn.CrossEntropyLoss()
for ep in range(3):
    m.train()
    perm = torch.randperm(len(data))
    for k in range(0, len(data), N):
        idx = perm[k:k + N]
        xb = data[idx].transpose(0, 1)
        o.zero_grad()
        loss = lossf(m(xb), lab[idx])
        loss.backward()
        o.step()
