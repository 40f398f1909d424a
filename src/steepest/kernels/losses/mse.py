"""Squared error."""

from steepest.kernels.entries import MSE, NumberKernel, torch_call

kernel = NumberKernel(MSE, one_call=torch_call("mse_loss"))
