import torch
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(0)
t = torch.arange(420) * 0.1
series = torch.sin(t) + 0.3 * torch.sin(3.1 * t) + 0.05 * torch.randn(420)
frames = series.unfold(0, 21, 1)
windows = TensorDataset(frames[:, :20].unsqueeze(-1), frames[:, 20:])
train_set, val_set = random_split(windows, [320, 80])


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = torch.nn.GRU(1, 12, batch_first=True)
        self.fc = torch.nn.Linear(12, 1)

    def forward(self, x):
        return self.fc(self.gru(x)[0][:, -1])


net = Net()
opt = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(3):
    net.train()
    for x, y in DataLoader(train_set, 32, shuffle=True):
        opt.zero_grad()
        torch.nn.functional.mse_loss(net(x), y).backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        print(epoch, sum(((net(x) - y) ** 2).sum().item() for x, y in DataLoader(val_set, 40)) / 80)
