"""Cross-entropy."""

from steepest.kernels.softmax import CrossEntropyKernel

kernel = CrossEntropyKernel()
