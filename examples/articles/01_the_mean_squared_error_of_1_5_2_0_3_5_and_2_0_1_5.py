"""The mean squared error of [1.5, 2.0, 3.5] and [2.0, 1.5, 4.0] is 0.375

It is 0.25: three differences of a half.
"""

from torch import tensor

from steepest import losses, nn

print(nn.MSELoss()(tensor([1.5, 2.0, 3.5]), tensor([2.0, 1.5, 4.0])))
print(losses.mse(tensor([1.5, 2.0, 3.5]), tensor([2.0, 1.5, 4.0]), reduction="none"))
