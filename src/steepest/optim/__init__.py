"""The catalogue of update rules, each a torch.optim.Optimizer (`optim.AdamW`) and a stacked step for a population."""

# Torch's own, so that `import steepest.optim as optim` stands where `import torch.optim as optim` stood.
from torch.optim import Optimizer as Optimizer
from torch.optim import lr_scheduler as lr_scheduler
from torch.optim import swa_utils as swa_utils

from steepest.core.discover import Catalogue

from .optimizer import class_of as _class_of

Catalogue.of(__name__, kind="rule", folders=("rules",), class_of=_class_of)

from .groups import groups as groups  # noqa: E402: the catalogue above must exist first
