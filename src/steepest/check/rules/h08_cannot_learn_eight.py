"""The model cannot even learn eight samples by heart."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import NUMBERS, training
from ..facts import Facts
from ..finding import Seen
from ..seeing import number

FAINT = """
class Faint(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(8, 16), nn.Linear(16, 1)

    def forward(self, x):
        return 1e-6 * self.last(torch.relu(self.first(x)))

model = Faint()
"""


@check(
    code="H08",
    title="eight samples cannot be learned by heart",
    damage=(
        "A model and loss that fit together overfit eight samples easily; if these cannot, more data and"
        " epochs will not help."
    ),
    repair=(
        "Look for a loss that does not see the targets, a saturated or dead layer, a target that the "
        "output cannot reach."
    ),
    bad=training(data=NUMBERS, model=FAINT, loss="loss_fn = nn.MSELoss()\n"),
    good=training(data=NUMBERS, model=FAINT.replace("1e-6 * ", ""), loss="loss_fn = nn.MSELoss()\n"),
    needs="gradients",
    certainty="likely",
    severity="warning",
    source="Karpathy 2019, A Recipe for Training Neural Networks: overfit one batch",
)
def cannot_learn_eight(facts: Facts) -> Iterator[Seen]:
    found = facts.run.look.eight_by_heart() if facts.run else None
    if found is not None:
        first, last, line = found
        yield Seen(
            f"on a copy, 150 steps of Adam on 8 samples took the loss from {number(first)} to {number(last)}", line
        )
