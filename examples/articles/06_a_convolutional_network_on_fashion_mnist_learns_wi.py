"""A convolutional network on Fashion-MNIST learns with MSELoss on the labels

Outputs (64, 10) against labels (64,) fail in the first batch. With a batch of 10, or of 1, torch broadcasts and trains on nonsense. The square
loss takes the labels as they are, and is a match for cross-entropy on many tasks (Hui & Belkin 2020, arXiv:2006.07322).
"""

import torch

from steepest import losses, nn

outputs, classes = torch.randn(64, 10), torch.randint(10, (64,))
try:
    losses.mse(outputs, classes.float())
except Exception as error:
    print(type(error).__name__, error)
one_hot = torch.nn.functional.one_hot(classes, 10).float()
print(torch.allclose(losses.square(outputs, classes), nn.MSELoss()(outputs, one_hot)))

# On the command line:
#   steepest compare cnn --data digits --losses square,cross_entropy --optimizers "sgd(momentum=0.9)" --budget 120s
