"""Studies without training: a made-up truth answers the protocol's requests, so its decisions can be tested by the thousand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from steepest.compare.plan import SIZES, rungs_of
from steepest.compare.race import Request, protocol
from steepest.results.records import ArmRecord, Outcome, Plan, Verdict

RATES = [1e-4, 2.15e-4, 4.64e-4, 1e-3, 2.15e-3, 4.64e-3, 1e-2]


def plan_of(
    names: list[str],
    *,
    epochs: int = 27,
    budget_epochs: float = 1e6,
    best: str = "max",
    seeds: int = 0,
    rates: list[float] | None = None,
) -> Plan:
    arms = [
        ArmRecord(name, name, "adamw", "constant", is_baseline=i == 0, learning_rates=list(rates or RATES))
        for i, name in enumerate(names)
    ]
    return Plan(
        arms=arms,
        rungs=rungs_of(SIZES[0], epochs, seeds),
        metric="accuracy",
        best=best,
        unit="points",
        task="classification",
        model="mlp",
        data={"n_test": 100},
        batch_size=64,
        epochs=epochs,
        budget="1e6epochs",
        budget_epochs=budget_epochs,
        max_seeds=seeds,
        rope=None,
        alpha=0.05,
        seed=0,
        engine="stacked",
        device="cpu",
        command="",
        python="",
        versions={},
    )


class Truth:
    """score = level of the arm - curvature x (distance from its best learning rate in decades)^2 + seed effect + own noise.

    The seed effect is common to all arms of a seed (paired comparison); diverges(arm, lr) says where training blows up.
    """

    def __init__(
        self,
        levels: dict[str, float],
        *,
        best_lr: float = 1e-3,
        sd: float = 0.01,
        common_sd: float = 0.01,
        curvature: float = 0.02,
        seed: int = 0,
        diverges: Callable[[str, float], bool] = lambda arm, lr: False,
    ) -> None:
        self.levels, self.best_lr, self.sd, self.common_sd, self.curvature, self.seed, self.diverges = (
            levels,
            best_lr,
            sd,
            common_sd,
            curvature,
            seed,
            diverges,
        )

    def answer(self, request: Request) -> list[Outcome]:
        return [self._outcome(request, k.arm, k.learning_rate, k.seed) for k in request.trials]

    def level(self, arm: str, lr: float) -> float:
        """The mean score of an arm at a learning rate."""
        return self.levels[arm] - self.curvature * math.log10(lr / self.best_lr) ** 2

    def _outcome(self, request: Request, arm: str, lr: float, seed: int) -> Outcome:
        names = sorted(self.levels)
        common = np.random.default_rng([self.seed, seed, request.rung.epochs]).normal(0, self.common_sd)
        own = np.random.default_rng([self.seed, seed, request.rung.epochs, names.index(arm), int(lr * 1e9)]).normal(
            0, self.sd
        )
        score = self.level(arm, lr) + common + own
        gone = self.diverges(arm, lr)
        return Outcome(
            rung=request.rung.name,
            arm=arm,
            seed=seed,
            learning_rate=lr,
            epochs=request.rung.epochs,
            score=math.nan if gone else score,
            diverged=gone,
            test_score=(math.nan if gone else score) if request.on_test else None,
        )


def play(plan: Plan, truth: Truth) -> tuple[Verdict, list[Request]]:
    """The whole conversation."""
    talk, requests = protocol(plan), []
    request = next(talk)
    while True:
        requests.append(request)
        try:
            request = talk.send(truth.answer(request))
        except StopIteration as end:
            return end.value[0], requests
