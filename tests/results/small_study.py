"""A study small enough to run hundreds of times, with every kind of value that a store must give back."""

from __future__ import annotations

import math
from typing import Any

from steepest.results.records import ArmRecord, Difference, Event, Outcome, Plan, RungRecord, Verdict

RUNGS = ("search-1", "race-1", "confirm")


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "arms": [
            ArmRecord("mse+sgd", "mse", "sgd", "constant", is_baseline=True, learning_rates=[0.1, 1e-3]),
            ArmRecord("huber(delta=0.5)+adam", "huber(delta=0.5)", "adam", "constant"),
        ],
        "rungs": [RungRecord(name, name.split("-")[0], 3, [0, 1]) for name in RUNGS],
        "metric": "accuracy",
        "best": "max",
        "unit": "points",
        "task": "classification",
        "model": "mlp",
        "data": {"name": "caf\u00e9 \u202e.csv", "n_samples": 12, "class_names": ("<b>", "b\n")},
        "batch_size": 4,
        "epochs": 3,
        "budget": "60s",
        "budget_epochs": 100.0,
        "max_seeds": 21,
        "rope": None,
        "alpha": 0.05,
        "seed": 0,
        "engine": "stack",
        "device": "cpu",
        "command": "steepest compare",
        "python": "steepest.compare(...)",
        "versions": {"torch": "2.13.0"},
    }
    return Plan(**{**values, **changes})


def outcomes(rung: str) -> list[Outcome]:
    """Four trials; one diverged, one with the hardest decimal fractions."""
    return [
        Outcome(rung, "mse+sgd", 0, 0.1, 3.0, 0.1 + 0.2, False, None, {"f1": 1 / 3}, [[1.0, 0.5], [2.0, 0.7]]),
        Outcome(rung, "mse+sgd", 1, 1e-3, 3.0, 5e-324, False, 0.1, {}, [], [[1.0, math.pi]]),
        Outcome(
            rung, "huber(delta=0.5)+adam", 0, 0.1, 1.5, math.nan, True, math.nan, {"f1": math.nan}, [[1.0, math.inf]]
        ),
        Outcome(rung, "huber(delta=0.5)+adam", 1, 0.1, 3.0, -0.0, False, None, {}, [[1.0, -math.inf]]),
    ]


def events(rung: str) -> list[Event]:
    return [Event("arm eliminated", rung, "mse+sgd", 'p < 0.01: "worse"', {"p": 0.004, "look": 1, "t": math.inf})]


def verdict() -> Verdict:
    confirmed = Difference("a", "b", 0.1, -math.inf, 0.2, 0.95, 10, 0.01, 0.9, math.nan, 0.01, "better", None)
    return Verdict("A is better than B.", "better", "a", "b", None, [confirmed], [], 0.02, 12, 36.0, ["a note"])
