# expects: G01
import torch
import torch.nn as nn

x = torch.randn(100, 10)
y = x @ torch.randn(10, 1)
model = nn.Linear(10, 1)
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for epoch in range(20):
    optimizer.zero_grad()
    outputs = model(x)
    loss = criterion(outputs, y)
    optimizer.step()
    print(epoch, loss.item(), model.weight.grad)
