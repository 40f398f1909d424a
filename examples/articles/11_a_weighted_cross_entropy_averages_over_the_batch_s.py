"""A weighted cross-entropy averages over the batch size

It divides by the weights of its labels. So a batch of one ignores its class weight.
"""

import torch
from torch import tensor

from steepest import nn

x, y, class_weight = torch.randn(4, 3), tensor([0, 2, 2, 1]), tensor([1.0, 2.0, 5.0])
each = nn.CrossEntropyLoss(reduction="none")(x, y)
print(torch.isclose(nn.CrossEntropyLoss(weight=class_weight)(x, y), (class_weight[y] * each).sum() / class_weight[y].sum()))
print(torch.isclose(nn.CrossEntropyLoss(weight=class_weight)(x[:1], y[:1]), nn.CrossEntropyLoss()(x[:1], y[:1])))
