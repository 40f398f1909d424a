import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def train(model, loader, optimizer, criterion):
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        output = model(x)
        batch_loss = criterion(output, y)
        batch_loss.backward()
        optimizer.step()
        losses.append(batch_loss)
    return torch.stack(losses).mean()


x = torch.randn(300, 47)
y = torch.randint(0, 3, (300, 6))
head = nn.Sequential(nn.Linear(47, 64), nn.ReLU(), nn.Linear(64, 18), nn.Unflatten(1, (3, 6)))
opt = torch.optim.Adam(head.parameters(), lr=1e-3)
loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
history = []
for epoch in range(5):
    history.append(train(head, loader, opt, nn.CrossEntropyLoss()))
    print(epoch, history[-1].item())
