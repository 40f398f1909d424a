"""Steepest: which loss, optimizer and learning rate is best for my model on my data, how sure can I be, and have I made a mistake?

    import steepest as st

    results = st.compare("mlp", "digits", losses=["cross_entropy", "focal"], optimizers=["adamw", "sgd"], budget="60s")
    print(results.verdict.sentence)

Names are imported when they are first used: `import steepest` itself loads neither torch nor anything else that is heavy.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .core.by_name import ByName

__version__ = "0.1.0"

if TYPE_CHECKING:  # what the table below finds at run time; a test holds the two equal
    from . import data as data
    from . import losses as losses
    from . import metrics as metrics
    from . import models as models
    from . import nn as nn
    from . import optim as optim
    from . import report as report
    from .check import check as check
    from .check import watch as watch
    from .compare import Arm as Arm
    from .compare import Population as Population
    from .compare import Results as Results
    from .compare import Trial as Trial
    from .compare import compare as compare
    from .compare import resume as resume
    from .core.declare import dataset as dataset
    from .core.declare import loss as loss
    from .core.declare import metric as metric
    from .core.declare import rule as rule
    from .core.declare import schedule as schedule
    from .core.declare import section as section
    from .core.declare import weighting as weighting
    from .core.errors import SteepestError as SteepestError
    from .estimators import Classifier as Classifier
    from .estimators import Regressor as Regressor
    from .evaluate import evaluate as evaluate
    from .explain import explain as explain
    from .explain import suggest as suggest
    from .fit import fit as fit
    from .losses import weightings as weightings
    from .lr_range import lr_range as lr_range
    from .optim import groups as groups
    from .optim import schedules as schedules
    from .optim import transforms as transforms

_MODULE_OF = {
    "Arm": "compare",
    "Classifier": "estimators",
    "Population": "compare",
    "Regressor": "estimators",
    "Results": "compare",
    "SteepestError": "core.errors",
    "Trial": "compare",
    "check": "check",
    "compare": "compare",
    "data": "",
    "dataset": "core.declare",
    "evaluate": "evaluate",
    "explain": "explain",
    "fit": "fit",
    "groups": "optim",
    "loss": "core.declare",
    "losses": "",
    "lr_range": "lr_range",
    "metric": "core.declare",
    "metrics": "",
    "models": "",
    "nn": "",
    "optim": "",
    "report": "",
    "resume": "compare",
    "rule": "core.declare",
    "schedule": "core.declare",
    "schedules": "optim",
    "section": "core.declare",
    "suggest": "explain",
    "transforms": "optim",
    "watch": "check",
    "weighting": "core.declare",
    "weightings": "losses",
}
__all__ = [*_MODULE_OF, "__version__"]


class _Verb(ByName):
    """A package that is called like the function that it is named after: `steepest.compare(...)`, `steepest.compare.Results`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function()(*args, **kwargs)

    def _function(self) -> Any:
        return self.__dict__[self.__name__.rpartition(".")[2]]

    @property
    def __signature__(self) -> Any:
        from inspect import signature

        return signature(self._function())


class _Face(ByName):
    """`steepest` itself: names come when they are asked for."""

    def __getattr__(self, name: str) -> Any:
        if name not in _MODULE_OF:
            from .core.errors import did_you_mean

            raise AttributeError(f"steepest has no {name!r}. {did_you_mean(name, _MODULE_OF)}")
        place = _MODULE_OF[name]
        if place in ("", name):
            return import_module(f"{__name__}.{name}")
        module = import_module(f"{__name__}.{place}")
        found = module.__dict__.get(name)
        if found is None:
            found = import_module(f"{module.__name__}.{name}")
        setattr(self, name, found)
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        """Python sets `steepest.compare` to the package when something imports it: the package becomes callable here."""
        if type(value) is ModuleType and callable(value.__dict__.get(name)):
            value.__class__ = _Verb
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*(name for name in super().__dir__() if name.startswith("__")), *__all__})


sys.modules[__name__].__class__ = _Face
