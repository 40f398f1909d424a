"""Trainable parameters that get gradients and belong to no optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..reading.parameters import forgotten_attribute, forgotten_module


@check(
    code="O01",
    title="parameters that no optimizer updates",
    damage="They get gradients and keep their random start: part of the model never learns.",
    repair=(
        "Give the optimizer all of them: list(a.parameters()) + list(b.parameters()); freeze what shall "
        "stay with requires_grad_(False)."
    ),
    bad=training(
        model="body = nn.Sequential(nn.Linear(8, 16), nn.ReLU())\nhead = nn.Linear(16, 3)\nmodel = nn.Sequential(body, head)\n",
        optimizer="optimizer = torch.optim.Adam(head.parameters())\n",
    ),
    good=training(
        model="body = nn.Sequential(nn.Linear(8, 16), nn.ReLU())\nhead = nn.Linear(16, 3)\nmodel = nn.Sequential(body, head)\n",
        optimizer="optimizer = torch.optim.Adam(list(body.parameters()) + list(head.parameters()))\n",
    ),
    needs="gradients",
    certainty="proven",
    severity="error",
    source="https://github.com/zjunlp/HVPNeT/issues/5",
)
def parameter_without_optimizer(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(forgotten_module)
    yield from facts.read(forgotten_attribute)
    run = facts.run
    if run is None or not any(o.steps for o in run.optimizers):
        return
    missing = run.look.without_optimizer()
    if missing and not run.look.stale_in_optimizer():
        names = [n for n, _ in missing]
        yield Seen(
            f"{len(missing)} tensors with {sum(p.numel() for _, p in missing)} numbers get gradients and are in no optimizer: "
            f"{', '.join(names[:4])}{' ...' if len(names) > 4 else ''}",
            run.optimizers[-1].place.line,
        )
