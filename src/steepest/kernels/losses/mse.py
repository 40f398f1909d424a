"""Squared error."""

from steepest.kernels.entries import MSE, NumberKernel

kernel = NumberKernel(MSE)
