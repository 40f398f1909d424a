"""A class label outside the classes of the model."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import CLASSES, training
from ..facts import Facts
from ..finding import Seen
from ..running.graph import origin
from ..seeing import first_kept


@check(
    code="T01",
    title="a class label outside 0 .. C-1",
    damage=(
        "On a GPU this stops with an unreadable assertion or corrupts memory; a label in the place of "
        "ignore_index is silently left out."
    ),
    repair=("Map the labels to 0 .. C-1 (y - y.min()), or give the model as many outputs as there are labels."),
    bad=training(data=CLASSES + "y = y + 1\n"),
    good=training(data=CLASSES),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, CrossEntropyLoss: target",
)
def label_outside(facts: Facts) -> Iterator[Seen]:
    lines = set()
    for seen in first_kept(facts.run) if facts.run else ():
        for op in seen.ops():
            chosen = [r.tensor for r in op.refs()][1:] if op.name == "getitem" else []
            below = [
                t
                for t in chosen
                if t is not None
                and not t.is_floating_point()
                and t.numel()
                and str(t.dtype) != "torch.bool"
                and int(t.min()) < 0
            ]
            made = origin(next(op.refs(), None))
            if (
                below
                and len(chosen) == 2
                and made is not None
                and made.name in ("log_softmax", "softmax", "linear")
                and op.place.line not in lines
            ):
                lines.add(op.place.line)
                yield Seen(
                    f"labels down to {int(below[0].min())} pick the classes from the end, without an error",
                    op.place.line,
                )
    for call in facts.run.losses if facts.run else ():
        op = call.op
        output, target = op.ref(0, "input"), op.ref(1, "target")
        if op.name not in ("cross_entropy", "nll_loss") or output is None or target is None or len(output.shape) < 2:
            continue
        if target.dtype.is_floating_point or op.place.line in lines:
            continue
        classes, skipped = output.shape[1], op.value(-1, "ignore_index", -100)
        wrong = sorted(v for v in call.labels if (v < 0 or v >= classes) and v != skipped)
        if wrong:
            lines.add(op.place.line)
            yield Seen(
                f"labels {', '.join(format(v, 'g') for v in wrong[:4])} with {classes} classes (0 ... {classes - 1})",
                op.place.line,
            )
