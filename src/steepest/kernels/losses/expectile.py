"""Expectile."""

from steepest.kernels.entries import EXPECTILE, NumberKernel

kernel = NumberKernel(EXPECTILE, lambda hyper: (hyper["tau"], 1 - hyper["tau"], 0.0))
