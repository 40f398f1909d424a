"""Cross-entropy of class indices."""

from steepest.kernels.softmax import CROSS_ENTROPY, SoftmaxKernel

kernel = SoftmaxKernel(CROSS_ENTROPY)
