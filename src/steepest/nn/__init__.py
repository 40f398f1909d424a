"""torch.nn under another name: every loss class also takes `weight=` and `mask=`, everything else is torch's own.

    from steepest import nn                      # instead of: from torch import nn

    nn.MSELoss()(input, target, mask=known)      # what is masked is never read
    nn.CrossEntropyLoss()(logits, labels, weight=how_often)
    nn.Linear is torch.nn.Linear                 # True

Without the additions a loss runs torch's own code: its names, positions, defaults, denominators, errors and bits.
With them, each class says in its docstring what its mean divides by. Submodules pass through as well:
`import steepest.nn.functional as F` gives torch.nn.functional itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch.nn as _torch_nn

from steepest.core.errors import did_you_mean as _did_you_mean

from .alias import pass_submodules_through
from .binary import BCELoss as BCELoss
from .binary import BCEWithLogitsLoss as BCEWithLogitsLoss
from .binary import SoftMarginLoss as SoftMarginLoss
from .classes import CrossEntropyLoss as CrossEntropyLoss
from .classes import MultiMarginLoss as MultiMarginLoss
from .classes import NLLLoss as NLLLoss
from .heads import AdaptiveLogSoftmaxWithLoss as AdaptiveLogSoftmaxWithLoss
from .labels import MultiLabelMarginLoss as MultiLabelMarginLoss
from .labels import MultiLabelSoftMarginLoss as MultiLabelSoftMarginLoss
from .pairs import CosineEmbeddingLoss as CosineEmbeddingLoss
from .pairs import HingeEmbeddingLoss as HingeEmbeddingLoss
from .pairs import MarginRankingLoss as MarginRankingLoss
from .pairs import TripletMarginLoss as TripletMarginLoss
from .pairs import TripletMarginWithDistanceLoss as TripletMarginWithDistanceLoss
from .regression import GaussianNLLLoss as GaussianNLLLoss
from .regression import HuberLoss as HuberLoss
from .regression import KLDivLoss as KLDivLoss
from .regression import L1Loss as L1Loss
from .regression import MSELoss as MSELoss
from .regression import PoissonNLLLoss as PoissonNLLLoss
from .regression import SmoothL1Loss as SmoothL1Loss
from .sequences import CTCLoss as CTCLoss

if hasattr(_torch_nn, "LinearCrossEntropyLoss"):  # torch 2.13 and later
    from .fused import LinearCrossEntropyLoss as LinearCrossEntropyLoss

if TYPE_CHECKING:  # the rest, which __getattr__ takes from torch at run time
    from torch.nn import *  # type: ignore[assignment]  # noqa: F403

__all__ = [name for name in dir(_torch_nn) if not name.startswith("_")]
pass_submodules_through(__name__, __path__, _torch_nn.__name__)  # noqa: F405


def __getattr__(name: str) -> Any:
    """All that is not a loss of ours."""
    try:
        return getattr(_torch_nn, name)
    except AttributeError:
        near = _did_you_mean(name, __all__)
        hint = f". {near}" if near.startswith("Did") else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}, and neither has torch.nn{hint}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_torch_nn)})
