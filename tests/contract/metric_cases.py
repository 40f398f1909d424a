"""Predictions, targets and weights for any metric, by what its tally reads, and what its oracle makes of them."""

from __future__ import annotations

import importlib
import inspect
import warnings

import numpy as np
import torch


def rows(metric, n, k, seed, n_classes=4):
    """Predictions of k models (k, n, ...), what the oracle reads of them, targets, weights."""
    g = torch.Generator().manual_seed(seed)
    weight = torch.rand(n, generator=g, dtype=torch.float64) + 0.1
    reads = metric.tally.reads
    if reads == "numbers":  # above 0, so that every domain of a target holds them
        target = 3 + torch.randn(n, generator=g, dtype=torch.float64).abs()
        prediction = target * (0.5 + torch.rand(k, n, generator=g, dtype=torch.float64))
        return prediction, prediction, target, weight
    scores = torch.randn(k, n, n_classes, generator=g, dtype=torch.float64)
    if reads in ("label decisions", "label scores"):
        given = scores > 0.3 if reads == "label decisions" else scores
        return given, given, torch.rand(n, n_classes, generator=g) < 0.4, weight
    target = torch.randint(n_classes, (n,), generator=g)
    if reads == "classes":
        return scores, scores.argmax(-1), target, weight
    return scores.softmax(-1), scores.softmax(-1), target, weight


def options(metric):
    """What must be said when these rows are counted."""
    return {"from_logits": False} if metric.asks_from_logits else {}


def value(metric, prediction, target, weight=None, **hyper):
    return metric(prediction, target, weight, **options(metric), **hyper)


def state(metric, prediction, target, weight=None):
    return metric.state(prediction, target, weight, **options(metric))


def oracle_of(metric):
    """The declared twin, or the slow form, as a function (target, prediction, weight, **hyper) -> float."""
    if metric.equals is None:
        return lambda target, prediction, weight=None: metric.slow(
            prediction.tolist(), target.tolist(), [1.0] * len(target) if weight is None else weight.tolist()
        )
    module, _, name = metric.equals.rpartition(".")
    twin = getattr(importlib.import_module(module), name)

    def call(target, prediction, weight=None, **hyper):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn warns where a class was never predicted
            sample_weight = None if weight is None else np.asarray(weight)
            given = {**metric.equals_with, **hyper}
            if "sample_weight" in inspect.signature(twin).parameters:
                given["sample_weight"] = sample_weight
            return float(twin(np.asarray(target), np.asarray(prediction), **given))

    return call
