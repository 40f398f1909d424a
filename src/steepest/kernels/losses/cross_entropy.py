"""Cross-entropy of class indices."""

from steepest.kernels.softmax import SoftmaxKernel

kernel = SoftmaxKernel(0, lambda hyper: (0.0, 0.0, 0.0))
