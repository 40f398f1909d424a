"""One step of each optimizer against torch's own: its for-loop, its foreach, its fused kernel.

    OMP_NUM_THREADS=1 python bench/optim.py [rule ...]

1M parameters in 60 tensors, 50M in 200, and 64 small networks of 100 tensors each at once. The ways of a row take turns
in one process; shown are milliseconds of process time per step, the least, and the median. Moved: the bytes that the
rule must read and write at least (param, gradient, states), per second, and as a share of what a copy of 50M numbers
moves; a copy also fetches the lines that it overwrites, so a step in place can pass 100 %. The last line is JSON.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from steepest import optim
from steepest.optim.stacked import StackedRule

Way = Callable[[], object]
SIZES = {"1M in 60": (1_000_000, 60, 40), "50M in 200": (50_000_000, 200, 3)}
"""Title -> parameters, tensors, rounds."""
OPTIONS = {"sgd": {"momentum": 0.9}}
TORCH = {"loop": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
LEFT_OUT = ("lbfgs", "sparse_adam")
"""A closure, and sparse gradients."""


def parameters(total: int, n: int) -> list[Tensor]:
    """As many biases as matrices; a bias is a hundredth of its matrix."""
    torch.manual_seed(0)
    large = 2 * total // n * 100 // 101
    found = [torch.randn(size).requires_grad_() for _ in range(n // 2) for size in (large, large // 100)]
    for param in found:
        param.grad = torch.randn_like(param).mul_(0.01)
    return found


def ways_of(rule: Any, params: list[Tensor]) -> dict[str, Way]:
    options, found = {"lr": 1e-6, **OPTIONS.get(rule.name, {})}, {}
    if str(rule.equals).startswith("torch.optim."):
        twin = getattr(torch.optim, rule.equals.rpartition(".")[2])
        for name, execution in TORCH.items():
            try:
                found[name] = twin(params, **options, **rule.equals_with, **execution).step
            except (TypeError, RuntimeError):  # torch has no such way
                continue
    found["steepest"] = getattr(optim, rule.class_name)(params, **options).step
    return found


def timed(ways: dict[str, Way], rounds: int) -> dict[str, list[float]]:
    """Way -> [least, median] milliseconds, the ways in turn."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 2):
        for name, way in ways.items():
            begun = time.process_time()
            way()
            taken[name].append(1e3 * (time.process_time() - begun))
    return {name: [min(values[2:]), statistics.median(values[2:])] for name, values in taken.items()}


def moved_bytes(rule: Any, total: int) -> int:
    """Param and states are read and written, the gradient is read."""
    states = set(rule.states_with({**{n: h.default for n, h in rule.hyper.items()}, **OPTIONS.get(rule.name, {})}))
    return 4 * total * (3 + 2 * len(states - set(rule.scalar_states)))


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


def main(only: list[str]) -> None:
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, 1 thread, float32")
    copy = copied_gb_per_s()
    print(f"a copy of 50M numbers moves {copy:.1f} GB/s")
    results: dict[str, Any] = {"copy_gb_per_s": copy}
    rules = [
        r for r in optim if r.looks_at == "elementwise" and r.name not in LEFT_OUT and (not only or r.name in only)
    ]
    for title, (total, n, rounds) in SIZES.items():
        print(f"\n{title} tensors; ms per step, least (median)")
        print(f"{'':22}" + "".join(f"{name:>18}" for name in (*TORCH, "steepest", "best / ours")) + f"{'moved':>18}")
        results[title] = {}
        params = parameters(total, n)
        for rule in rules:
            row = results[title][rule.name] = timed(ways_of(rule, params), rounds)
            print(line(rule, row, total, copy), flush=True)
    print("\nAdamW, 64 networks of 100 tensors at once; ms per step of all, least (median)")
    results["networks"] = timed(networks(), 10)
    for name, (least, middle) in results["networks"].items():
        shares = [results["networks"]["torch"][k] / value for k, value in enumerate((least, middle))]
        print(f"{name:22}{pair(least, middle):>18}   {shares[0]:.1f} ({shares[1]:.1f}) times as fast as torch's loop")
    print(json.dumps({"bench": "optim", "torch": torch.__version__, "unit": "ms", "results": results}))


def line(rule: Any, row: dict[str, list[float]], total: int, copy: float) -> str:
    ours, theirs = row["steepest"], [value for name, value in row.items() if name != "steepest"]
    best = [min(value[k] for value in theirs) / ours[k] for k in (0, 1)] if theirs else None
    cells = [pair(*row[name]) if name in row else "" for name in (*TORCH, "steepest")]
    cells.append(f"{best[0]:.2f} ({best[1]:.2f})" if best else "")
    speed = moved_bytes(rule, total) / ours[0] / 1e6
    return (
        f"{rule.name:22}" + "".join(f"{cell:>18}" for cell in cells) + f"{f'{speed:.0f} GB/s, {speed / copy:.0%}':>18}"
    )


def pair(least: float, middle: float) -> str:
    return f"{least:.3f} ({middle:.3f})"


if __name__ == "__main__":
    main(sys.argv[1:])
