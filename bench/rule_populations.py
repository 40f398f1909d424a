"""How far a population of 64 trials is from 64 optimizers alone, on the same gradients after 200 steps, rule by rule.

    python bench/rule_populations.py [RULE ...]

Each trial has its own learning rate, weight decay and hyperparameters, drawn from the declared search ranges. A trial's
distance is its largest difference over its largest weight; the worst and the median are printed.
"""

from __future__ import annotations

import sys

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


def distances(rule: Rule, dtype: torch.dtype) -> Tensor:
    numbers = drawn(rule)
    start = torch.randn(K, LAYOUT.width, generator=generator("bench start"), dtype=torch.float64).to(dtype)
    columns = {name: torch.tensor(values, dtype=torch.float64) for name, values in numbers.items()}
    rates, together = columns.pop("lr"), start.clone()
    stepper = StackedRule(rule, columns, columns.pop("weight_decay", None))
    stepper.init(together, LAYOUT)
    alone = [[torch.nn.Parameter(view[k].clone()) for view in LAYOUT.views(start).values()] for k in range(K)]
    steppers = [class_of(rule)(own, **{n: v[k] for n, v in numbers.items()}) for k, own in enumerate(alone)]
    for t in range(N_STEPS):
        grad = gradients(t, dtype)
        views = list(LAYOUT.views(grad).values())
        stepper.step(together, grad, rates)
        for k, own in enumerate(alone):
            for param, view in zip(own, views):
                param.grad = view[k].clone()
            steppers[k].step()
    ends = torch.stack([torch.cat([p.detach().flatten() for p in own]) for own in alone])
    alike = (together == ends) | (together.isnan() & ends.isnan())  # both have left the numbers of this dtype
    return torch.where(alike, 0.0, (together - ends).abs()).amax(1) / ends.abs().nan_to_num(1.0).amax(1)


def main() -> None:
    torch.set_num_threads(1)
    asked = sys.argv[1:]
    print(f"torch {torch.__version__}, {K} trials, {N_STEPS} steps; worst and median distance of a trial")
    print(f"{'rule':<22}{'float64 worst':>15}{'median':>10}{'float32 worst':>15}{'median':>10}")
    for rule in optim:
        if rule.solo_only or (asked and rule.name not in asked):
            continue
        words = [f"{rule.name:<22}"]
        for dtype in (torch.float64, torch.float32):
            found = distances(rule, dtype)
            words.append(f"{found.max():>15.1e}{found.median():>10.1e}")
        print("".join(words), flush=True)


if __name__ == "__main__":
    main()
