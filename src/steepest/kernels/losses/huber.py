"""Huber."""

from steepest.kernels.entries import HUBER, NumberKernel

kernel = NumberKernel(HUBER, lambda hyper: (hyper["delta"], 1.0, 0.0))
