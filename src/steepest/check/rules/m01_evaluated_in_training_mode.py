"""A model with dropout or batch normalisation is evaluated in training mode."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen
from ..reading.training import never_evaluates


@check(
    code="M01",
    title="evaluated in training mode",
    damage=(
        "Dropout blanks units at random and batch normalisation uses the test batch (and learns from "
        "it): the score is too low, changes from run to run, and depends on the batch."
    ),
    repair="model.eval() before evaluation, model.train() before training goes on.",
    bad=training(
        model=MLP3.replace("nn.ReLU()", "nn.ReLU(), nn.Dropout(0.5)"),
        after="""
with torch.no_grad():
    print((model(X).argmax(1) == y).float().mean())
""",
    ),
    good=training(
        model=MLP3.replace("nn.ReLU()", "nn.ReLU(), nn.Dropout(0.5)"),
        after="""
model.eval()
with torch.no_grad():
    print((model(X).argmax(1) == y).float().mean())
""",
    ),
    needs="history",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, Module.eval",
)
def evaluated_in_training_mode(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(never_evaluates)
    run = facts.run
    lines = set()
    for call in run.calls if run else ():
        if call.learned or not call.training or not call.is_model or call.place.line in lines:
            continue
        active = run.look.acts_by_mode(call, True)
        if not active or not run.look.is_evaluation(call):
            continue
        lines.add(call.place.line)
        yield Seen(
            f"{type(call.module).__name__} is called with training=True ({', '.join(active)} active) and its output is compared with targets",
            call.place.line,
        )
