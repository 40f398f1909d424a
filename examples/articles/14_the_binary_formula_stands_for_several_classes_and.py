"""The binary formula stands for several classes, and focal loss is for imbalance

The binary cross-entropy asks of each class alone, the cross-entropy of all together. Focal multiplies the latter by (1 - p)^gamma.
"""

import torch

from steepest import losses

x, y = torch.randn(20, 4), torch.randint(4, (20,))
p = x.softmax(1).gather(1, y[:, None])[:, 0]
print(torch.allclose(losses.focal(x, y, gamma=2.0, reduction="none"), (1 - p) ** 2 * -p.log()))

# On the command line:
#   steepest explain focal
#   steepest explain bce_with_logits
