"""Gradients of several batches are summed and not averaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..reading.training import not_divided
from ..running.graph import Op
from ..running.record import Backward
from ..seeing import backwards_by_line, number


@check(
    code="Z05",
    title="accumulated gradients are not divided",
    damage=(
        "The gradient is k times as large as that of one large batch: as if the learning rate were k "
        "times higher (with SGD), and clipping cuts at 1/k."
    ),
    repair="(loss / k).backward(), with k the number of batches per step.",
    bad=training(
        step="""
loss = loss_fn(model(xb), yb)
loss.backward()
count += 1
if count % 4 == 0:
    optimizer.step()
    optimizer.zero_grad()
""",
        epoch="count = 0\n",
    ),
    good=training(
        step="""
loss = loss_fn(model(xb), yb) / 4
loss.backward()
count += 1
if count % 4 == 0:
    optimizer.step()
    optimizer.zero_grad()
""",
        epoch="count = 0\n",
    ),
    needs="history",
    certainty="likely",
    severity="warning",
    source="Goyal et al. 2017, arXiv:1706.02677, section 3: the gradient of a large batch is an average",
)
def accumulated_without_division(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(not_divided)
    run = facts.run
    if run is None or any(o.has_closure for o in run.optimizers):
        return
    learning = [o for o in run.optimizers if o.steps >= 2]
    if len(learning) != 1:
        return
    for line, passes in backwards_by_line(run).items():
        counts = Counter(b.step for b in passes)
        per_step = Counter(counts.values()).most_common(1)[0]
        if per_step[0] < 2 or len(counts) < 2 or per_step[1] < 2 or len(backwards_by_line(run)) > 1:
            continue
        kept = next((b for b in passes if b.op is not None), None)
        if kept is None or is_scaled(kept.op) or not _same_loop(passes):
            continue
        yield Seen(
            f"{per_step[0]} backward passes per step, and the loss (first {number(passes[0].value)}) is not divided by {per_step[0]}",
            line,
        )


def is_scaled(op: Op | None) -> bool:
    """Divided by something, or a sum to begin with."""
    for _ in range(6):
        if op is None:
            return False
        if op.name in ("div", "sum") or op.value(-1, "reduction") == "sum" or op.value(-1, "size_average") is False:
            return True
        if op.name == "mul" and any(isinstance(v, float) and abs(v) < 1 for v in op.args):
            return True
        scalars = [r.op for r in op.refs() if r.op is not None and r.shape in ((), (1,))]
        op = scalars[0] if scalars and op.name in ("add", "mul", "sub", "getitem", "squeeze") else None
    return False


def _same_loop(passes: list[Backward]) -> bool:
    """The passes of one step stand in one turn after another of a loop, and not on one line several times for several losses."""
    return all(b.place.loops for b in passes[:4])
