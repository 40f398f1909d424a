import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

accelerator = Accelerator(cpu=True)
x = torch.randn(256, 12)
y = x @ torch.randn(12, 1)
dataloader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
model, optimizer, dataloader = accelerator.prepare(model, optimizer, dataloader)
loss_function = nn.MSELoss()
for epoch in range(3):
    for inputs, targets in dataloader:
        outputs = model(inputs)
        loss = loss_function(outputs, targets)
        accelerator.backward(loss)
        optimizer.step()
    print(epoch, loss.item())
