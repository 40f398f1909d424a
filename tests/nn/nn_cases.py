"""A batch for every loss class of steepest.nn, so that tests of weights and masks are written once for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from steepest import nn

N = 6


@dataclass(frozen=True)
class Case:
    """How to build one loss, and N items for it; `axis` is the items' axis of each argument, None where it has none."""

    name: str
    make: Callable[[], tuple[Tensor, ...]]
    options: dict[str, Any] = field(default_factory=dict)
    axes: tuple[int | None, ...] = (0, 0)
    note: str = ""
    reductions: tuple[str, ...] = ("none", "mean", "sum")
    by_count: bool = False  # torch's mean counts items, whatever they weigh

    def __str__(self) -> str:
        return self.name + (f"-{self.note}" if self.note else "")

    def loss(self, **more: Any) -> torch.nn.Module:
        torch.manual_seed(1)
        return getattr(nn, self.name)(**{**self.options, **more}).double()

    def batch(self, seed: int = 0) -> tuple[Tensor, ...]:
        torch.manual_seed(seed)
        return self.make()

    def rows(self, arguments: tuple[Tensor, ...], index: Tensor) -> tuple[Tensor, ...]:
        """The items with these indices, in this order."""
        return tuple(a if axis is None else a.index_select(axis, index) for a, axis in zip(arguments, self.axes))


def randn(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


def rand(*shape: int) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64) * 0.8 + 0.1


