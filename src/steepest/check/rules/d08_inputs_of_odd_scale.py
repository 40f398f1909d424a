"""Inputs, or targets of a regression, far from unit scale."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import CLASSES, training
from ..facts import Facts
from ..finding import Seen
from ..running.graph import origin
from ..seeing import first_kept, losses, number


@check(
    code="D08",
    title="numbers far from unit scale",
    damage=(
        "Gradients grow with the square of the scale: units saturate or die, and no learning rate suits all of them."
    ),
    repair="Standardise with the mean and standard deviation of the training part (images: / 255).",
    bad=training(data=CLASSES + "X = 1000 * X\n"),
    good=training(data=CLASSES),
    needs="batch",
    certainty="likely",
    severity="warning",
    source="LeCun et al. 1998, Efficient BackProp, section 4.3",
)
def inputs_of_odd_scale(facts: Facts) -> Iterator[Seen]:
    run = facts.run
    lines = set()
    for seen in first_kept(run) if run else ():
        for op in seen.ops():
            if (
                op.name not in ("linear", "conv1d", "conv2d", "conv3d", "lstm", "gru", "matmul", "addmm")
                or op.module is None
            ):
                continue
            made, x = origin(op.ref(0, "input")), op.tensor(0, "input")
            first = made is None or made.module is None
            if (
                x is None
                or not first
                or not x.is_floating_point()
                or x.numel() < 16
                or op.place.line in lines
                or x.requires_grad
            ):
                continue
            size = float(x.detach().float().pow(2).mean().sqrt())
            if size > 25:
                lines.add(op.place.line)
                yield Seen(
                    f"the first layer gets numbers of mean {number(x.float().mean())} and standard deviation {number(x.float().std())}",
                    op.place.line,
                )
    for call, output, target in losses(facts, "mse_loss") if run else ():
        if target.is_floating_point() and target.numel() > 7:
            size, given = float(target.float().pow(2).mean().sqrt()), float(output.float().pow(2).mean().sqrt())
            if size > 200 and size > 50 * given and call.op.grad:
                yield Seen(
                    f"the targets have mean {number(target.mean())} and standard deviation {number(target.std())}, the outputs begin near {number(output.mean())}",
                    call.op.place.line,
                )
