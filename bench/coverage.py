"""How often the interval of a metric holds the true value: the share of simulated samples, nominally 95 %.

Run: OMP_NUM_THREADS=1 python bench/coverage.py [samples] [--write]

A true population per kind of metric: four classes of 55, 25, 15 and 5 %, found in 80 to 60 % of cases; softmax scores that
are overconfident; four labels of 10 to 50 %; numbers whose errors are a little skewed and grow with the target. The true value is
that of two million samples. --write puts the table into docs/metrics.md. (f): most of the intervals are flagged by a note.
*: not flagged, 200 samples or more, and outside 93 to 97 %. The last line is JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from torch import Tensor

from steepest import metrics
from steepest.core.metric import Metric
from steepest.core.rows import Rows

SIZES = (100, 200, 1000)
TOGETHER = 25
"""Samples whose intervals are computed side by side, as models of one state."""
REPLICATES = 500
SHARES = torch.tensor([0.55, 0.25, 0.15, 0.05], dtype=torch.float64)
START, END = "<!-- from bench/coverage.py -->", "<!-- end -->"


def population(reads: str, k: int, n: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
    """Predictions (k, n, *) and targets (k, n, *)."""
    if reads == "numbers":
        target = torch.rand(k, n, generator=g, dtype=torch.float64) * 4 + 1
        spread = torch.rand(k, n, generator=g, dtype=torch.float64).log().neg() - 1 + torch.randn(k, n, generator=g)
        return (target * 0.9 + 0.3 + 0.1 * target * spread).clamp(min=0.05), target
    if reads.startswith("label"):
        target = torch.rand(k, n, 4, generator=g) < torch.tensor([0.5, 0.3, 0.2, 0.1])
        scores = torch.randn(k, n, 4, generator=g, dtype=torch.float64) + 1.5 * target
        return (scores > 0.9 if reads == "label decisions" else scores), target
    target = torch.multinomial(SHARES, k * n, replacement=True, generator=g).reshape(k, n)
    scores = torch.randn(k, n, 4, generator=g, dtype=torch.float64) + SHARES.log() / 2
    scores.scatter_add_(-1, target.unsqueeze(-1), 1.8 - 0.2 * target.unsqueeze(-1).double())
    return 1.3 * scores, target


def rows_of(metric: Metric, prediction: Tensor, target: Tensor):
    return metric.rows(prediction, target, **({"from_logits": True} if metric.asks_from_logits else {}))


def truth_of(metric: Metric, g: torch.Generator) -> float:
    kept = [rows_of(metric, *(t[0] for t in population(metric.tally.reads, 1, 200_000, g))) for _ in range(10)]
    counted = [metric.tally.count(rows) for rows in kept]
    if isinstance(counted[0], Tensor):
        return float(metric.value(sum(counted)))
    return float(sum(metric.value(c) for c in counted)) / len(counted)


def coverage(metric: Metric, truth: float, n: int, samples: int, g: torch.Generator) -> tuple[float, bool]:
    """The share of intervals that hold the truth, and whether most are flagged."""
    hits, flags, done = 0.0, 0, 0
    while done < samples:
        at = metric.interval(
            rows_of(metric, *population(metric.tally.reads, TOGETHER, n, g)), replicates=REPLICATES, seed=done
        )
        hits += ((at.low <= truth) & (truth <= at.high)).double().sum().item()
        flags += TOGETHER * at.is_flagged
        done += TOGETHER
    return hits / done, 2 * flags > done


def main(samples: int, write: bool, names: list[str]) -> None:
    torch.set_num_threads(1)
    lines = ["| metric | method | " + " | ".join(f"n = {n}" for n in SIZES) + " |", "|---" * (2 + len(SIZES)) + "|"]
    told: dict[str, dict[str, float]] = {}
    began = time.process_time()
    for metric in metrics:
        if names and metric.name not in names:
            continue
        g = torch.Generator().manual_seed(0)
        truth = truth_of(metric, g)
        few = rows_of(metric, *population(metric.tally.reads, 1, 50, g))
        method, cells = metric.interval(few, replicates=100).method, []
        # where every replicate weighs all rows anew, the largest size takes too long
        keeps_rows = method == "bootstrap" and isinstance(metric.tally.count(few), Rows)
        for n in SIZES:
            if keeps_rows and n == SIZES[-1]:
                cells.append("")
                continue
            share, flagged = coverage(metric, truth, n, samples, g)
            off = n >= 200 and not flagged and not 0.93 <= round(share, 3) <= 0.97
            cells.append(f"{100 * share:.1f}{' (f)' if flagged else ''}{' *' if off else ''}")
            told.setdefault(metric.name, {})[str(n)] = round(share, 4)
        lines.append(f"| `{metric.name}` | {method.replace('_', ' ')} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    error = 100 * (0.95 * 0.05 / samples) ** 0.5
    head = (
        f"{samples} samples of each size, {REPLICATES} replicates; standard error of a figure about {error:.1f} points."
    )
    table = "\n".join([head, "", *lines])
    print(f"\n{table}\n\n{time.process_time() - began:.0f} s of CPU time")
    if write:
        page = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"
        text = page.read_text("utf-8")
        before, _, rest = text.partition(START)
        page.write_text(f"{before}{START}\n{table}\n{END}{rest.partition(END)[2]}", "utf-8")
    print(json.dumps(told))


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if word != "--write"]
    numbers = [int(word) for word in given if word.isdigit()]
    main(numbers[0] if numbers else 1000, "--write" in sys.argv, [word for word in given if not word.isdigit()])
