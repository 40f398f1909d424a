"""One convolution, pooling or BatchNorm of 64 images, forward and backward: our kernels, and torch's in its two memory formats.

    python bench/images.py

CPU microseconds at one thread, least and median of the rounds, each way in turn; the ratio is the faster of torch's two
over ours, least over least. The last column says whose kernel `fit(memory_format="kernels")` takes. A first layer, of
1 or 3 channels, computes no gradient of its images. Values and gradients are compared before anything is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from steepest.core.streams import generator
from steepest.kernels import images
from steepest.kernels.norms import FEWEST_PIXELS

SAMPLES, ROUNDS = 64, 30
CONVOLUTIONS = [  # (channels, height and width, outputs, kernel, padding)
    (1, 28, 10, 5, 0),
    (10, 12, 20, 5, 0),
    (1, 28, 6, 5, 2),
    (6, 14, 16, 5, 0),
    (3, 32, 6, 5, 0),
    (8, 16, 16, 3, 1),
    (12, 16, 24, 3, 1),
    (1, 28, 32, 3, 1),
    (3, 32, 16, 3, 1),
    (16, 16, 32, 3, 1),
    (32, 14, 64, 3, 1),
]
POOLS = [(10, 24), (20, 8), (32, 32)]
NORMS = [(12, 26), (16, 8), (32, 4), (32, 28), (64, 14)]


def random(*shape: int, of: str = "values") -> Tensor:
    return torch.randn(*shape, generator=generator("bench images", of, *shape))


def ways(
    x: Tensor, weights: list[Tensor], apply: Callable[..., Tensor], is_first: bool
) -> dict[str, Callable[[], Any]]:
    """Forward and backward, each in its own format."""

    def way(memory_format: torch.memory_format, is_ours: bool) -> Callable[[], Any]:
        given, *rest = (
            t.clone(memory_format=memory_format if t.dim() == 4 else torch.preserve_format) for t in (x, *weights)
        )
        wanted = [t.requires_grad_() for t in ([] if is_first else [given]) + rest]

        def run() -> Any:
            if is_ours:
                with images.FasterImages():
                    y = apply(given, *rest)
            else:
                y = apply(given, *rest)
            return y, torch.autograd.grad(y, wanted, slope)

        return run

    slope = random(*apply(x, *weights).shape, of="slopes")
    return {
        "ours": way(torch.contiguous_format, True),
        "contiguous": way(torch.contiguous_format, False),
        "channels_last": way(torch.channels_last, False),
    }


def row(name: str, found: dict[str, Callable[[], Any]], chosen: str) -> str:
    ours, theirs = found["ours"](), found["contiguous"]()
    for a, b in zip([ours[0], *ours[1]], [theirs[0], *theirs[1]]):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * float(b.detach().abs().max()))
    spent: dict[str, list[float]] = {way: [] for way in found}
    for way in [way for _ in range(ROUNDS) for way in found]:
        begun = time.process_time()
        found[way]()
        spent[way].append((time.process_time() - begun) * 1e6)
    least = {way: min(times) for way, times in spent.items()}
    ratio = min(least["contiguous"], least["channels_last"]) / least["ours"]
    cells = "".join(f"{least[way]:8.0f}{statistics.median(times):8.0f}" for way, times in spent.items())
    return f"{name:34}{cells}{ratio:8.2f}  {chosen}"


def main() -> None:
    torch.set_num_threads(1)
    if not images.has_kernels():
        raise SystemExit("No C++ compiler here: torch's kernels are the only ones.")
    print(f"{SAMPLES} images, torch {torch.__version__}, 1 thread; least and median us of {ROUNDS}")
    print(f"{'':34}{'ours':>16}{'contiguous':>16}{'channels_last':>16}{'ratio':>8}")
    full = images.FULL_LANES
    for channels, side, outputs, kernel, pad in CONVOLUTIONS:
        x, weight, bias = (
            random(SAMPLES, channels, side, side),
            random(outputs, channels, kernel, kernel),
            random(outputs),
        )
        with images.FasterImages():
            taken = F.conv2d(x, weight.clone().requires_grad_(), bias, padding=pad).grad_fn
        chosen = "ours" if "_Convolution" in type(taken).__name__ else "torch's"
        images.FULL_LANES = 2**31  # all are ours, to see what the choice costs
        found = ways(x, [weight, bias], lambda *t, pad=pad: F.conv2d(*t, padding=pad), channels in (1, 3))
        print(row(f"{channels} -> {outputs}, {kernel} x {kernel}, of {side} x {side}", found, chosen))
        images.FULL_LANES = full
    for channels, side in POOLS:
        found = ways(random(SAMPLES, channels, side, side), [], lambda x: F.max_pool2d(x, 2), False)
        print(row(f"pooling 2 x 2, {channels} of {side} x {side}", found, "ours"))
    for channels, side in NORMS:
        x, weight, bias = random(SAMPLES, channels, side, side), random(channels), random(channels)
        found = ways(x, [weight, bias], lambda x, *t: F.batch_norm(x, None, None, *t, training=True), False)
        print(
            row(f"BatchNorm, {channels} of {side} x {side}", found, "ours" if side**2 >= FEWEST_PIXELS else "torch's")
        )


if __name__ == "__main__":
    main()
