"""The output is the same for all inputs."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen


@check(
    code="H10",
    title="the output does not depend on the input",
    damage="Whatever is shown, the answer is the same: only the mean of the targets can be learned.",
    repair="Look for a dead or saturated layer, a factor 0, or an input that is never used in forward.",
    bad=training(
        model="class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.first = nn.Linear(8, 16)\n        self.last = nn.Linear(16, 3)\n\n    def forward(self, x):\n        h = torch.relu(self.first(x))\n        return self.last(0 * h)\n\nmodel = Net()\n"
    ),
    good=training(),
    needs="batch",
    certainty="proven",
    severity="error",
    source="outputs of a copy of the model",
)
def ignores_the_input(facts: Facts) -> Iterator[Seen]:
    for call in facts.run.calls if facts.run else ():
        if call.kept and call.learned and call.is_model and call.inputs and facts.run.look.ignores_input(call):
            yield Seen(
                f"{call.inputs[0].shape[0]} different inputs gave {call.outputs[0].shape[0]} equal outputs, and other inputs the same again",
                call.place.line,
            )
            return
