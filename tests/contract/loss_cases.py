"""Inputs for every loss, made from its declaration: no test of the contract names a loss."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest
import torch
from torch import Tensor

from steepest import losses
from steepest.core.domains import Interval, PerClass
from steepest.core.item import REQUIRED
from steepest.core.loss import Loss
from steepest.core.streams import generator



class Given:
    """A loss that cannot be called without some hyperparameters, with them; in all else the loss itself."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loss, name)

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.loss(*args, **{**required(self.loss), **options})

    def parts(self, *args: Any, **options: Any) -> Any:
        return self.loss.parts(*args, **{**required(self.loss), **options})

    def __reduce__(self) -> tuple[Any, ...]:
        return given, (self.loss,)

    def __copy__(self) -> Given:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Given:
        return self


def required(loss: Loss) -> dict[str, Any]:
    return {n: h.domain.allowed()[0] for n, h in loss.hyper.items() if h.default is REQUIRED and h.domain}


@lru_cache(maxsize=None)
def given(loss: Loss) -> Any:
    return Given(loss) if required(loss) else loss


LOSSES: list[Any] = [given(loss) for loss in losses]
CLASSES = 4


def parametrize(items: list[Loss]) -> Any:
    return pytest.mark.parametrize("loss", items, ids=lambda item: item.name)


LABELS = ("classes", "binary", "multilabel", "distribution", "regions")  # kinds whose labels may be smoothed
# Kinds of the input's shape.
EQUAL = ("same", "amounts", "binary", "multilabel", "distribution", "teacher", "vectors", "boxes", "preferences", "lists")
SCALED = ("classes", "ordinal", "regions")  # kinds with class weights, unless all classes are one item
UNLIKE = ("embeddings", "views", "lists", "regions", "sequence")  # a mask's elements are no items, or have no inner axes
PLAIN = {item.target.name for item in LOSSES} - set(UNLIKE)


def has_class_weights(loss: Loss) -> bool:
    return loss.target.name in SCALED and getattr(loss.target, "is_per_class", True)


def chosen(*kinds: str) -> list[Loss]:
    return [item for item in LOSSES if item.target.name in kinds]


each_loss = parametrize(LOSSES)
each_loss_with_a_target = parametrize([item for item in LOSSES if item.target.name != "views"])
each_loss_of_plain_items = parametrize(chosen(*PLAIN))  # one number of a weight or mask for each item, any inner axes
each_loss_of_separate_items = parametrize([item for item in LOSSES if not item.target.is_coupled])
each_loss_of_classes = parametrize(chosen("classes"))
each_loss_of_equal_shapes = parametrize(chosen(*EQUAL))
each_loss_of_labels = parametrize(chosen(*LABELS))
each_loss_with_probabilities = parametrize(chosen("binary", "multilabel", "distribution"))
each_loss_that_holds_nothing = parametrize([item for item in LOSSES if not item.holds])  # its gradient is the value's slope


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


def input_shape(loss: Loss, n: int, inner: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Kinds without inner axes have none; a map has pixels in any case."""
    kind = loss.target
    if kind.name in ("embeddings", "lists"):
        return n, CLASSES
    if kind.name == "views":
        return n, 2, CLASSES
    if kind.name == "regions":
        return n, CLASSES, *(inner or (5,))
    if kind.name == "sequence":
        return n, CLASSES, 6
    if kind.name == "parameters":
        return n, len(kind.parameters), *inner
    if kind.name == "ordinal":
        return n, CLASSES - 1, *inner
    length = getattr(kind, "length", None) or CLASSES
    return (n, length, *inner) if kind.has_class_axis else (n, *inner)


def draw_target(loss: Loss, shape: tuple[int, ...], draw: torch.Generator) -> Tensor | None:
    """A random target beside an input of this shape: numbers are standard normal, labels fall evenly."""
    name, items = loss.target.name, (shape[0], *shape[2:])
    if name == "views":
        return None
    if name == "embeddings":
        return torch.randint(2, shape[:1], generator=draw)
    if name == "sequence":
        return torch.randint(1, CLASSES, (shape[0], 3), generator=draw)
    if name in ("classes", "ordinal", "regions"):
        return torch.randint(CLASSES, items, generator=draw)
    y = torch.randn(items if name == "parameters" else shape, generator=draw, dtype=torch.float64)
    if name == "amounts":
        return y.abs()
    if name == "boxes":
        return torch.cat([y[:, :2], y[:, :2] + y[:, 2:].abs() + 0.1], 1)
    if name in ("binary", "multilabel"):
        return y.sigmoid()
    return y.softmax(1) if name == "distribution" else y


def batch(
    loss: Loss, n: int = 6, inner: tuple[int, ...] = (), dtype: torch.dtype = torch.float64, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Random input and hard or measured target: (N, *) or, with classes, (N, C, *)."""
    draw = generator("loss case", loss.name, seed)
    shape = input_shape(loss, n, inner)
    scale = 0.3 if loss.target.name == "embeddings" else 3.0  # margins are about 1
    x = as_input(loss, scale * torch.randn(shape, generator=draw, dtype=torch.float64)).to(dtype)
    y = draw_target(loss, shape, draw)
    return x, y.to(dtype) if y is not None and y.is_floating_point() else y


def take(y: Tensor | None, rows: Any) -> Tensor | None:
    """Some rows of a target, if there is one."""
    return None if y is None else y[rows]


def as_input(loss: Loss, x: Tensor) -> Tensor:
    """Any numbers, made into what the loss expects."""
    if loss.expects == "cosines":
        return (x / 4).tanh()
    if loss.expects == "probs":
        return x.sigmoid()
    return x.log_softmax(1) if loss.expects == "log_probs" else x


def one_hot(y: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.nn.functional.one_hot(y, CLASSES).movedim(-1, 1).to(dtype)


def item_shape(loss: Loss, x: Tensor) -> torch.Size:
    return loss.target.items(x)


def element_shape(loss: Loss, x: Tensor) -> torch.Size:
    """The shape of a full mask: of the items, of the pixels of a map, of the entries of lists, of the steps of a sequence."""
    if loss.target.name in ("regions", "sequence"):
        return x.shape[:1] + x.shape[2:]
    return x.shape if loss.target.name == "lists" else item_shape(loss, x)


def rows(loss: Loss, x: Tensor, elements: Tensor) -> Tensor:
    """What a mask says of each element, spread over the entries of the input that belong to it."""
    spread = elements.unsqueeze(1) if loss.target.has_class_axis else elements
    return spread.reshape(*spread.shape, *[1] * (x.dim() - spread.dim())).expand_as(x)


def sized(loss: Loss, hyper: dict[str, Any], n_classes: int) -> dict[str, Any]:
    """Hyperparameters with a number per class, for inputs of fewer classes."""
    found = dict(hyper)
    for name, value in hyper.items():
        domain = loss.hyper[name].domain
        if isinstance(domain, PerClass):
            found[name] = domain.allowed(n_classes)[domain.allowed().index(value)]
    return found


def value_and_gradient(loss: Loss, x: Tensor, y: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    x = x.detach().clone().requires_grad_()
    value = loss(x, y, **options)
    (gradient,) = torch.autograd.grad(value.sum(), x)
    return value.detach(), gradient


def close(a: Tensor, b: Tensor, rtol: float = 1e-12) -> None:
    """Equal but for the rounding of a sum of some dozen float64 in another order."""
    torch.testing.assert_close(a, b, rtol=rtol, atol=rtol, equal_nan=False)


each_loss_with_numbers = parametrize([item for item in LOSSES if numbers_of(item)])
