"""A term of the loss, or a part of the model, that no gradient reaches."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.graphs import plain_terms
from ..reading.reach import cut_in_forward, cut_terms, taught_nothing
from ..running.graph import Op, ancestors
from ..running.numbers_seen import source_of
from ..running.record import Run
from ..seeing import first_kept, number


@check(
    code="G02",
    title="part of the loss or of the model is cut off from the gradient",
    damage=(
        "The term changes the number that is printed and nothing else; what stands before the cut keeps "
        "its random start."
    ),
    repair=(
        "Keep it in tensors that require gradients: no .item(), .detach(), .data, numpy or argmax "
        "between the parameters and the loss."
    ),
    bad=training(
        step=STEP.replace("loss_fn(model(xb), yb)", "loss_fn(model(xb), yb) + 0.1 * model(xb).abs().mean().item()")
    ),
    good=training(step=STEP.replace("loss_fn(model(xb), yb)", "loss_fn(model(xb), yb) + 0.1 * model(xb).abs().mean()")),
    needs="gradients",
    certainty="proven",
    severity="error",
    source="https://github.com/nikhilsinghmus/image2reverb/issues/37: detach in the generator's step",
)
def term_teaches_nothing(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(plain_terms)
    yield from facts.told(cut_terms)
    yield from facts.told(taught_nothing)
    yield from facts.told(cut_in_forward)
    run = facts.run
    for seen in first_kept(run) if run else ():
        models = {id(op) for c in run.calls if c.is_model for op in c.outputs_ops}
        for op in seen.ops():
            if (
                op.module is not None
                or not op.grad
                or op.name not in ("add", "sub", "mul")
                or op.out_shape not in ((), (1,))
            ):
                continue
            for plain in (v for v in op.args if isinstance(v, float)):
                made = source_of(plain)
                if (
                    op.name != "mul"
                    and made is not None
                    and made.step == op.step
                    and any(id(a) in models for a in ancestors(made))
                ):
                    yield Seen(
                        f"the term {number(plain)} is a plain number ({made.name} on line {made.place.line})",
                        op.place.line,
                    )
            if op.name in ("add", "sub") and len(list(op.refs())) == 2:
                for ref in op.refs():
                    loose = ref.tensor is not None and not ref.tensor.requires_grad and ref.op is not None
                    other = next(r for r in op.refs() if r is not ref)
                    if loose and _was_number(ref.op, models):
                        yield Seen(
                            f"the term {number(ref.tensor)} (line {ref.op.place.line}) was read out as a plain number",
                            op.place.line,
                        )
                    elif (
                        loose
                        and other.tensor is not None
                        and other.tensor.requires_grad
                        and any(id(a) in models for a in ancestors(ref.op))
                    ):
                        yield Seen(
                            f"the term {number(ref.tensor)} (line {ref.op.place.line}) has no path to any parameter"
                            + _cut(ref.op),
                            op.place.line,
                        )
    if run is not None:
        yield from _parts_cut_off(run)


def _was_number(op: Op, models: set[int]) -> bool:
    """A tensor made of `.item()` of something that a model computed."""
    for a in ancestors(op):
        made = source_of(a.args[0]) if a.name in ("tensor", "as_tensor") and a.args else None
        if made is not None and any(id(b) in models for b in ancestors(made)):
            return True
    return False


def _parts_cut_off(run: Run) -> Iterator[Seen]:
    """Parameters of an optimizer that were used by the model in each step and got no gradient in any."""
    for o in run.optimizers:
        if not o.steps or o.has_closure:
            continue
        never = [p for p in o.params if o.unreached.get(id(p), 0) >= min(o.steps, 40)]
        if not never or len(never) == len(o.params):
            continue
        used = used_parameters(run)
        cut = [p for p in never if id(p) in used]
        if cut:
            op = used[id(cut[0])]
            yield Seen(
                f"{len(cut)} of the optimizer's {len(o.params)} parameters are used in the forward pass and never get a gradient",
                op,
            )


def used_parameters(run: Run) -> dict[int, int]:
    """id of a parameter -> the line where a recorded call with gradients used it."""
    found: dict[int, int] = {}
    for seen in run.kept():
        for op in seen.ops():
            for ref in op.refs():
                if ref.tensor is not None and ref.tensor.requires_grad and ref.op is None:
                    found.setdefault(id(ref.tensor), op.place.line)
    return found


def _cut(op: Op) -> str:
    for a in ancestors(op):
        if a.name in ("detach", "data", "argmax", "round", "sign", "tensor"):
            return f": {a.name} on line {a.place.line}"
        if not a.grad:
            return f": line {a.place.line} ran under no_grad"
    return ""
