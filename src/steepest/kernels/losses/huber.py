"""Huber."""

from steepest.kernels.entries import HUBER, NumberKernel, torch_call

kernel = NumberKernel(HUBER, lambda hyper: (hyper["delta"], 1.0, 0.0), torch_call("huber_loss", "delta"))
