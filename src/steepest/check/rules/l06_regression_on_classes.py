"""A regression loss on class labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import CLASSES, MLP1, NUMBERS, STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.targets import classes_as_numbers
from ..running.graph import leaf
from ..seeing import SQUARES, shown


@check(
    code="L06",
    title="a regression loss on class labels",
    damage=(
        "The numbers of the classes are names: 2 is not between 1 and 3, yet the loss pulls the output to their mean."
    ),
    repair=("Give the model one output per class and use nn.CrossEntropyLoss; for two classes nn.BCEWithLogitsLoss."),
    bad=training(
        data=CLASSES, model=MLP1, loss="loss_fn = nn.MSELoss()\n", step=STEP.replace("yb)", "yb.float().unsqueeze(1))")
    ),
    good=training(data=NUMBERS, model=MLP1, loss="loss_fn = nn.MSELoss()\n"),
    needs="batch",
    certainty="likely",
    severity="warning",
    source="https://github.com/Graylab/DL4Proteins-notebooks/issues/5: the square loss needs one-hot targets",
)
def regression_on_classes(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(classes_as_numbers)
    lines = set()
    for call in facts.run.losses if facts.run else ():
        op = call.op
        target, output = op.ref(1, "target"), op.ref(0, "input")
        if (
            op.name not in SQUARES
            or target is None
            or output is None
            or target.tensor is None
            or op.place.line in lines
        ):
            continue
        start = leaf(target)
        if start is None:
            continue
        counts = labels_on(facts, op.place.line)
        alike = 3 <= len(counts) <= 10 and min(counts) == 0 and max(counts.values()) <= 3 * min(counts.values())
        whole = (start.op is None or start.op.name in GIVEN) and (
            not start.dtype.is_floating_point or (alike and sum(counts.values()) >= 60)
        )
        values = sorted(set(target.tensor.detach().flatten().tolist())) if target.tensor.numel() < 100_000 else []
        n = len(values)
        if (
            not whole
            or not 3 <= n <= 100
            or values[0] not in (0, 1)
            or values[-1] - values[0] > 1.5 * n
            or any(v != int(v) for v in values)
        ):
            continue
        columns = len(output.shape) == 2 and output.shape[1] > 1
        if columns and len(target.shape) == 2 and target.shape == output.shape:
            continue
        lines.add(op.place.line)
        labels = f"the target holds the whole numbers {values[0]:g} ... {values[-1]:g} as class labels do ({n} of them, from {start.dtype})"
        yield Seen(
            f"{op.name} of an output {shown(output.shape)} against {shown(target.shape)}; {labels}",
            op.place.line,
            severity="error" if columns else None,
        )


def labels_on(facts: Facts, line: int) -> Counter[float]:
    """The targets of all calls of a loss on one line."""
    counts: Counter[float] = Counter()
    for call in facts.run.losses if facts.run else ():
        if call.op.place.line == line:
            counts.update(call.labels)
    return counts


GIVEN = ("tensor", "as_tensor", "from_numpy", "argmax")
"""What makes labels of an array, or of scores; numbers drawn at random may be ratings."""
