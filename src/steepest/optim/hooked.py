"""Torch's wrapper of a step, for the profiler and for hooks, entered only where there is one of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from torch.autograd import profiler
from torch.optim import Optimizer
from torch.optim import optimizer as torchs

Step = Callable[..., Any]


def hooked(step: Step) -> Step:
    """The step as torch wraps it, without the cost of the profiler's entry while nobody profiles.

    Between a forward and a backward pass that entry takes 6 to 100 us, as its code has left the cache; the step of 1M
    parameters takes 500 (python bench/optim.py --only signum --size 1M).
    """
    recorded = Optimizer.profile_hook_step(step)

    @wraps(step)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        is_watched = (
            profiler._is_profiler_enabled
            or self._optimizer_step_pre_hooks
            or self._optimizer_step_post_hooks
            or torchs._global_optimizer_pre_hooks
            or torchs._global_optimizer_post_hooks
        )
        # A class that has a step of its own and calls this one: torch has wrapped its own.
        is_own = type(self).step is wrapper
        return (recorded if is_watched and is_own else step)(self, *args, **kwargs)

    wrapper.hooked = True  # type: ignore[attr-defined]  # torch leaves it as it is
    return wrapper
