"""From which size on the compiled step of a rule is worth its compiler: what kernels/steps.py's LEAST rests on.

    OMP_NUM_THREADS=1 python bench/executors.py

Groups of 4 tensors; microseconds of process time per step, the least of many, the operations one by one and the
compiled step in turn; and after how many steps the compiler, which is asked once per machine and rule, has been paid
back. The last line is JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import torch

from steepest import optim
from steepest.kernels import compiled, steps

SIZES = (64, 512, 1024, 4096, 16384, 65536, 1048576)
RULES = {"sgd": {"momentum": 0.9}, "adamw": {}, "nadam": {}, "adan": {}}


def least_us(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    found = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.process_time_ns()
            way()
            found[name] = min(found[name], (time.process_time_ns() - begun) / 1e3)
    return found


def compile_seconds() -> float:
    """Of one rule, by a text that no machine has met."""
    begun = time.perf_counter()
    compiled.compiled_text("bench", f'extern "C" int f() {{ return 0; }}  // {time.time_ns()}\n#include <cmath>', ())
    return time.perf_counter() - begun


def main() -> None:
    torch.set_num_threads(1)
    steps.LEAST = 0
    wait = compile_seconds()
    print(f"torch {torch.__version__}; the compiler takes {wait:.1f} s for an empty text\n")
    print(f"{'rule':8}{'numbers':>10}{'one by one':>14}{'compiled':>12}{'share':>8}{'paid back after':>18}")
    results = []
    for name, options in RULES.items():
        for size in SIZES:
            params = [torch.randn(size // 4).requires_grad_() for _ in range(4)]
            for param in params:
                param.grad = torch.randn_like(param)
            make = getattr(optim, optim[name].class_name)
            plain = {"foreach": False} if name == "nadam" else {"fused": False}  # torch's NAdam knows no fused
            ways = {
                "plain": make(params, lr=1e-6, **plain, **options).step,
                "compiled": make(params, lr=1e-6, **options).step,
            }
            taken = least_us(ways, 60)
            saved = taken["plain"] - taken["compiled"]
            after = f"{1e6 * wait / saved:,.0f} steps" if saved > 0 else "never"
            print(
                f"{name:8}{size:>10,}{taken['plain']:>11.0f} us{taken['compiled']:>9.0f} us"
                f"{taken['compiled'] / taken['plain']:>8.2f}{after:>18}"
            )
            results.append({"rule": name, "numbers": size, **taken})
    print(json.dumps({"bench": "executors", "compile_s": wait, "results": results}))


if __name__ == "__main__":
    main()
