"""Quantile."""

from steepest.kernels.entries import QUANTILE, NumberKernel

kernel = NumberKernel(QUANTILE, lambda hyper: (hyper["tau"], 1 - hyper["tau"], 0.0))
