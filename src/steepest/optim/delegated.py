"""Rules that torch's own class steps."""

from __future__ import annotations

from typing import ClassVar

import torch

from steepest.core.declare import Rule


class DelegatedLBFGS(torch.optim.LBFGS):
    """Torch's LBFGS: its step is a loop over closures with a line search inside, which no function of one gradient is."""

    rule: ClassVar[Rule]


DELEGATED: dict[str, type[torch.optim.Optimizer]] = {"lbfgs": DelegatedLBFGS}
