"""A step that walks through several parts of each tensor side by side: what it gains, by the number of its arrays.

    OMP_NUM_THREADS=1 python bench/walks.py

Milliseconds of process time per step of 50M numbers in 200 tensors, least (median), the numbers of parts in turn; a
star marks what kernels/step_text.py takes. Each has states of its own, so that they lie elsewhere in memory, which is
worth a tenth by itself. The last line is JSON.
"""

from __future__ import annotations

import json

import torch
from optim import Way, pair, parameters, timed
from torch import Tensor

from steepest import optim
from steepest.kernels import step_text, steps

ARRAYS = {"lion": 3, "adamw": 4, "ademamix": 5, "adan": 6}
"""Rules, and the arrays that each reads: parameters, gradients, states."""
PARTS = (1, 2, 4, 8)
ROUNDS = 7
taken = step_text.parts_of


def in_parts(name: str, n: int, params: list[Tensor]) -> Way:
    step_text.parts_of = lambda n_arrays: n
    steps._function_of.cache_clear()
    way = getattr(optim, optim[name].class_name)(params, lr=1e-6).step
    for _ in range(2):  # the first makes the states, the second finds the compiled step that it keeps
        way()
    return way


def main() -> None:
    torch.set_num_threads(1)
    params, results = parameters(50_000_000, 200), {}
    print(f"{'rule':10}{'arrays':>7}" + "".join(f"{f'{n} parts':>18}" for n in PARTS))
    for name, arrays in ARRAYS.items():
        row = results[name] = timed({str(n): in_parts(name, n, params) for n in PARTS}, ROUNDS)
        cells = (pair(*row[str(n)]) + ("*" if n == taken(arrays) else " ") for n in PARTS)
        print(f"{name:10}{arrays:>7}" + "".join(f"{cell:>18}" for cell in cells), flush=True)
    print(json.dumps({"bench": "walks", "torch": torch.__version__, "unit": "ms", "results": results}))


if __name__ == "__main__":
    main()
