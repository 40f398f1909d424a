"""How far a population of 64 trials is from 64 optimizers alone, on the same gradients after 200 steps, and how much
faster, rule by rule.

    python bench/rule_populations.py [RULE ...]

Each trial has its own learning rate, weight decay and hyperparameters, drawn from the declared search ranges. A trial's
distance is its largest difference over its largest weight; the worst and the median are printed. The time is that of a
step of 64 networks 16-32-32-4 in float32, in turn with a step of each of 64 of our own optimizers; process time of the
fastest of 10 steps, and how many times as long the 64 take. What is beyond 1e-12 in float64 or 1e-6 in float32 is marked.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from steepest import optim
from steepest.core.declare import Rule
from steepest.core.streams import generator
from steepest.core.trees import Layout
from steepest.optim.optimizer import class_of
from steepest.optim.stacked import StackedRule

K, N_STEPS = 64, 200
LAYOUT = Layout(
    (("a", torch.Size([4, 3])), ("b", torch.Size([5])), ("c", torch.Size([3, 2, 2])), ("d", torch.Size([4, 3])))
)
NET = Layout(tuple((str(i), torch.Size(s)) for i, s in enumerate([(32, 16), (32,), (32, 32), (32,), (4, 32), (4,)])))
BOUNDS = {torch.float64: 1e-12, torch.float32: 1e-6}


def drawn(rule: Rule) -> dict[str, list[float]]:
    """64 values of the learning rate, the weight decay and each hyperparameter with a search range, mixed."""
    found = {}
    for name, hyper in rule.hyper.items():
        if hyper.search is not None and name not in rule.static:
            order = torch.randperm(K, generator=generator("bench", name)).tolist()
            values = hyper.search.grid(K)
            found[name] = [values[i] for i in order]
    if rule.decay != "none":
        found["weight_decay"] = [0.1 * k / K for k in range(K)]
    return found


def gradients(t: int, dtype: torch.dtype) -> Tensor:
    g = generator("bench gradients", t)
    return (torch.randn(K, LAYOUT.width, generator=g, dtype=torch.float64) + 0.3).to(dtype)


class Both:
    """The trials together and alone, at the same weights."""

    def __init__(self, rule: Rule, layout: Layout, dtype: torch.dtype) -> None:
        numbers = drawn(rule)
        start = torch.randn(K, layout.width, generator=generator("bench start"), dtype=torch.float64).to(dtype)
        columns = {name: torch.tensor(values, dtype=torch.float64) for name, values in numbers.items()}
        self.rates, self.together, self.layout = columns.pop("lr"), start.clone(), layout
        self.stepper = StackedRule(rule, columns, columns.pop("weight_decay", None))
        self.stepper.init(self.together, layout)
        self.alone = [[torch.nn.Parameter(view[k].clone()) for view in layout.views(start).values()] for k in range(K)]
        made = class_of(rule)
        self.steppers = [made(own, **{n: v[k] for n, v in numbers.items()}) for k, own in enumerate(self.alone)]

    def give(self, grad: Tensor) -> None:
        self.grad = grad
        for k, own in enumerate(self.alone):
            for param, view in zip(own, self.layout.views(grad).values()):
                param.grad = view[k].clone()

    def step_together(self) -> None:
        self.stepper.step(self.together, self.grad, self.rates)

    def step_alone(self) -> None:
        for stepper in self.steppers:
            stepper.step()


def distances(rule: Rule, dtype: torch.dtype) -> Tensor:
    both = Both(rule, LAYOUT, dtype)
    for t in range(N_STEPS):
        both.give(gradients(t, dtype))
        both.step_together()
        both.step_alone()
    together, ends = both.together, torch.stack([torch.cat([p.detach().flatten() for p in own]) for own in both.alone])
    alike = (together == ends) | (together.isnan() & ends.isnan())  # both have left the numbers of this dtype
    return torch.where(alike, 0.0, (together - ends).abs()).amax(1) / ends.abs().nan_to_num(1.0).amax(1)


def microseconds(rule: Rule) -> tuple[float, float]:
    """Of a step of all together, and of each alone."""
    both = Both(rule, NET, torch.float32)
    both.give(torch.randn(K, NET.width, generator=generator("bench time")) * 0.01)
    for step in (both.step_together, both.step_alone) * 2:
        step()
    turns = [(timed(both.step_together), timed(both.step_alone)) for _ in range(10)]
    return min(a for a, _ in turns), min(b for _, b in turns)


def timed(step: Callable[[], None]) -> float:
    start = time.process_time_ns()
    step()
    return (time.process_time_ns() - start) / 1000


def main() -> None:
    torch.set_num_threads(1)
    asked = sys.argv[1:]
    print(f"torch {torch.__version__}, {K} trials, {N_STEPS} steps; worst and median distance of a trial")
    print(f"{'rule':<22}{'float64 worst':>15}{'median':>10}{'float32 worst':>15}{'median':>10}{'us':>9}{'times':>8}")
    for rule in optim:
        if rule.solo_only or (asked and rule.name not in asked):
            continue
        words, is_far = [f"{rule.name:<22}"], False
        for dtype, bound in BOUNDS.items():
            found = distances(rule, dtype)
            words.append(f"{found.max():>15.1e}{found.median():>10.1e}")
            is_far |= bool(found.max() > bound)
        together, alone = microseconds(rule)
        print("".join(words) + f"{together:>9.0f}{alone / together:>8.1f}{'  FAR' if is_far else ''}", flush=True)


if __name__ == "__main__":
    main()
