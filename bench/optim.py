"""One step of each optimizer against torch's own: its for-loop, its foreach, its fused kernel.

    OMP_NUM_THREADS=1 python bench/optim.py [--only RULE,RULE] [--size 1M,50M,networks]

1M parameters in 60 tensors, 50M in 200, and 64 small networks of 100 tensors each at once. Rules that torch lacks meet
the two forms of bench/composed_steps.py, which are first shown to make the same steps. The ways of a row take turns in
one process, in an order drawn anew each time. Shown are milliseconds of process time per step, the least, and the
median.

The limit: no step can be faster than reading and writing once what the rule must read and write at least (parameters,
gradients, states). `pass` is the time in which so many bytes are read and written in place, in turn with the others, by
one multiplication of one tensor of half as many bytes: torch's, or one that walks in parts as our steps do, whichever
takes less. `at most` is the greatest ratio that it allows, torch's best over the pass; `of it` is the pass over ours:
at 85 % and more the row says "limit", as memory leaves hardly more to win. A rule that needs norms of whole tensors
before it can move them (adafactor, lamb, lars, mars) reads more than once. The copy of 50M numbers that is printed
first also fetches the lines that it overwrites. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import time
from collections.abc import Callable
from ctypes import c_float, c_int64, c_void_p
from typing import Any

import torch
from composed_steps import steps_of
from torch import Tensor

from steepest import optim
from steepest.kernels.compiled import compiled_text
from steepest.kernels.step_text import PARTS, parts_of
from steepest.optim.memory import numbers_kept
from steepest.optim.stacked import StackedRule

Way = Callable[[], object]
SIZES = {"1M": (1_000_000, 60, 40), "50M": (50_000_000, 200, 3)}
"""Title -> parameters, tensors, rounds."""
OPTIONS = {"sgd": {"momentum": 0.9}, "muon": {"weight_decay": 0.0}}
TORCH = {"loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
LIMIT = 0.85
"""The share of the pass from which on a row is at the limit."""
RATIO = "best / ours"
COLUMNS = (*TORCH, "steepest", RATIO, "pass")
WALK = f"""{PARTS}
extern "C" void walk(R* numbers, int64_t n, R factor) {{
  each<{parts_of(1)}>(0, n, [=](int64_t i) {{ numbers[i] *= factor; }});
}}
"""
LEFT_OUT = ("lbfgs", "sparse_adam")
"""A closure, and sparse gradients."""
SLOW = {"muon": (10, 2), "soap": (10, 1), "shampoo": (10, 1)}
"""Rounds at 1M and at 50M of rules that multiply and decompose matrices: seconds a step at 50M."""


def parameters(total: int, n: int, biases: bool = True) -> list[Tensor]:
    """Square matrices, and a bias beside each; for rules of matrices alone as many matrices instead."""
    torch.manual_seed(0)
    side = int((total / (n / 2 if biases else n)) ** 0.5)
    shapes = [(side, side), (side,)] * (n // 2) if biases else [(side, side)] * n
    found = [torch.randn(shape).requires_grad_() for shape in shapes]
    for param in found:
        param.grad = torch.randn_like(param).mul_(0.01)
    return found


def ways_of(rule: Any, params: list[Tensor], lr: float = 1e-6) -> dict[str, Way]:
    options, found = {"lr": lr, **OPTIONS.get(rule.name, {})}, {}
    if str(rule.equals).startswith("torch.optim."):
        twin = getattr(torch.optim, rule.equals.rpartition(".")[2])
        for name, execution in TORCH.items():
            try:
                found[name] = twin(params, **options, **rule.equals_with, **execution).step
            except (TypeError, RuntimeError):  # torch has no such way
                continue
        if not found:
            found["loop"] = twin(params, **options, **rule.equals_with).step
    elif rule.decay != "none":
        options["weight_decay"] = 0.0
    found.update(steps_of(rule.name, params, lr))
    found["steepest"] = getattr(optim, rule.class_name)(params, **options, **rule.equals_when).step
    return found


def check_composed(rule: Any) -> None:
    """The composed forms and ours go to the same place in five steps."""
    ends = {}
    for name in steps_of(rule.name, [], 0.0):
        for way in (name, "steepest"):
            params = parameters(2_000, 6)
            step = ways_of(rule, params, 1e-3)[way]
            for _ in range(5):
                step()
            ends[way] = torch.cat([param.detach().flatten() for param in params])
        torch.testing.assert_close(ends[name], ends["steepest"], rtol=1e-5, atol=1e-6)


def timed(ways: dict[str, Way], rounds: int) -> dict[str, list[float]]:
    """Way -> [least, median] milliseconds, in another order each time: what went before is in the cache."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    order, chance = [*ways.items()], random.Random(0)
    for _ in range(rounds + min(rounds, 2)):
        chance.shuffle(order)
        for name, way in order:
            begun = time.process_time()
            way()
            taken[name].append(1e3 * (time.process_time() - begun))
    return {name: [min(values[-rounds:]), statistics.median(values[-rounds:])] for name, values in taken.items()}


