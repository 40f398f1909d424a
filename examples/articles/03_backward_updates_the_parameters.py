"""backward() updates the parameters

It computes gradients. `step()` updates, and it needs a loss that depends on parameters: `torch.tensor(0.25).backward()` is an error.
"""

import torch
from torch import tensor

from steepest import losses

# On the command line:
#   steepest explain backward

model = torch.nn.Linear(10, 1)
before = model.weight.detach().clone()
losses.mse(model(torch.randn(100, 10)), torch.randn(100, 1)).backward()
print(torch.equal(model.weight, before), model.weight.grad is None)
torch.optim.SGD(model.parameters(), lr=0.1).step()
print(torch.equal(model.weight, before))
try:
    tensor(0.25).backward()
except Exception as error:
    print(type(error).__name__, error)
