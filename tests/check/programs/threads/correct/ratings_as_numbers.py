import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

users, items = torch.randint(0, 40, (900,)), torch.randint(0, 60, (900,))
taste = torch.randn(40, 3) @ torch.randn(3, 60)
ratings = (taste[users, items] + 3).round().clamp(1, 5)


class MatrixFactorisation(nn.Module):
    def __init__(self, k=8):
        super().__init__()
        self.u, self.i = nn.Embedding(40, k), nn.Embedding(60, k)
        self.bu, self.bi = nn.Embedding(40, 1), nn.Embedding(60, 1)
        self.mean = nn.Parameter(torch.tensor(3.0))

    def forward(self, u, i):
        return (self.u(u) * self.i(i)).sum(1) + self.bu(u).squeeze(1) + self.bi(i).squeeze(1) + self.mean


model = MatrixFactorisation()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-5)
for epoch in range(4):
    for u, i, r in DataLoader(TensorDataset(users, items, ratings), batch_size=60, shuffle=True):
        loss = nn.functional.mse_loss(model(u, i), r)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item() ** 0.5)
