"""Modules in a plain list or dictionary: the model does not know them."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..reading.structure import hidden_in_lists


@check(
    code="P01",
    title="modules stand in a plain list or dictionary",
    damage=("model.parameters() leaves them out: they are never trained, never saved, never moved to the GPU."),
    repair="nn.ModuleList([...]) or nn.ModuleDict({...}).",
    bad=training(
        model="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(8, 16), nn.Linear(16, 16)]
        self.last = nn.Linear(16, 3)

    def forward(self, x):
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
        self.layers = nn.ModuleList([nn.Linear(8, 16), nn.Linear(16, 16)])
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.last(x)

model = Net()
"""
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="https://github.com/pytorch/pytorch/issues/715; PyTorch documentation, ModuleList",
)
def modules_in_a_list(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(hidden_in_lists)
    run = facts.run
    if run is None:
        return
    owned = {id(p) for o in run.optimizers for p in o.params}
    for hidden in run.look.hidden_modules():
        loose = [p for p in hidden.params if p.requires_grad and id(p) not in owned]
        if loose and run.is_used(loose):
            yield Seen(
                f"self.{hidden.name} of {hidden.owner} holds {hidden.count} modules with {sum(p.numel() for p in loose)} parameters that "
                f"model.parameters() does not list",
                hidden.line,
            )
