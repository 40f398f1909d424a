"""SGD and Adam subtract the gradient times the learning rate

SGD does. Adam divides by the gradient's own size first, so a gradient a thousand times as large moves it no further.
"""

import torch
from torch import tensor

for optimizer in (torch.optim.SGD, torch.optim.Adam):
    parameter = torch.zeros(2, requires_grad=True)
    parameter.grad = tensor([1.0, 1000.0])
    optimizer([parameter], lr=0.1).step()
    print(parameter.detach())

# On the command line:
#   steepest explain sgd
#   steepest explain adam
