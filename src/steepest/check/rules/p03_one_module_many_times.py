"""The same module several times in a container."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..reading.structure import repeated_module


@check(
    code="P03",
    title="one module stands several times in a container",
    damage=("What looks like several layers is one layer applied again and again: far fewer parameters than intended."),
    repair="nn.ModuleList([Layer() for _ in range(n)]): a comprehension builds each anew.",
    bad=training(
        model="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.layers = nn.ModuleList([nn.Linear(16, 16)] * 3)
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(self.first(x))
        for layer in self.layers:
            x = torch.relu(layer(x))
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
        self.layers = nn.ModuleList([nn.Linear(16, 16) for _ in range(3)])
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(self.first(x))
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.last(x)

model = Net()
"""
    ),
    needs="batch",
    certainty="likely",
    severity="warning",
    source="https://github.com/yaoppeng/U-Net_v2/issues/10",
)
def one_module_many_times(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(repeated_module)
    for module in facts.run.models() if facts.run else ():
        for name, container in module.named_modules():
            if type(container).__name__ not in ("ModuleList", "Sequential", "ModuleDict"):
                continue
            ids = [
                id(m) for m in container._modules.values() if m is not None and next(m.parameters(), None) is not None
            ]
            if len(ids) > len(set(ids)):
                yield Seen(
                    f"{name or 'the model'} ({type(container).__name__}) holds {len(ids)} entries and {len(set(ids))} different modules",
                    facts.run.line_of(type(module).__name__),
                )
                return
