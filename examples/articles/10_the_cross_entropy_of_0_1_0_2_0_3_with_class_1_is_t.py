"""The cross-entropy of [0.1, 0.2, 0.3] with class 1 is that of probabilities

These are logits. Their cross-entropy is 1.1019, and 0.9 everywhere costs less: only differences of logits count.
"""

from torch import tensor

from steepest import nn

print(nn.CrossEntropyLoss()(tensor([[0.1, 0.2, 0.3]]), tensor([1])))
print(nn.CrossEntropyLoss()(tensor([[0.9, 0.9, 0.9]]), tensor([1])))
print(nn.CrossEntropyLoss()(tensor([[7.1, 7.2, 7.3]]), tensor([1])))
