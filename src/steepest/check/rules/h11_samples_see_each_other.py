"""A sample's output depends on the other samples of its batch, also in evaluation mode."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..seeing import number


@check(
    code="H11",
    title="samples of a batch see each other",
    damage=(
        "A prediction depends on who else is in the batch: scores change with the batch size, and single"
        " samples cannot be predicted."
    ),
    repair=(
        "Look for a view, softmax, mean or norm over axis 0, or for an axis that is taken for the batch and is not."
    ),
    bad=training(
        model="class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.first = nn.Linear(8, 16)\n        self.last = nn.Linear(16, 3)\n\n    def forward(self, x):\n        h = torch.relu(self.first(x))\n        return self.last(h - h.mean(0))\n\nmodel = Net()\n"
    ),
    good=training(),
    needs="batch",
    certainty="proven",
    severity="error",
    source="https://github.com/aipixel/AEMatter/issues/3: samples of a batch read as one sequence",
)
def samples_see_each_other(facts: Facts) -> Iterator[Seen]:
    run = facts.run
    for call in run.calls if run else ():
        if (
            call.kept
            and call.learned
            and call.is_model
            and call.inputs
            and run.look.is_batch_axis(call)
            and run.look.crosstalk(call) > 1e-3
        ):
            yield Seen(
                f"changing sample 0 moves the outputs of the others by {number(run.look.crosstalk(call))} of their spread, in evaluation mode",
                call.place.line,
            )
            return
