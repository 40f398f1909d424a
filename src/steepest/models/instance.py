"""A model given as an object: every seed gets a copy of its own, initialised anew."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from torch import nn

from steepest.core.errors import ModelError


def fresh_copies(model: nn.Module) -> Callable[[], nn.Module]:
    """A function that gives deep copies whose trainable parts are initialised anew by their own `reset_parameters`.

    Modules whose parameters are all frozen keep them (a fixed backbone). A trainable parameter of a module that cannot
    reset itself is
    refused: all seeds would start from the same numbers, and the spread over seeds would be too small.
    """
    fixed = [(name, part) for name, part in _parts_to_reset(model) if _reset_of(part) is None]
    if fixed:
        listed = ", ".join(f"{name or 'the model itself'} ({type(part).__name__})" for name, part in fixed)
        raise ModelError(
            where=type(model).__name__,
            seen=f"parameters lie right in {listed}, which has no reset_parameters()",
            needed="every seed needs an initialisation of its own",
            consequence="All seeds would start from the same numbers, and the intervals would be too narrow.",
            repair="Pass a class or factory instead of an object, so that each seed builds its own.",
        )
    original = copy.deepcopy(model)  # what the user does with the object afterwards does not matter

    def fresh() -> nn.Module:
        one = copy.deepcopy(original)
        for _, part in _parts_to_reset(one):
            reset = _reset_of(part)
            assert reset is not None
            reset()
        return one

    return fresh


def _parts_to_reset(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Modules that own a trainable parameter, or statistics and no parameter (BatchNorm without affine).

    Outermost last: MultiheadAttention sets the weights of the layer inside it.
    """
    for name, part in reversed(list(model.named_modules())):
        own = list(part.parameters(recurse=False))
        has_statistics = not own and any(True for _ in part.buffers(recurse=False)) and _reset_of(part) is not None
        if has_statistics or any(p.requires_grad for p in own):
            yield name, part


def _reset_of(part: nn.Module) -> Callable[[], object] | None:
    return getattr(part, "reset_parameters", None) or getattr(part, "_reset_parameters", None)
