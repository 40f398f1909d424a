"""Focal of class indices."""

from steepest.kernels.softmax import FOCAL, SoftmaxKernel

kernel = SoftmaxKernel(FOCAL, lambda hyper: (hyper["gamma"], 0.0, 0.0))
