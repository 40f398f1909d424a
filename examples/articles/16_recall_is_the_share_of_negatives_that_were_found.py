"""Recall is the share of negatives that were found

That is specificity. Recall is the share of the positives that were found, TP / (TP + FN). Each comes with its interval, and 20 samples are
called few.
"""

import torch
from torch import tensor

from steepest import metrics

truth, score = tensor([1] * 8 + [0] * 12), torch.linspace(1, -1, 20)
answer = torch.stack([torch.zeros(20), score], 1)
print(metrics.recall(answer, truth, average="none")[1], metrics.specificity(answer, truth, average="none")[1])
print(metrics.specificity.interval(metrics.specificity.state(answer, truth), average="none"))
