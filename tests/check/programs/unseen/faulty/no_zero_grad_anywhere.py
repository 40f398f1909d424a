import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
X = torch.randn(320, 4)
T = X.sum(1, keepdim=True)
net = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
for epoch in range(4):
    for x, t in DataLoader(TensorDataset(X, T), batch_size=32, shuffle=True):
        loss = torch.nn.functional.mse_loss(net(x), t)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
