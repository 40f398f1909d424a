"""Cross-entropy after a softmax output layer

That is softmax twice: the surest row possible still costs log(1 + 2/e).
"""

from torch import tensor

from steepest import nn

sure = tensor([[100.0, 0.0, 0.0]])
print(nn.CrossEntropyLoss()(sure, tensor([0])), nn.CrossEntropyLoss()(sure.softmax(1), tensor([0])))
