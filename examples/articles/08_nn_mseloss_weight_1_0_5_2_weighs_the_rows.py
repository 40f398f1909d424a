"""nn.MSELoss(weight=[1, 0.5, 2]) weighs the rows

It is a TypeError in every torch, and `mse_loss(weight=)` refuses that shape. `steepest.nn` takes it: (3,) is of rows, (3, 5) of elements, and
what could be read in two ways is refused with both repairs.
"""

import torch
from torch import tensor

from steepest import nn

prediction, truth, w = torch.randn(3, 5), torch.randn(3, 5), tensor([1.0, 0.5, 2.0])
squares = (prediction - truth) ** 2
loss = nn.MSELoss(weight=[1, 0.5, 2])(prediction, truth)
print(torch.isclose(loss, (w[:, None] * squares).sum() / (5 * w.sum())))
try:
    nn.MSELoss(weight=torch.ones(5))(prediction, truth)
except Exception as error:
    print(type(error).__name__, error)
