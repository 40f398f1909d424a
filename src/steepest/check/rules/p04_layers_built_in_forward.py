"""Layers with weights, or dropout, built inside forward."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..reading.structure import built_in_forward


@check(
    code="P04",
    title="layers are built inside forward",
    damage=(
        "Each call begins with new random weights that no optimizer knows; a dropout built there is never switched off."
    ),
    repair="Build them in __init__ and only call them in forward.",
    bad=training(
        model="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        pass
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(nn.Linear(8, 16)(x))
        return self.last(x)

model = Net()
"""
    ),
    good=training(
        model="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(self.first(x))
        return self.last(x)

model = Net()
"""
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="https://github.com/wangyida/softpool/issues/11",
)
def layers_built_in_forward(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(built_in_forward)
    lines: dict[int, set[int]] = {}
    names = {}
    for number, call in enumerate(facts.run.calls if facts.run else ()):
        for module, line in call.built:
            dropout = "Dropout" in type(module).__name__ and getattr(module, "p", 0) > 0
            own = any(p is not None for p in module._parameters.values())
            if (own or dropout) and not type(module).__module__.startswith("torch.nn.modules.loss"):
                lines.setdefault(line, set()).add(number)
                names[line] = type(module).__name__
    for line, calls in lines.items():
        if len(calls) >= 2:
            yield Seen(f"{names[line]} is built anew in each call of the model ({len(calls)} times so far)", line)
