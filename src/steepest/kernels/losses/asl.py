"""Asymmetric."""

from steepest.kernels.entries import LabelKernel

kernel = LabelKernel(2, lambda hyper: (hyper["gamma_pos"], hyper["gamma_neg"], hyper["margin"]))
