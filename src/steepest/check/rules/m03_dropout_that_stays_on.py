"""F.dropout without training=: model.eval() does not switch it off."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen


@check(
    code="M03",
    title="dropout stays on in evaluation",
    damage="F.dropout is active unless told otherwise: predictions are random, and scores too low.",
    repair="F.dropout(x, p, training=self.training), or an nn.Dropout built in __init__.",
    bad=training(
        model="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        return self.last(F.dropout(torch.relu(self.first(x)), 0.5))

model = Net()
""",
        after="""
model.eval()
with torch.no_grad():
    print((model(X).argmax(1) == y).float().mean())
""",
    ),
    good=training(
        model="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        return self.last(F.dropout(torch.relu(self.first(x)), 0.5, training=self.training))

model = Net()
""",
        after="""
model.eval()
with torch.no_grad():
    print((model(X).argmax(1) == y).float().mean())
""",
    ),
    needs="source",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, torch.nn.functional.dropout",
)
def dropout_that_stays_on(facts: Facts) -> Iterator[Seen]:
    lines = set()
    for op in facts.run.dropouts if facts.run else ():
        active = op.value(2, "training", True)
        if active and op.place.line not in lines:
            said = facts.source.argument(op.place.line, op.name, 2, "training") if facts.source else ""
            if said != "True" or (facts.source and "torch.dropout(" in facts.source.lines[op.place.line - 1]):
                lines.add(op.place.line)
                yield Seen(
                    f"{op.name}(p={op.value(1, 'p', 0.5)}) is active though {type(op.module).__name__}.training is False",
                    op.place.line,
                )
    if facts.source:
        for line in facts.source.functional_dropout_without_training():
            if line not in lines:
                yield Seen(
                    "F.dropout in forward without training=: its default is True, whatever model.eval() says", line
                )
