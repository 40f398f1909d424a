"""Inputs for every loss, made from its declaration: no test of the contract names a loss."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from steepest import losses
from steepest.core.domains import Interval
from steepest.core.item import REQUIRED
from steepest.core.loss import Loss
from steepest.core.streams import generator

LOSSES: list[Loss] = list(losses)
CLASSES = 4


def parametrize(items: list[Loss]) -> Any:
    return pytest.mark.parametrize("loss", items, ids=lambda item: item.name)


each_loss = parametrize(LOSSES)
each_loss_of_classes = parametrize([item for item in LOSSES if item.target.name == "classes"])
each_loss_of_equal_shapes = parametrize([item for item in LOSSES if item.target.name != "classes"])
each_loss_of_labels = parametrize([item for item in LOSSES if item.target.name not in ("same", "amounts")])
each_loss_with_probabilities = parametrize([item for item in LOSSES if item.target.name in ("binary", "distribution")])


def numbers_of(loss: Loss) -> list[str]:
    """The hyperparameters that may differ from trial to trial."""
    return [name for name, hyper in loss.hyper.items() if isinstance(hyper.domain, Interval)]


def hyper_sets(loss: Loss) -> list[dict[str, Any]]:
    """The defaults, then each allowed value of each hyperparameter beside the defaults of the others."""
    start = defaults(loss)
    varied = [{**start, name: value} for name, h in loss.hyper.items() if h.domain for value in h.domain.allowed()]
    return [start, *varied]


def defaults(loss: Loss) -> dict[str, Any]:
    """A hyperparameter without a default gets the first allowed value."""
    return {
        name: h.domain.allowed()[0] if h.default is REQUIRED and h.domain else h.default
        for name, h in loss.hyper.items()
    }


def batch(
    loss: Loss, n: int = 6, inner: tuple[int, ...] = (), dtype: torch.dtype = torch.float64, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Random input and hard or measured target: (N, *) or, with classes, (N, C, *)."""
    draw = generator("loss case", loss.name, seed)
    shape = (n, CLASSES, *inner) if loss.target.has_class_axis else (n, *inner)
    x = as_input(loss, 3 * torch.randn(shape, generator=draw, dtype=torch.float64)).to(dtype)
    if loss.target.name == "classes":
        return x, torch.randint(CLASSES, (n, *inner), generator=draw)
    y = torch.randn(shape, generator=draw, dtype=torch.float64)
    if loss.target.name == "binary":
        y = y.sigmoid()
    if loss.target.name == "distribution":
        y = y.softmax(1)
    if loss.target.name == "amounts":
        y = y.abs()
    return x, y.to(dtype)


def as_input(loss: Loss, x: Tensor) -> Tensor:
    """Any numbers, made into what the loss expects."""
    return x.log_softmax(1) if loss.expects == "log_probs" else x


def one_hot(y: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.nn.functional.one_hot(y, CLASSES).movedim(-1, 1).to(dtype)


def item_shape(loss: Loss, x: Tensor) -> torch.Size:
    return x.shape[:1] + x.shape[2:] if loss.target.has_class_axis else x.shape


def rows(loss: Loss, x: Tensor, items: Tensor) -> Tensor:
    """An item-shaped boolean or number, spread over the entries of the input that belong to each item."""
    return items.unsqueeze(1).expand_as(x) if loss.target.has_class_axis else items.expand_as(x)


def value_and_gradient(loss: Loss, x: Tensor, y: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    x = x.detach().clone().requires_grad_()
    value = loss(x, y, **options)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def close(a: Tensor, b: Tensor, rtol: float = 1e-12) -> None:
    """Equal but for the rounding of a sum of some dozen float64 in another order."""
    torch.testing.assert_close(a, b, rtol=rtol, atol=rtol, equal_nan=False)


each_loss_with_numbers = parametrize([item for item in LOSSES if numbers_of(item)])
