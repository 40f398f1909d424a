"""Losses of the catalogue by torch's fused functions: a third of the declared body's time where batches are small.

They lose what the declared bodies guard: in float32 the cross-entropy of a label with 1 - p below 1e-7 is 0, not 1 - p.
The mean of a batch does not notice; whoever wants the last digits calls the loss itself. tests/kernels holds each equal
to its declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from steepest.core.loss import Loss

Values = Callable[..., Tensor]
"""(outputs (N, C, *), targets, **options) -> values per item, unweighted; options are Python numbers."""


def _cross_entropy(x: Tensor, y: Tensor, label_smoothing: float = 0.0) -> Tensor:
    return F.cross_entropy(x, y, reduction="none", label_smoothing=label_smoothing)


def _focal(x: Tensor, y: Tensor, gamma: float = 2.0) -> Tensor:
    nats = F.cross_entropy(x, y, reduction="none")
    return (-torch.expm1(-nats)) ** gamma * nats


def _bce_with_logits(x: Tensor, y: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(x, y, reduction="none")


def _mse(x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(x, y, reduction="none")


def _l1(x: Tensor, y: Tensor) -> Tensor:
    return F.l1_loss(x, y, reduction="none")


def _huber(x: Tensor, y: Tensor, delta: float = 1.0) -> Tensor:
    return F.huber_loss(x, y, reduction="none", delta=delta)


FAST: Mapping[str, tuple[Values, frozenset[str]]] = {
    "steepest.losses.cross_entropy": (_cross_entropy, frozenset({"label_smoothing"})),
    "steepest.losses.focal": (_focal, frozenset({"gamma"})),
    "steepest.losses.bce_with_logits": (_bce_with_logits, frozenset()),
    "steepest.losses.mse": (_mse, frozenset()),
    "steepest.losses.l1": (_l1, frozenset()),
    "steepest.losses.huber": (_huber, frozenset({"delta"})),
}
"""By the file that declares the loss: the fast form, and the options that it knows."""


def fast_form(loss: Loss, options: Mapping[str, Any]) -> Values | None:
    """The fast form of a loss with these options, or None: others take the declared body. Nothing is checked in it."""
    form, known = FAST.get(loss.__module__, (None, frozenset[str]()))
    if form is None or not known.issuperset(options):
        return None
    if loss.name == "focal" and options.get("gamma", 2.0) < 1:  # nats ** (gamma - 1) is infinite at nats = 0
        return None
    return form
