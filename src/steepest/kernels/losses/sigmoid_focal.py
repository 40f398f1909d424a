"""Sigmoid focal."""

from steepest.kernels.entries import LabelKernel

kernel = LabelKernel(1, lambda hyper: (hyper["alpha"], 1 - hyper["alpha"], hyper["gamma"]))
