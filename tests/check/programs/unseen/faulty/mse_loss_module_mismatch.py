import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Curve(Dataset):
    def __init__(self, n=256):
        rng = np.random.default_rng(0)
        self.x = rng.uniform(-1, 1, (n, 1)).astype(np.float32)
        self.y = np.sin(3 * self.x[:, 0]).astype(np.float32)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


torch.manual_seed(0)
loader = DataLoader(Curve(), batch_size=32, shuffle=True)
model = torch.nn.Sequential(torch.nn.Linear(1, 32), torch.nn.Tanh(), torch.nn.Linear(32, 1))
criterion = torch.nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(5):
    total = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(inputs)
    print(epoch, total / 256)
