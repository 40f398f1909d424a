"""A trainable tensor in an attribute that is no parameter."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..reading.structure import no_parameter


@check(
    code="P02",
    title="a trainable tensor is not registered as a parameter",
    damage="model.parameters() leaves it out: it keeps its random start for ever and is not saved.",
    repair=("self.w = nn.Parameter(...), made last: an operation after it (.to, * 0.01) yields a plain tensor."),
    bad=training(
        model="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.randn(8, 16, requires_grad=True)
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(x @ self.w)
        return self.last(x)

model = Net()
"""
    ),
    good=training(
        model="""
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.randn(8, 16))
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        x = torch.relu(x @ self.w)
        return self.last(x)

model = Net()
"""
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, Parameter",
)
def tensor_is_no_parameter(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(no_parameter)
    run = facts.run
    if run is None:
        return
    owned = {id(p) for o in run.optimizers for p in o.params}
    for hidden in run.look.loose_tensors():
        if not any(id(p) in owned for p in hidden.params):
            shape = tuple(hidden.params[0].shape)
            yield Seen(
                f"self.{hidden.name} of {hidden.owner} requires gradients {shape} and is no nn.Parameter", hidden.line
            )
