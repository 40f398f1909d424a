"""Models: three built-in ones so that data alone is enough to start, and the resolver of the user's own."""

from __future__ import annotations

import sys as _sys
from typing import Any

from steepest.core.discover import Catalogue

from .facts import Facts
from .resolve import Factory
from .resolve import resolve as _resolve


def factory_of(spec: Any) -> Factory:
    """What builds fresh models for some data: `factory_of("mlp(width=128)")(Facts.of(data))` is an nn.Module.

    spec: a built-in name, "file.py:Net", "module:Net", an nn.Module class, a function that returns a module, or an
    nn.Module, which is copied and initialised anew at every call. Initialisation draws from torch's global generator.
    """
    return _resolve(spec, _sys.modules[__name__])


Catalogue.of(__name__, kind="model")
