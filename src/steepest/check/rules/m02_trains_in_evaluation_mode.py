"""Training goes on in evaluation mode after a validation."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen
from ..running.modes import evaluated_before, switched, trained_by_optimizer



@check(
    code="M02",
    title="trains in evaluation mode",
    damage=(
        "After the first validation dropout is off and batch statistics stand still: from the second "
        "epoch on another model is trained than the one that was designed."
    ),
    repair="model.train() at the start of each epoch.",
    bad=training(model=MLP3.replace("nn.ReLU()", "nn.ReLU(), nn.Dropout(0.5)"), epoch="pass\n", after_epoch="model.eval()\nwith torch.no_grad():\n    print((model(X).argmax(1) == y).float().mean())\n"),
    good=training(model=MLP3.replace("nn.ReLU()", "nn.ReLU(), nn.Dropout(0.5)"), epoch="model.train()\n", after_epoch="model.eval()\nwith torch.no_grad():\n    print((model(X).argmax(1) == y).float().mean())\n"),
    needs="history",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, Module.train",
)
def trains_in_evaluation_mode(facts: Facts) -> Iterator[Seen]:
    run = facts.run
    before = False
    for call in run.calls if run else ():
        if not call.is_model or not call.learned:
            continue
        if call.training:
            before = True
        elif (before or evaluated_before(call, run)) and switched(call.module, training=False) and run.steps > call.step and trained_by_optimizer(call, run):
            yield Seen(f"{type(call.module).__name__} is trained with training=False from step {call.step} on ({', '.join(switched(call.module, training=False))} switched off)", call.place.line)
            return
