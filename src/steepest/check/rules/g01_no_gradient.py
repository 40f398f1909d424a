"""No trainable parameter gets a gradient."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.graphs import cut_off
from ..reading.reach import all_cut
from ..reading.targets import fixed_number
from ..reading.training import never_backward
from ..running.record import Backward, Run
from ..seeing import number


@check(
    code="G01",
    title="no parameter gets a gradient from the loss",
    damage="The loss is a constant for the optimizer: nothing can ever be learned.",
    repair=(
        "Find what cuts the graph: .item(), .detach(), .data, .numpy(), argmax, torch.no_grad, torch.tensor(result)."
    ),
    bad=training(step=STEP.replace("model(xb), yb)", "model(xb).detach().requires_grad_(), yb)")),
    good=training(),
    needs="gradients",
    certainty="proven",
    severity="error",
    source="https://github.com/pytorch/pytorch/issues/1339: no gradient through argmax",
)
def no_gradient(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(fixed_number)
    yield from facts.read(cut_off)
    yield from facts.read(never_backward)
    yield from facts.read(all_cut)
    run = facts.run
    if run is None:
        return
    for seen in run.backwards[:20]:
        if "does not require grad" in seen.error or (not seen.requires_grad and seen.error):
            yield Seen(
                f"backward() fails: the loss ({number(seen.value)}) depends on no parameter" + _cut(seen, run),
                seen.place.line,
            )
            return
    yield from _never_backward(run)
    owned = {id(p) for o in run.optimizers for p in o.params}
    if not owned:
        return
    passes = [b for b in run.backwards[:40] if b.leaves or b.requires_grad]
    reached = {key for b in passes for key in b.norms}
    if (
        len(passes) >= 2
        and not reached & owned
        and run.steps
        and not any(id(p) in owned for b in passes for p in b.leaves)
    ):
        if any(p.grad is not None for o in run.optimizers for p in o.params) or _others_learn(run, passes):
            return
        yield Seen(
            f"{len(passes)} backward passes reached none of the {len(owned)} parameters of the optimizer"
            + _cut(passes[0], run),
            passes[0].place.line,
        )


def _never_backward(run: Run) -> Iterator[Seen]:
    """Steps without a single backward pass, and nobody fills the gradients by hand."""
    steps = [e for e in run.events if e.kind == "step"]
    if run.backwards or len(steps) < 2 or any(o.has_closure for o in run.optimizers):
        return
    if any(e.kind == "grad" for e in run.events) or any(p.grad is not None for o in run.optimizers for p in o.params):
        return
    yield Seen(
        f"{run.steps} steps were taken and backward() was never called: no parameter has a gradient",
        steps[0].place.line,
    )


def _others_learn(run: Run, passes: list[Backward]) -> bool:
    """The loss reaches parameters, only not those of the optimizer: that is another mistake."""
    parameters = {id(p) for m in run.models() for p in m.parameters()}
    return any(id(p) in parameters for b in passes for p in b.leaves)


def _cut(seen: Backward, run: Run) -> str:
    """The call that cut the graph, where it can be named."""
    for op in seen.ops():
        if op.name in ("detach", "data", "argmax", "tensor", "round", "sign") and any(
            r.op is not None for r in op.refs()
        ):
            return f"; {op.name} on line {op.place.line} cuts it off"
    if seen.op is None:
        return "; it was made of plain numbers"
    if any(not op.grad for op in seen.ops()):
        return "; part of it was computed under no_grad"
    return ""
