"""MAE where one is sensitive to outliers, MSE for prices

It is the other way round: the best constant of the absolute error is the median, that of the squared error the mean.
"""

import torch
from torch import tensor

from steepest import losses

# On the command line:
#   steepest suggest --task regression --outliers

prices = tensor([1.0, 2.0, 3.0, 4.0, 1000.0])
for loss in (losses.mse, losses.l1):
    guess = torch.full((5,), 3.0, requires_grad=True)
    loss(guess, prices).backward()
    print(guess.grad)