class Angle(torch.nn.Module):
    """A learned distance of one's own, without a gradient where a vector is zero or two are parallel."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(3))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        a, b = a * self.scale, b * self.scale
        return torch.acos((a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1)))


def signs(*shape: int) -> Tensor:
    return torch.randint(0, 2, shape).double() * 2 - 1


def labels(n_classes: int, *shape: int) -> Tensor:
    return torch.randint(0, n_classes, shape)


def rows_of_labels(n: int, c: int) -> Tensor:
    """Rows of different labels, closed by -1."""
    rows = torch.stack([torch.randperm(c) for _ in range(n)])
    rows[:, -1] = -1
    rows[::2, -2] = -1
    return rows


CLASS_WEIGHT = torch.tensor([0.5, 2.0, 1.0, 3.0], dtype=torch.float64)
ELEMENTS = {
    "L1Loss": lambda *s: (randn(*s), randn(*s)),
    "MSELoss": lambda *s: (randn(*s), randn(*s)),
    "SmoothL1Loss": lambda *s: (randn(*s), randn(*s)),
    "HuberLoss": lambda *s: (randn(*s), randn(*s)),
    "PoissonNLLLoss": lambda *s: (randn(*s), rand(*s) * 5),
    "GaussianNLLLoss": lambda *s: (randn(*s), randn(*s), rand(*s)),
    "KLDivLoss": lambda *s: (rand(*s).log(), rand(*s)),
    "BCELoss": lambda *s: (rand(*s), rand(*s)),
    "BCEWithLogitsLoss": lambda *s: (randn(*s), rand(*s)),
    "SoftMarginLoss": lambda *s: (randn(*s), signs(*s)),
    "HingeEmbeddingLoss": lambda *s: (randn(*s), signs(*s)),
    "MarginRankingLoss": lambda *s: (randn(*s), randn(*s), signs(*s)),
}


def _of_elements() -> list[Case]:
    """Losses with one value per element, on rows (N,) and on images (N, 2, 3)."""
    return [
        Case(
            name,
            make=lambda make=make, inner=inner: make(N, *inner),
            axes=(0, 0, 0),
            note="rows" if not inner else "images",
            by_count=name.startswith("BCE"),
        )
        for name, make in ELEMENTS.items()
        for inner in ((), (2, 3))
    ]


def _ctc(joined: bool) -> tuple[Tensor, ...]:
    lengths = torch.full((N,), 3)
    targets = torch.randint(1, 5, (N, 3))
    return randn(9, N, 5).log_softmax(2), targets.flatten() if joined else targets, torch.full((N,), 9), lengths


CASES = [
    *_of_elements(),
    Case("PoissonNLLLoss", lambda: (rand(N), rand(N) * 5), {"log_input": False, "full": True}, note="full"),
    Case("GaussianNLLLoss", lambda: (randn(N, 3), randn(N, 3), rand(N, 1)), {"full": True}, (0, 0, 0), "var-per-row"),
    Case("GaussianNLLLoss", lambda: (randn(N, 3), randn(N, 3), rand(N)), axes=(0, 0, 0), note="flat-var-per-row"),
    Case(
        "KLDivLoss", lambda: (randn(N, 4).log_softmax(1), randn(N, 4).log_softmax(1)), {"log_target": True}, note="logs"
    ),
    Case("CrossEntropyLoss", lambda: (randn(N, 4), labels(4, N)), note="hard"),
    Case(
        "CrossEntropyLoss", lambda: (randn(N, 4, 2), labels(4, N, 2)), {"weight": CLASS_WEIGHT}, note="weighted-images"
    ),
    Case(
        "CrossEntropyLoss",
        lambda: (randn(N, 4), labels(4, N)),
        {"weight": CLASS_WEIGHT, "label_smoothing": 0.1},
        note="smoothed",
    ),
    Case("CrossEntropyLoss", lambda: (randn(N, 4), randn(N, 4).softmax(1)), {"weight": CLASS_WEIGHT}, note="soft"),
    Case("NLLLoss", lambda: (randn(N, 4).log_softmax(1), labels(4, N)), {"weight": CLASS_WEIGHT}),
    Case("NLLLoss", lambda: (randn(N, 4, 3).log_softmax(1), labels(4, N, 3)), note="images"),
    Case(
        "LinearCrossEntropyLoss",
        lambda: (randn(N, 3), labels(4, N)),
        {"in_features": 3, "num_classes": 4, "weight": CLASS_WEIGHT},
    ),
    Case(
        "LinearCrossEntropyLoss",
        lambda: (randn(N, 3), labels(4, N, 2)),
        {"in_features": 3, "num_classes": 4, "out_features": (2,), "bias": True},
        note="two-outputs",
    ),
    Case(
        "LinearCrossEntropyLoss",
        lambda: (randn(N, 3), randn(N, 4).softmax(1)),
        {"in_features": 3, "num_classes": 4},
        note="soft",
    ),
    Case(
        "LinearCrossEntropyLoss",
        lambda: (randn(N, 3), labels(4, N)),
        {"in_features": 3, "num_classes": 4, "options": "chunks", "weight": CLASS_WEIGHT},
        note="chunks",
    ),
    Case("MultiMarginLoss", lambda: (randn(N, 4), labels(4, N)), {"weight": CLASS_WEIGHT, "p": 2}),
    Case("MultiLabelMarginLoss", lambda: (randn(N, 4), rows_of_labels(N, 4))),
    Case("MultiLabelSoftMarginLoss", lambda: (randn(N, 4), labels(2, N, 4).double()), {"weight": CLASS_WEIGHT}),
    Case("CosineEmbeddingLoss", lambda: (randn(N, 3), randn(N, 3), signs(N)), {"margin": 0.2}, (0, 0, 0)),
    Case("TripletMarginLoss", lambda: (randn(N, 3), randn(N, 3), randn(N, 3)), {"swap": True}, (0, 0, 0)),
    Case("TripletMarginWithDistanceLoss", lambda: (randn(N, 3), randn(N, 3), randn(N, 3)), {}, (0, 0, 0)),
    Case(
        "TripletMarginWithDistanceLoss",
        lambda: (randn(N, 3), randn(N, 3), randn(N, 3)),
        {"swap": True, "distance_function": Angle()},
        (0, 0, 0),
        "angles",
    ),
    Case("CTCLoss", lambda: _ctc(False), axes=(1, 0, 0, 0)),
    Case(
        "AdaptiveLogSoftmaxWithLoss",
        lambda: (randn(N, 8), labels(10, N)),
        {"in_features": 8, "n_classes": 10, "cutoffs": [3, 6]},
        reductions=("mean",),
    ),
]
if hasattr(torch.nn, "LinearCrossEntropyOptions"):
    for case in CASES:
        if case.options.get("options") == "chunks":
            case.options["options"] = nn.LinearCrossEntropyOptions(batch_chunk_size=2, chunking_method=None)
else:  # before torch 2.13
    CASES = [case for case in CASES if case.name != "LinearCrossEntropyLoss"]


def parametrize(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=str)


each_case = parametrize(CASES)


def named(*names: str) -> list[Case]:
    return [case for case in CASES if case.name in names]


def value_of(output: Any) -> Tensor:
    """The loss; the adaptive softmax returns it beside its output."""
    return output.loss if hasattr(output, "loss") else output


def value_and_gradients(
    loss: torch.nn.Module, arguments: tuple[Tensor, ...], **options: Any
) -> tuple[Tensor, list[Tensor]]:
    """The loss and the gradients of all its floating arguments and parameters; for one without a derivative, zeros."""
    leaves = [a.detach().clone().requires_grad_() if a.is_floating_point() else a for a in arguments]
    if isinstance(loss, torch.nn.SoftMarginLoss):  # torch has no derivative for its target
        leaves[1].requires_grad_(False)
    value = value_of(loss(*leaves, **options))
    wanted = [a for a in (*leaves, *loss.parameters()) if a.requires_grad]
    found = torch.autograd.grad(value.sum(), wanted, allow_unused=True)
    return value.detach(), [torch.zeros_like(a) if g is None else g for a, g in zip(wanted, found)]
