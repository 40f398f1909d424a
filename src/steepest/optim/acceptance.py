"""Which parameters and gradients a rule can step, and what becomes of a sparse gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.errors import Unsupported

# Rules that take sparse gradients. Adagrad and SGD leave parameters and states as they are where the gradient is 0.
SPARSE = ("adagrad", "sgd", "sparse_adam")
# Devices on which torch can capture a step in a graph.
CAPTURING = ("cuda", "xpu", "hpu", "xla")
# Those of torch's fused kernels.
FUSING = ("cpu", "cuda", "xpu", "mps", "hpu", "mtia")


def accept(rule: Rule, param: Tensor, grad: Tensor, group: Mapping[str, Any]) -> None:
    """Refuse what a rule cannot step, in torch's words where torch has them."""
    name = rule.class_name
    sparse = grad.layout != torch.strided
    if sparse and not (grad.is_sparse and rule.name in SPARSE):
        raise Unsupported(
            where=name,
            seen=f"{name} does not support sparse gradients",
            needed="dense gradients were needed",
            repair="Embedding(..., sparse=False) gives dense ones; for sparse ones take steepest.optim.SparseAdam.",
        )
    if rule.looks_at != "elementwise" and param.is_complex():
        raise Unsupported(
            where=name,
            seen=f"{name} does not support complex parameters",
            needed="real parameters were needed",
            repair="Keep real and imaginary parts as two parameters.",
        )
    if group.get("fused") and not (param.is_floating_point() and param.device.type in FUSING):
        raise Unsupported(
            where=name,
            seen=(
                "`fused=True` requires all the params to be floating point Tensors of supported devices: "
                f"{list(FUSING)} but {param.dtype} and {param.device.type}"
            ),
            needed="other parameters were needed",
            repair="Leave fused out.",
        )
    if group.get("capturable") and not group.get("differentiable") and param.device.type not in CAPTURING:
        raise Unsupported(
            where=name,
            seen=f"If capturable=True, params and state_steps must be on supported devices: {list(CAPTURING)}",
            needed=f"a parameter lies on the {param.device.type}",
            repair="Leave capturable out: nothing is captured there.",
        )
    if rule.name == "sparse_adam" and not sparse:
        raise Unsupported(
            where=name,
            seen="SparseAdam does not support dense gradients, please consider Adam instead",
            needed="sparse gradients were needed",
            repair="Embedding(..., sparse=True) gives sparse ones; steepest.optim.Adam takes dense ones.",
        )


def dense(grad: Tensor, rule: Rule, state: Mapping[str, Any], decay: str) -> Tensor:
    """A sparse gradient as it is where only its rows move, else dense."""
    moves_all = decay != "none" or (rule.name == "sgd" and "momentum_buffer" in state)
    return grad.to_dense() if grad.is_sparse and moves_all else grad
