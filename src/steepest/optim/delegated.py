"""Rules that torch's own class steps."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import torch

from steepest.core.declare import Rule
from steepest.core.transform import uses_of

from . import transforms as transform_catalogue
from .around import with_decay_of
from .chain import Chain


class DelegatedLBFGS(torch.optim.LBFGS):
    """Torch's LBFGS: its step is a loop over closures with a line search inside, no function of one gradient."""

    rule: ClassVar[Rule]
    __signature__ = inspect.signature(torch.optim.LBFGS)

    def __init__(self, *args: Any, transforms: Any = None, **options: Any) -> None:
        with_decay_of(Chain.of(uses_of(transforms, transform_catalogue)), self.rule, (), options)
        super().__init__(*args, **options)


DELEGATED: dict[str, type[torch.optim.Optimizer]] = {"lbfgs": DelegatedLBFGS}
