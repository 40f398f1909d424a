"""A recurrent or attention layer that takes the batch for the time axis."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..reading.layout import time_for_batch
from ..seeing import number, shown


@check(
    code="D01",
    title="the layer takes the batch axis for time",
    damage=(
        "It reads the samples of a batch as one sequence: a prediction depends on its neighbours in the "
        "batch, and time is never read."
    ),
    repair="batch_first=True in the layer (or bring the input to (time, batch, features)).",
    bad=training(
        data="X = torch.randn(240, 7, 8)\ny = (X.sum(1) @ torch.randn(8, 3)).argmax(1)\n",
        model="""
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(8, 16)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])

model = Reader()
""",
    ),
    good=training(
        data="X = torch.randn(240, 7, 8)\ny = (X.sum(1) @ torch.randn(8, 3)).argmax(1)\n",
        model="""
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(8, 16, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])

model = Reader()
""",
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="https://github.com/aipixel/AEMatter/issues/3: attention with batch_first=False over batches",
)
def batch_taken_for_time(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(time_for_batch)
    run = facts.run
    for call in run.calls if run else ():
        if not call.kept or not call.is_model or not call.layers or not call.inputs:
            continue
        wrong = [
            y
            for y in call.layers
            if getattr(y.module, "batch_first", None) is False
            or not getattr(getattr(y.module, "self_attn", None), "batch_first", True)
        ]
        right = [y for y in call.layers if getattr(y.module, "batch_first", None) is True]
        n = call.inputs[0].shape[0] if call.inputs[0].dim() else 0
        wrong = [y for y in wrong if y.shapes and len(y.shapes[0]) == 3 and y.shapes[0][0] == n]
        if wrong and not right and run.look.is_batch_axis(call) and run.look.crosstalk(call) > 1e-3:
            layer, shape = wrong[0].module, wrong[0].shapes[0]
            yield Seen(
                f"{type(layer).__name__}(batch_first=False) gets {shown(shape)}: it reads {n} samples as {n} times; changing sample 0 moves the "
                f"other outputs by {number(run.look.crosstalk(call))} of their spread",
                call.place.line,
            )
            return
