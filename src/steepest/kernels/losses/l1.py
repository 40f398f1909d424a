"""Absolute error."""

from steepest.kernels.entries import L1, NumberKernel

kernel = NumberKernel(L1)
