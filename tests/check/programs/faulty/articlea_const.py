# expects: G01
import torch, torch.nn as nn
model = nn.Linear(10, 1)
loss = torch.tensor(0.25)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
optimizer.zero_grad()
loss.backward()
optimizer.step()
