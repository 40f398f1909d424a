"""A metric that compares every prediction with every target."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import BINARY, MLP1, training
from ..facts import Facts
from ..finding import Seen
from ..reading.columns import compared_with_row
from ..running.graph import is_outer
from ..seeing import shown


@check(
    code="E01",
    title="a comparison broadcasts",
    damage=("(N,) against (N, 1) gives N x N answers: the accuracy is that of guessing, or far above 100 %."),
    repair="Make the shapes equal before comparing: prediction.squeeze(1) == target.",
    bad=training(
        data=BINARY,
        model=MLP1,
        loss="loss_fn = nn.BCEWithLogitsLoss()\n",
        after="""
model.eval()
with torch.no_grad():
    print(((model(X) > 0).float() == y.squeeze(1)).sum().item() / len(y))
""",
    ),
    good=training(
        data=BINARY,
        model=MLP1,
        loss="loss_fn = nn.BCEWithLogitsLoss()\n",
        after="""
model.eval()
with torch.no_grad():
    print(((model(X) > 0).float() == y).sum().item() / len(y))
""",
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="shape of the result",
)
def comparison_broadcasts(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(compared_with_row)
    lines = set()
    for op in facts.run.compares if facts.run else ():
        if (
            op.name in ("eq", "ne", "sub")
            and is_outer(op)
            and op.place.line not in lines
            and (op.name != "sub" or not op.grad)
        ):
            lines.add(op.place.line)
            shapes = [shown(r.shape) for r in op.refs()][:2]
            yield Seen(f"{' and '.join(shapes)} are compared as {shown(op.out_shape)}", op.place.line)
