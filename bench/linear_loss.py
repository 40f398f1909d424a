"""The last layer with its cross-entropy, by chunks and with all logits at once: time and peak memory.

    OMP_NUM_THREADS=1 python bench/linear_loss.py

Hidden size 1024, 2048 tokens, one thread, float32, glibc's default allocator. Each step runs alone in a process of its
own, the ways in turn. Time: seconds of process time, the least and the median. Memory: the peak of resident memory
during the step, over what was there before (features, weights, labels, the libraries' own buffers) and less what must
come out (the gradients). The last line is JSON.
"""

from __future__ import annotations

import ctypes
import json
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from steepest import losses
from steepest.losses.linear import chunk_rows

HIDDEN, TOKENS = 1024, 2048
ROUNDS = {32_000: 3, 128_000: 1}
"""Vocabulary -> steps of each way; one of the larger takes half a minute."""
MB = 2**20


def unfused(x: Tensor, weight: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(F.linear(x, weight), y)


def torch_chunked(x: Tensor, weight: Tensor, y: Tensor) -> Tensor:
    return F.linear_cross_entropy(x, weight, y, options=torch.nn.LinearCrossEntropyOptions())


def steepest(x: Tensor, weight: Tensor, y: Tensor) -> Tensor:
    return losses.linear(x, weight, y)


def steepest_focal(x: Tensor, weight: Tensor, y: Tensor) -> Tensor:
    return losses.linear(x, weight, y, loss=losses.focal)


WAYS: dict[str, Callable[..., Tensor]] = {
    way.__name__: way for way in (unfused, torch_chunked, steepest, steepest_focal)
}


def problem(vocabulary: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    weight = (torch.randn(vocabulary, HIDDEN).mul_(HIDDEN**-0.5)).requires_grad_()
    return torch.randn(TOKENS, HIDDEN, requires_grad=True), weight, torch.randint(vocabulary, (TOKENS,))


def step(way: Callable[..., Tensor], tensors: tuple[Tensor, Tensor, Tensor]) -> None:
    tensors[0].grad = tensors[1].grad = None
    way(*tensors).backward()


def status_mb(field: str) -> float:
    """VmRSS or VmHWM of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field + ":"))


def one_step(name: str, vocabulary: int) -> tuple[float, float]:
    """(seconds, peak MB over the inputs less the gradients). A smaller step first takes what first calls take."""
    step(
        WAYS[name],
        (
            torch.randn(512, HIDDEN, requires_grad=True),
            torch.randn(8192, HIDDEN, requires_grad=True),
            torch.zeros(512).long(),
        ),
    )
    tensors = problem(vocabulary)
    ctypes.CDLL(None).malloc_trim(0)  # what the smaller step freed does not count as there
    before = status_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    start = time.process_time()
    step(WAYS[name], tensors)
    return time.process_time() - start, status_mb("VmHWM") - before - 4 * HIDDEN * (TOKENS + vocabulary) / MB


def alone(name: str, vocabulary: int) -> list[float]:
    child = [sys.executable, __file__, "--step", name, str(vocabulary)]
    return list(map(float, subprocess.run(child, capture_output=True, text=True, check=True).stdout.split()[-2:]))


def measure(vocabulary: int) -> dict[str, dict[str, float]]:
    """Way -> least and median seconds, greatest MB."""
    found: dict[str, list[list[float]]] = {}
    for _ in range(ROUNDS[vocabulary]):
        for name in WAYS:
            if hasattr(torch.nn, "LinearCrossEntropyOptions") or name != "torch_chunked":
                found.setdefault(name, []).append(alone(name, vocabulary))
    return {
        name: {
            "least_s": min(t for t, _ in runs),
            "median_s": statistics.median(t for t, _ in runs),
            "mb": max(m for _, m in runs),
        }
        for name, runs in found.items()
    }


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if sys.argv[1:2] == ["--step"]:
        print(*one_step(sys.argv[2], int(sys.argv[3])))
        return
    versions = f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}"
    print(f"{versions}, 1 thread, float32, default allocator")
    results = {}
    for vocabulary in ROUNDS:
        rows = chunk_rows(vocabulary, 4)
        chunk = 4 * rows * vocabulary / MB
        results[vocabulary] = {"chunk_mb": chunk, "ways": measure(vocabulary)}
        sizes = f"a chunk is at most {rows} rows: {chunk:.1f} MB; all logits: {4 * TOKENS * vocabulary / MB:.0f} MB"
        print(f"\n{TOKENS} tokens, vocabulary {vocabulary}; {sizes}")
        print(f"{'':18}{'s, least (median)':>22}{'of unfused':>14}{'extra MB':>12}{'chunks':>10}")
        base = results[vocabulary]["ways"]["unfused"]
        for name, way in results[vocabulary]["ways"].items():
            share = f"{way['least_s'] / base['least_s']:.2f} ({way['median_s'] / base['median_s']:.2f})"
            pair = f"{way['least_s']:.2f} ({way['median_s']:.2f})"
            print(f"{name:18}{pair:>22}{share:>14}{way['mb']:>12.1f}{way['mb'] / chunk:>10.3f}")
    print(json.dumps({"bench": "linear_loss", "torch": torch.__version__, "vocabularies": results}))


if __name__ == "__main__":
    main()
