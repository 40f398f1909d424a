"""Training goes on in evaluation mode after a validation."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen
from ..reading.training import stays_in_evaluation


@check(
    code="M02",
    title="trains in evaluation mode",
    damage=(
        "After the first validation dropout is off and batch statistics stand still: from the second "
        "epoch on another model is trained than the one that was designed."
    ),
    repair="model.train() at the start of each epoch.",
    bad=training(
        model=MLP3.replace("nn.ReLU()", "nn.ReLU(), nn.Dropout(0.5)"),
        epoch="pass\n",
        after_epoch="model.eval()\nwith torch.no_grad():\n    print((model(X).argmax(1) == y).float().mean())\n",
    ),
    good=training(
        model=MLP3.replace("nn.ReLU()", "nn.ReLU(), nn.Dropout(0.5)"),
        epoch="model.train()\n",
        after_epoch="model.eval()\nwith torch.no_grad():\n    print((model(X).argmax(1) == y).float().mean())\n",
    ),
    needs="history",
    certainty="proven",
    severity="error",
    source="https://github.com/fartashf/vsepp/issues/4; PyTorch documentation, Module.train",
)
def trains_in_evaluation_mode(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(stays_in_evaluation)
    run = facts.run
    before = False
    owned = {id(p) for o in run.optimizers if o.steps for p in o.params} if run else set()
    for call in run.calls if run else ():
        if not call.is_model or not call.learned:
            continue
        if call.training:
            before = True
        elif (
            (before or run.look.evaluated_before(call))
            and run.look.acts_by_mode(call, False)
            and run.steps > call.step
            and owned & {id(p) for p in call.module.parameters()}
        ):
            yield Seen(
                f"{type(call.module).__name__} is trained with training=False from step {call.step} on ({', '.join(run.look.acts_by_mode(call, False))} switched off)",
                call.place.line,
            )
            return
