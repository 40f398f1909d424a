"""There is a WeightedLoss

There is none in torch. Weights are in the contract of every loss here.
"""

from torch import tensor

from steepest import losses

w = tensor([1.0, 0.5, 2.0])
print(losses.l1(tensor([1.0, 2.0, 3.0]), tensor([1.0, 4.0, 4.0]), weight=w))
