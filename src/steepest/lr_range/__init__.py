"""Learning-rate range: from which rate on an optimizer learns, which rate to take, and from where on it diverges."""

from __future__ import annotations

from typing import Any

from .ask import asked_range
from .curve import Curve
from .result import LearningRates

__all__ = ["Curve", "LearningRates", "lr_range"]


def lr_range(
    model: Any,
    data: Any,
    *,
    optimizers: Any = "nadamw, adamw, sgd(momentum=0.9)",
    losses: Any = None,
    rates: tuple[float, float] | None = None,
    n_rates: int = 17,
    steps: int = 50,
    seeds: int = 3,
    task: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
    progress: Any = True,
) -> LearningRates:
    """The learning-rate range test of each optimizer, all rates trained at once as one population.

    Each rate has runs of its own at that rate, from the same starts over the same batches, rather than one run whose
    rate rises: such a run is cheaper, but what it suggests depends on how it is read and how fast it rises. Mean regret
    of a full run at the suggested rate over 20 arms on four data sets: 1.2, 0.9 and 2.1 points for runs of 20, 50 and
    100 steps; 0.8, 4.3 and 3.2 for one rising over 50, 100 and 200 steps and read at a tenth of its lowest point; 22
    where 50 steps are read at their steepest fall (bench/lr_range.py, which counts percent of the squared error as
    points).

    model, data, losses, optimizers, task: as in `compare`; one curve for each loss and optimizer.
    rates: lowest and highest; a decade more than the optimizer's declared range on either side when not given.
    steps: optimizer steps of each run. seeds: splits, starts and orders of batches per rate.
    The result prints as curves; `.suggested` holds a rate per curve, `.write("lr.html")` draws a page.
    """
    return asked_range(
        model=model,
        data=data,
        optimizers=optimizers,
        losses=losses,
        rates=rates,
        n_rates=n_rates,
        steps=steps,
        seeds=seeds,
        task=task,
        batch_size=batch_size,
        seed=seed,
        progress=progress,
    )
