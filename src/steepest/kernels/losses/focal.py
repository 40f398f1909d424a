"""Focal on hard labels in one pass over the logits."""

from steepest.kernels.softmax import SoftmaxKernel

kernel = SoftmaxKernel("focal")
