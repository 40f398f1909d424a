"""Smooth L1."""

from steepest.kernels.entries import SMOOTH_L1, NumberKernel, torch_call

kernel = NumberKernel(
    SMOOTH_L1, lambda hyper: (hyper["beta"], 1 / hyper["beta"], 0.0), torch_call("smooth_l1_loss", "beta")
)
