"""Memory that one step adds beside parameters, gradients and states, for every rule and every transform.

    OMP_NUM_THREADS=1 python bench/optim_memory.py [NAME ...]

Once for 16M parameters (64 MB) in 16 square matrices, once in a single one, each case in a process of its own: the peak
of its resident memory during the third step over what it held before it, in MB. Linux only. Transforms stand around SGD
with momentum. Whatever adds more than 64 MB is marked, and named at the end. The last line is JSON.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from pathlib import Path

import torch

from steepest import optim, transforms

SIDES = {"16 x 1000 x 1000": (1000, 16), "4000 x 4000": (4000, 1)}
MOST = 64
"""MB that a step may add."""
SLOW = ("muon", "soap", "shampoo")
"""Products and decompositions of matrices of this size take minutes: a quarter of the width for them."""


def status_mb(field: str) -> float:
    """VmRSS or VmHWM of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field + ":"))


def added_mb(name: str, side: int, n: int) -> float:
    params = [torch.nn.Parameter(torch.full((side, side), 0.5)) for _ in range(n)]
    for param in params:
        param.grad = torch.full_like(param, 0.01)
    if any(rule.name == name for rule in optim):
        optimizer = getattr(optim, optim[name].class_name)(params, lr=1e-4)
    else:
        optimizer = optim.SGD(params, lr=1e-4, momentum=0.9, transforms=name)

    def step() -> None:
        optimizer.step(lambda: None)

    for _ in range(2):
        step()
    ctypes.CDLL(None).malloc_trim(0)  # what the first steps freed does not count as there
    before = status_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    step()
    return max(0.0, status_mb("VmHWM") - before)


def alone(name: str, side: int, n: int) -> float:
    child = [sys.executable, __file__, "--case", name, str(side), str(n)]
    return float(subprocess.run(child, capture_output=True, text=True, check=True).stdout.split()[-1])


def main(only: list[str]) -> None:
    names = [rule.name for rule in optim if rule.name not in ("lbfgs", "sparse_adam")] + [t.name for t in transforms]
    print(f"torch {torch.__version__}, float32; MB that a step adds")
    print(f"{'':22}" + "".join(f"{title:>18}" for title in SIDES))
    found = {}
    for name in names:
        if only and name not in only:
            continue
        sides = [(side // 4 if name in SLOW else side, n) for side, n in SIDES.values()]
        found[name] = [round(alone(name, side, n), 1) for side, n in sides]
        note = "  (matrices of a quarter of the width)" if name in SLOW else ""
        note = "  OVER" * (max(found[name]) > MOST) + note
        print(f"{name:22}" + "".join(f"{mb:>18.1f}" for mb in found[name]) + note, flush=True)
    over = [name for name, each in found.items() if max(each) > MOST]
    print(f"over {MOST} MB: {', '.join(over) or 'none'} of {len(found)}")
    print(json.dumps({"bench": "optim_memory", "torch": torch.__version__, "unit": "MB", "results": found}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--case"]:
        print(added_mb(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    else:
        main(sys.argv[1:])
