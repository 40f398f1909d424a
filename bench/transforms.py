"""What transforms around a step cost: AdamW with each of them on 60 small tensors, against AdamW without.

    OMP_NUM_THREADS=1 python bench/transforms.py [--size small,1M] [TRANSFORM ...]

small: 30 matrices of 64 x 64 with their biases; 1M: 30 of 182 x 182. All optimizers step in turn in one process; shown
are microseconds of process time, the least and the median, and the ratios of both to the step without. Torch's own
AdamW stands beside, with its clip_grad_norm_ and without. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch

from steepest import optim, transforms

SIDES = {"small": 64, "1M": 182}
ROUNDS, STEPS = 60, 3
SEVERAL = "clip_norm + cautious + ema"


def parameters(side: int) -> list[torch.nn.Parameter]:
    draw = torch.Generator().manual_seed(0)
    found = [torch.nn.Parameter(torch.randn(s, generator=draw)) for s in [(side, side), (side,)] * 30]
    for param in found:
        param.grad = torch.randn(param.shape, generator=draw)
    return found


def ways(side: int, only: list[str]) -> dict[str, Callable[[], object]]:
    names = only or [*(t.name for t in transforms if t.acts_on != "point"), SEVERAL]
    found: dict[str, Callable[[], object]] = {"none": optim.AdamW(parameters(side), lr=1e-4).step}
    for name in names:
        found[name] = optim.AdamW(parameters(side), lr=1e-4, transforms=name).step
    params = parameters(side)
    theirs = torch.optim.AdamW(params, lr=1e-4)

    def clipped() -> None:
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        theirs.step()

    return {**found, "torch, none": torch.optim.AdamW(parameters(side), lr=1e-4).step, "torch, clip_norm": clipped}


def measured(side: int, only: list[str]) -> dict[str, tuple[float, float]]:
    """Microseconds of a step, least and median."""
    steps = ways(side, only)
    for step in steps.values():
        for _ in range(5):
            step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            start = time.process_time_ns()
            for _ in range(STEPS):
                step()
            times[name].append((time.process_time_ns() - start) / STEPS / 1000)
    return {name: (min(each), statistics.median(each)) for name, each in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", default=",".join(SIDES))
    parser.add_argument("transforms", nargs="*")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    results = {}
    for size in asked.size.split(","):
        found = measured(SIDES[size], asked.transforms)
        least, median = found["none"]
        print(f"torch {torch.__version__}, AdamW on 60 tensors, {size}; microseconds, and times the step without")
        print(f"{'':30}{'least':>9}{'median':>9}{'times':>9}{'median':>9}")
        for name, (a, b) in found.items():
            print(f"{name:30}{a:>9.0f}{b:>9.0f}{a / least:>9.2f}{b / median:>9.2f}")
        results[size] = {name: round(a / least, 2) for name, (a, b) in found.items()}
    print(json.dumps({"bench": "transforms", "torch": torch.__version__, "times": results}))


if __name__ == "__main__":
    main()
