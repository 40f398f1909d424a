"""A declared model: a factory of small networks, so that a table or a folder of images is enough to start."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from .item import Item


class Model(Item):
    """A factory `(n_features or shape, n_outputs, *, hyper) -> nn.Module`, initialised from the global generator."""

    kind = "model"

    def __init__(self, fn: Callable[..., nn.Module], *, use: str, source: str = "") -> None:
        super().__init__(fn, use=use, source=source)


def model(*, use: str, source: str = "") -> Callable[[Callable[..., nn.Module]], Model]:
    """Declare a built-in model (see Model). use: when to choose it, one sentence."""

    def declare(fn: Callable[..., nn.Module]) -> Model:
        return Model(fn, use=use, source=source)

    return declare
