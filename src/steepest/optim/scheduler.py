"""A schedule as a torch LRScheduler: `schedules.WarmupCosine(optimizer, horizon=1000)`, for loops that step one."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any, ClassVar

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from steepest.core.declare import Schedule
from steepest.core.domains import Counts, check_value


class ScheduledLR(LRScheduler):
    """Multiplies each group's starting learning rate; `class_of(schedule)` gives the class of one schedule."""

    schedule: ClassVar[Schedule]

    def __init__(self, optimizer: Optimizer, horizon: int, *, last_epoch: int = -1, **hyper: Any) -> None:
        """horizon: the number of optimizer steps of the whole run; call `step()` after each of them."""
        check_value(self.schedule.class_name, "horizon", horizon, Counts())
        self.schedule.check_hyper(hyper)
        self.horizon, self.hyper, self.reduction = horizon, hyper, 1.0
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        multiplier = self.schedule(self.last_epoch, self.horizon, **self.hyper).item() * self.reduction
        return [base * multiplier for base in self.base_lrs]

    def reduce(self, reduction: float) -> None:
        """Multiply all learning rates by this number from now on (see optim.plateau)."""
        self.reduction = reduction
        self._last_lr = self.get_lr()
        for group, lr in zip(self.optimizer.param_groups, self._last_lr):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr


@lru_cache(maxsize=None)
def class_of(schedule: Schedule) -> type[ScheduledLR]:
    """The scheduler class of a schedule, made once."""
    signature = inspect.signature(ScheduledLR.__init__)
    parameters = [p for name, p in signature.parameters.items() if name not in ("self", "hyper")]
    parameters += [
        inspect.Parameter(h.name, inspect.Parameter.KEYWORD_ONLY, default=h.default) for h in schedule.hyper.values()
    ]
    attributes = {
        "schedule": schedule,
        "__module__": f"{__package__}.schedules",
        "__qualname__": schedule.class_name,
        "__doc__": f"{schedule.purpose}\n\n{schedule.use}\n\nSource: {schedule.source}",
        "__signature__": inspect.Signature(parameters),
    }
    return type(schedule.class_name, (ScheduledLR,), attributes)
