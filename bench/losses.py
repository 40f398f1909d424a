"""Losses forward and backward, against torch's eager functions and torch.compile, on one thread.

    OMP_NUM_THREADS=1 python bench/losses.py

The ways of a row take turns in one process, so that a busy machine slows all of them. Shown are milliseconds of
process time per call: the least, and the median. What a fresh large tensor costs depends on the allocator, so every
row is measured under glibc's default and again, in a process of its own, with large blocks kept
(MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ of 2 GB). The last line is JSON.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from steepest import losses

Way = Callable[[], Tensor]
KEPT = {"MALLOC_MMAP_THRESHOLD_": str(2**31), "MALLOC_TRIM_THRESHOLD_": str(2**31)}
SECONDS_PER_ROW = 3.0


def eager_focal(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Binary focal loss, as torchvision writes it, with a weight per element and their sum as denominator."""
    nats = F.binary_cross_entropy_with_logits(x, y, reduction="none")
    p = x.sigmoid()
    right = p * y + (1 - p) * (1 - y)
    value = (0.25 * y + 0.75 * (1 - y)) * (1 - right) ** 2.0 * nats
    return (value * w).sum() / w.sum()


def eager_softmax_focal(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    nats = F.cross_entropy(x, y, reduction="none")
    return ((1 - (-nats).exp()) ** 2.0 * nats * w).sum() / w.sum()


def softmax_focal(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    return losses.focal(x, y, weight=w)


def eager_bce(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    return (F.binary_cross_entropy_with_logits(x, y, reduction="none") * w).sum() / w.sum()


def eager_smoothed(x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(x, y, label_smoothing=0.1)


def smoothed(x: Tensor, y: Tensor) -> Tensor:
    return losses.cross_entropy(x, y, label_smoothing=0.1)


def eager_asl(x: Tensor, y: Tensor) -> Tensor:
    """As its authors write it, but differentiated through the focus."""
    p, q = x.sigmoid(), (1.05 - x.sigmoid()).clamp(max=1)
    nats = y * p.clamp(min=1e-8).log() + (1 - y) * q.clamp(min=1e-8).log()
    return -(nats * (1 - p * y - q * (1 - y)) ** (4 * (1 - y))).mean()


def eager_dice(x: Tensor, y: Tensor) -> Tensor:
    p, true = x.softmax(1), F.one_hot(y, x.shape[1]).movedim(-1, 1).float()
    both = (p * true).flatten(2).sum(2)
    return (1 - (2 * both + 1) / ((p + true).flatten(2).sum(2) + 1)).mean()


Row = tuple[str, Callable[..., Tensor], Callable[..., Tensor], Callable[[], list[Tensor]]]


def classes(n: int, c: int, weighted: bool = False) -> Callable[[], list[Tensor]]:
    return lambda: [3 * torch.randn(n, c), torch.randint(c, (n,)), *([torch.rand(n)] if weighted else [])]


def labels(n: int) -> Callable[[], list[Tensor]]:
    return lambda: [3 * torch.randn(n), (torch.rand(n) < 0.1).float(), torch.rand(n)]


def numbers(n: int) -> Callable[[], list[Tensor]]:
    return lambda: [torch.randn(n), torch.randn(n)]


def images(n: int, c: int, side: int) -> Callable[[], list[Tensor]]:
    return lambda: [3 * torch.randn(n, c, side, side), torch.randint(c, (n, side, side))]


def shares(n: int, c: int) -> Callable[[], list[Tensor]]:
    return lambda: [3 * torch.randn(n, c), torch.rand(n, c).softmax(1)]


def unweighted(n: int) -> Callable[[], list[Tensor]]:
    return lambda: labels(n)()[:2]


PLAIN = [
    (F.mse_loss, losses.mse),
    (F.l1_loss, losses.l1),
    (F.huber_loss, losses.huber),
    (F.smooth_l1_loss, losses.smooth_l1),
]
ROWS: list[Row] = [
    ("cross-entropy 64x10", F.cross_entropy, losses.cross_entropy, classes(64, 10)),
    ("cross-entropy 4096x1000", F.cross_entropy, losses.cross_entropy, classes(4096, 1000)),
    ("cross-entropy 2048x32000", F.cross_entropy, losses.cross_entropy, classes(2048, 32000)),
    ("weighted sigmoid focal 4M", eager_focal, lambda x, y, w: losses.sigmoid_focal(x, y, weight=w), labels(4_000_000)),
    ("weighted BCE 4M", eager_bce, lambda x, y, w: losses.bce_with_logits(x, y, weight=w), labels(4_000_000)),
    ("weighted focal 400000x10", eager_softmax_focal, softmax_focal, classes(400_000, 10, True)),
    ("smoothed CE 4096x1000", eager_smoothed, smoothed, classes(4096, 1000)),
    ("soft CE 4096x1000", F.cross_entropy, losses.cross_entropy, shares(4096, 1000)),
    ("CE of pixels 8x21x128x128", F.cross_entropy, losses.cross_entropy, images(8, 21, 128)),
    ("dice 8x21x128x128", eager_dice, losses.dice, images(8, 21, 128)),
    *((f"{item.name} {n}", eager, item, numbers(n)) for n in (64, 4_000_000) for eager, item in PLAIN),
    ("BCE 64", F.binary_cross_entropy_with_logits, losses.bce_with_logits, unweighted(64)),
    ("asl 4M", eager_asl, losses.asl, unweighted(4_000_000)),
]  # fmt: skip


def step(loss: Callable[..., Tensor], tensors: list[Tensor]) -> Way:
    """Forward and backward; the input's gradient is fresh each time."""
    x = tensors[0].requires_grad_()

    def once() -> Tensor:
        x.grad = None
        loss(*tensors).backward()
        assert x.grad is not None
        return x.grad

    return once


def timed(ways: dict[str, Way], seconds: float) -> dict[str, list[float]]:
    """Milliseconds per call, the ways in turn; a short call is repeated so that the clock sees it."""
    start = time.perf_counter()
    for way in ways.values():
        way()
    repeats = max(1, int(0.002 * len(ways) / (time.perf_counter() - start)))
    found: dict[str, list[float]] = {name: [] for name in ways}
    while time.perf_counter() - start < seconds or len(next(iter(found.values()))) < 5:
        for name, way in ways.items():
            began = time.process_time()
            for _ in range(repeats):
                way()
            found[name].append((time.process_time() - began) / repeats * 1e3)
    return found


def measure() -> dict[str, dict[str, list[float]]]:
    """Row -> way -> [least, median]."""
    table = {}
    for title, eager, ours, make in ROWS:
        torch.manual_seed(0)
        tensors = make()
        torch._dynamo.reset()
        compiled = torch.compile(eager)
        ways = {"eager": step(eager, tensors), "compile": step(compiled, tensors), "steepest": step(ours, tensors)}
        reference = ways["eager"]()
        for name, way in ways.items():
            for _ in range(3):  # compilation, and the allocator's learning, are not measured
                grad = way()
            off = (grad - reference).abs().max() / reference.abs().max()
            assert off < 1e-5, f"{title}: the gradient of {name} is {off:.1e} off"
        found = timed(ways, SECONDS_PER_ROW)
        table[title] = {name: [min(times), statistics.median(times)] for name, times in found.items()}
    return table


def show(setting: str, table: dict[str, dict[str, list[float]]]) -> None:
    print(f"\nallocator: {setting}; ms per forward + backward, least (median)")
    print(f"{'':28}{'torch eager':>18}{'torch.compile':>18}{'steepest':>18}{'eager / ours':>18}{'compile / ours':>18}")
    for title, row in table.items():
        cells = "".join(f"{_pair(least, middle):>18}" for least, middle in row.values())
        ratios = "".join(f"{_ratio(row[way], row['steepest']):>18}" for way in ("eager", "compile"))
        print(f"{title:28}{cells}{ratios}")


def _pair(least: float, middle: float) -> str:
    return f"{least:.3f} ({middle:.3f})"


def _ratio(theirs: list[float], ours: list[float]) -> str:
    return f"{theirs[0] / ours[0]:.2f} ({theirs[1] / ours[1]:.2f})"


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    if "--child" in sys.argv:
        print(json.dumps(measure()))
        return
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {platform.machine()}, 1 thread, float32")
    results = {}
    for setting, extra in {"default": {}, "large blocks kept": KEPT}.items():
        child = subprocess.run(
            [sys.executable, __file__, "--child"],
            env={**os.environ, **extra},
            capture_output=True,
            text=True,
            check=True,
        )
        results[setting] = json.loads(child.stdout.splitlines()[-1])
        show(setting, results[setting])
    print(json.dumps({"bench": "losses", "torch": torch.__version__, "unit": "ms", "least_and_median": results}))


if __name__ == "__main__":
    main()
