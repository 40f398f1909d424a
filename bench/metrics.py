"""What metrics cost: 256 stacked models, intervals, and a step of training, against torchmetrics and scikit-learn.

Run: OMP_NUM_THREADS=1 python bench/metrics.py [reps]

One thread, CPU time, the variants in turn within one process; median (least). Accuracy and macro precision, recall and F1
of 256 models, 2000 samples, 10 classes; the peers get one model after the other, torchmetrics as one MetricCollection with
compute groups. Intervals: 1000 replicates of every metric of class counts, one model. A step: update on a batch of 64 x 10,
what is counted later included. torchmetrics is left out where it is not installed. The last line is JSON.
"""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable

import numpy
import sklearn
import sklearn.metrics
import torch
from torch import Tensor

from steepest import metrics

try:
    import torchmetrics
except Exception:  # it dies on import beside some versions of torchvision
    torchmetrics = None

K, N, C = 256, 2000, 10
FOUR = ("accuracy", "precision", "recall", "f1")
STEPS = 400


def stacked(scores: Tensor, target: Tensor) -> Tensor:
    state = metrics.accuracy.state(scores, target)
    return torch.stack([metrics[name].value(state) for name in FOUR], -1)


def by_scikit_learn(scores: Tensor, target: Tensor) -> Tensor:
    truth, rows = target.numpy(), []
    for given in scores.argmax(-1).numpy():
        of_classes = sklearn.metrics.precision_recall_fscore_support(truth, given, average="macro", zero_division=0)
        rows.append([sklearn.metrics.accuracy_score(truth, given), *of_classes[:3]])
    return torch.tensor(numpy.array(rows))


def collection():
    made = {"average": "macro", "num_classes": C, "validate_args": False}
    return torchmetrics.MetricCollection(
        {
            "accuracy": torchmetrics.classification.MulticlassAccuracy(C, average="micro", validate_args=False),
            "precision": torchmetrics.classification.MulticlassPrecision(**made),
            "recall": torchmetrics.classification.MulticlassRecall(**made),
            "f1": torchmetrics.classification.MulticlassF1Score(**made),
        }
    )


def by_torchmetrics(scores: Tensor, target: Tensor) -> Tensor:
    together, rows = collection(), []
    for own in scores:
        together.reset()
        together.update(own, target)
        found = together.compute()
        rows.append(torch.stack([found[name] for name in FOUR]))
    return torch.stack(rows).double()


def of_counts() -> list:
    return [m for m in metrics if m.counts is metrics.accuracy.counts]


def intervals(state: Tensor) -> None:
    for found in metrics.accuracy.intervals(state, of_counts(), method="bootstrap", replicates=1000):
        assert found.low <= found.value <= found.high


def steps(update: Callable[[Tensor, Tensor], object], end: Callable[[], object]) -> Callable[[], None]:
    g = torch.Generator().manual_seed(2)
    batches = [(torch.randn(64, C, generator=g), torch.randint(C, (64,), generator=g)) for _ in range(20)]

    def run() -> None:
        for i in range(STEPS):
            update(*batches[i % 20])
        end()

    return run


def in_turn(variants: dict[str, Callable[[], object]], reps: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in variants}
    for rep in range(reps + 1):
        for name, run in variants.items():
            began = time.process_time()
            run()
            if rep:  # the first time warms up
                found[name].append(time.process_time() - began)
    return found


def shown(name: str, seconds: list[float], unit: float, word: str) -> str:
    return f"{name:<44}{statistics.median(seconds) * unit:10.1f} ({min(seconds) * unit:.1f}) {word}"


def main(reps: int) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    g = torch.Generator().manual_seed(1)
    target = torch.randint(C, (N,), generator=g)
    scores = torch.randn(K, N, C, generator=g)
    scores[:, torch.arange(N), target] += 1.5
    with_peer = torchmetrics is not None
    print(
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"scikit-learn {sklearn.__version__}, torchmetrics {torchmetrics.__version__ if with_peer else 'not installed'}"
    )
    print("CPU time, one thread: median (least)\n")
    variants = {"steepest": lambda: stacked(scores, target), "scikit-learn": lambda: by_scikit_learn(scores, target)}
    if with_peer:
        variants["torchmetrics"] = lambda: by_torchmetrics(scores, target)
    truth = by_scikit_learn(scores, target)
    error = (stacked(scores, target) - truth).abs().max().item()
    told = {"largest difference to scikit-learn": error}
    found = in_turn(variants, reps)
    print(
        f"{K} models, {N} samples, {C} classes: accuracy, macro precision, recall and F1 (differ by {error:.0e} at most)"
    )
    for name, seconds in found.items():
        told[f"stacked {name} ms"] = statistics.median(seconds) * 1e3
        ratio = [a / b for a, b in zip(seconds, found["steepest"])]
        print(
            shown(name, seconds, 1e3, "ms") + (f"  {statistics.median(ratio):.1f} times" if name != "steepest" else "")
        )
        told[f"stacked {name} ratio"] = statistics.median(ratio)

    one = metrics.accuracy.state(scores[0], target)
    found = in_turn({"intervals": lambda: intervals(one)}, reps)
    print(f"\n1000 replicates of {len(of_counts())} metrics of class counts, one model")
    print(shown("steepest", found["intervals"], 1e3, "ms"))
    told["intervals ms"] = statistics.median(found["intervals"]) * 1e3

    running = metrics.accuracy.running()
    variants = {"steepest: accuracy.running().update": steps(running.update, running.compute)}
    if with_peer:
        own, four = torchmetrics.classification.MulticlassAccuracy(C, average="micro"), collection()
        variants["torchmetrics: MulticlassAccuracy.update"] = steps(own.update, own.compute)
        variants["torchmetrics: the four, update"] = steps(four.update, four.compute)
        variants["torchmetrics: the four, forward"] = steps(four, four.compute)
    found = in_turn(variants, reps)
    print("\nA step of 64 x 10, the value once in 400 steps")
    for name, seconds in found.items():
        told[f"step {name} us"] = statistics.median(seconds) / STEPS * 1e6
        print(shown(name, seconds, 1e6 / STEPS, "us"))
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