def moved_bytes(rule: Any, params: list[Tensor]) -> int:
    """Param and states are read and written, the gradient is read."""
    states = sum(numbers_kept(rule, tuple(param.shape), OPTIONS.get(rule.name)) for param in params)
    return 4 * (3 * sum(param.numel() for param in params) + 2 * states)


def passes(n_bytes: int) -> dict[str, Way]:
    """Ways to read and write n_bytes in all, in place, each a tensor of its own, which it does not find in a cache."""
    numbers, others = torch.ones(n_bytes // 8), torch.ones(n_bytes // 8)
    found: dict[str, Way] = {"pass": lambda: others.mul_(1.0)}
    walk = compiled_text("walk", WALK, ("-DREAL=float",))
    if walk is not None:
        place, size, one = c_void_p(numbers.data_ptr()), c_int64(numbers.numel()), c_float(1.0)
        found["pass in parts"] = lambda kept=numbers: walk.walk(place, size, one)
    return found


def copied_gb_per_s() -> float:
    source, target = torch.randn(50_000_000), torch.empty(50_000_000)
    ((least, _),) = timed({"copy": lambda: target.copy_(source)}, 7).values()
    return 8 * 50e6 / least / 1e6


def networks(n_trials: int = 64, n_tensors: int = 100, width: int = 90) -> dict[str, Way]:
    """One AdamW step of 64 networks of 100 tensors, 9,000 parameters each."""

    def torch_steps(**execution: bool) -> Way:
        models = [[torch.randn(width).requires_grad_() for _ in range(n_tensors)] for _ in range(n_trials)]
        for tensor in (t for model in models for t in model):
            tensor.grad = torch.randn(width)
        optimizers = [torch.optim.AdamW(model, lr=1e-3, **execution) for model in models]
        return lambda: [optimizer.step() for optimizer in optimizers]

    param = torch.randn(n_trials, n_tensors * width)
    grad, rates = torch.randn_like(param), torch.full((n_trials,), 1e-3, dtype=torch.float64)
    stacked = StackedRule(optim.adamw)
    stacked.init(param)
    return {
        "torch": torch_steps(), "torch fused": torch_steps(fused=True),
        "steepest, stacked": lambda: stacked.step(param, grad, rates),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="A step of every rule against torch's.")
    parser.add_argument("--only", default="", help="names of rules, between commas; else all")
    parser.add_argument("--size", default="1M,50M,networks", help="which parts")
    asked = parser.parse_args()
    only, sizes = [name for name in asked.only.split(",") if name], asked.size.split(",")
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, 1 thread, float32")
    copy = copied_gb_per_s()
    print(f"a copy of 50M numbers moves {copy:.1f} GB/s")
    results: dict[str, Any] = {"copy_gb_per_s": copy}
    rules = [rule for rule in optim if rule.name not in LEFT_OUT and (not only or rule.name in only)]
    for rule in rules:
        check_composed(rule)
    for title, (total, n, rounds) in SIZES.items():
        if title not in sizes:
            continue
        print(f"\n{title} parameters in {n} tensors; ms per step, least (median)")
        print(f"{'':20}" + "".join(f"{name:>17}" for name in COLUMNS) + f"{'at most':>9}{'of it':>7}")
        results[title] = {}
        for rule in rules:
            params = parameters(total, n, biases=rule.name != "muon")
            bare = passes(moved_bytes(rule, params))
            own = SLOW[rule.name][title == "50M"] if rule.name in SLOW else rounds
            row = results[title][rule.name] = timed({**ways_of(rule, params), **bare}, own)
            row["pass"] = [min(values) for values in zip(*(row.pop(name) for name in bare))]
            print(line(rule, row), flush=True)
    if "networks" in sizes:
        print("\nAdamW, 64 networks of 100 tensors at once; ms per step of all, least (median)")
        results["networks"] = timed(networks(), 10)
        for name, (least, middle) in results["networks"].items():
            shares = [results["networks"]["torch"][k] / value for k, value in enumerate((least, middle))]
            print(
                f"{name:22}{pair(least, middle):>18}   {shares[0]:.1f} ({shares[1]:.1f}) times as fast as torch's loop"
            )
    print(json.dumps({"bench": "optim", "torch": torch.__version__, "unit": "ms", "results": results}))


def line(rule: Any, row: dict[str, list[float]]) -> str:
    ours, theirs = row["steepest"], [value for name, value in row.items() if name not in ("steepest", "pass")]
    best = [min(value[k] for value in theirs) for k in (0, 1)] if theirs else None
    ratio = f"{best[0] / ours[0]:.2f} ({best[1] / ours[1]:.2f})" if best else ""
    cells = [ratio if name == RATIO else pair(*row[name]) if name in row else "" for name in COLUMNS]
    share = row["pass"][0] / ours[0]
    at_most = f"{best[0] / row['pass'][0]:.1f}" if best else ""
    return (
        f"{rule.name:20}"
        + "".join(f"{cell:>17}" for cell in cells)
        + f"{at_most:>9}{share:>7.0%}"
        + ("  limit" if share >= LIMIT else "")
    )


def pair(least: float, middle: float) -> str:
    return f"{least:.3f} ({middle:.3f})"


if __name__ == "__main__":
    main()
