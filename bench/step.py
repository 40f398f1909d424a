"""One optimizer step of a population: stacked, with fresh temporaries, and as a loop over torch's own optimizers.

    OMP_NUM_THREADS=1 python bench/step.py [trials] [parameters]

The three are timed in turn, so that a busy machine slows all of them; shown are the median and, in brackets, the range
of the middle half, in microseconds per step of the whole population. The last line is JSON.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable

import torch

from steepest import optim
from steepest.core.declare import Rule
from steepest.optim.stacked import StackedRule

ROUNDS = 60


def stacked(rule: Rule, param: torch.Tensor, grad: torch.Tensor) -> Callable[[], object]:
    stepper, rates = StackedRule(rule), torch.full((len(param),), 1e-3, dtype=torch.float64)
    stepper.init(param)
    return lambda: stepper.step(param, grad, rates)


def fresh(rule: Rule, param: torch.Tensor, grad: torch.Tensor) -> Callable[[], object]:
    """The declared body as it stands: every operation makes a new tensor. One hyperparameter for all trials."""
    states = [torch.zeros_like(param) if name not in rule.scalar_states else 1.0 for name in rule.states]
    hyper = {name: h.default for name, h in rule.hyper.items()}

    def step() -> None:
        change, *states[:] = rule.fn(grad, *states, t=2.0, **hyper)
        param.sub_(change)

    return step


def loop(rule: Rule, param: torch.Tensor, grad: torch.Tensor) -> Callable[[], object]:
    """One torch optimizer per trial, each with one flat parameter: fewer calls than a real model would need."""
    rows = [torch.nn.Parameter(row.clone()) for row in param]
    for row, g in zip(rows, grad):
        row.grad = g.clone()
    twin = getattr(torch.optim, str(rule.equals).rpartition(".")[2])
    optimizers = [twin([row], lr=1e-3, weight_decay=rule.weight_decay, **rule.equals_with) for row in rows]

    def step() -> None:
        for optimizer in optimizers:
            optimizer.step()

    return step


def timed(ways: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Microseconds of each call, the ways in turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 5):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            taken[name].append(1e6 * (time.perf_counter() - begun))
    return {name: sorted(values[5:]) for name, values in taken.items()}


def main(n_trials: int = 32, n_parameters: int = 9_000) -> None:
    print(f"{platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} thread(s), float32")
    print(f"{n_trials} trials x {n_parameters} parameters; us per step of all trials: median (middle half)\n")
    ways = {"stacked": stacked, "fresh temporaries": fresh, "torch loop": loop}
    print(f"{'rule':10}" + "".join(f"{name:>26}" for name in ways))
    found = {}
    for rule in (r for r in optim if (r.equals or "").startswith("torch.optim.")):
        data = {name: (torch.randn(n_trials, n_parameters), torch.randn(n_trials, n_parameters)) for name in ways}
        taken = timed({name: make(rule, *data[name]) for name, make in ways.items()})
        found[rule.name] = {name: round(statistics.median(values), 1) for name, values in taken.items()}
        cells = [f"{statistics.median(v):.0f} ({v[len(v) // 4]:.0f}-{v[3 * len(v) // 4]:.0f})" for v in taken.values()]
        print(f"{rule.name:10}" + "".join(f"{cell:>26}" for cell in cells))
    print(json.dumps({"trials": n_trials, "parameters": n_parameters, "us": found}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
