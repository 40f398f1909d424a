"""The cross-entropy of [[.8, .2, 0], [.2, .5, .3]] with classes [0, 1] is 0.71356

It is 0.8160 when the rows are taken as logits, as `CrossEntropyLoss` does, and 0.4581 when they are meant as probabilities. Nothing tells
the two apart from the values; `from_probs=True` does.
"""

from torch import tensor

from steepest import losses, nn

rows, labels = tensor([[0.8, 0.2, 0.0], [0.2, 0.5, 0.3]]), tensor([0, 1])
print(nn.CrossEntropyLoss()(rows, labels))
print(losses.cross_entropy(rows, labels, from_probs=True))
