"""The gradient of the first layers is ten thousand times smaller than that of the last."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..seeing import number


@check(
    code="H02",
    title="the gradient vanishes on its way to the first layers",
    damage="The first layers keep their random start: depth costs and gives nothing.",
    repair=(
        "ReLU or GELU instead of sigmoid or tanh, normalisation layers, residual connections, an "
        "initialisation that suits the activation."
    ),
    bad=training(
        model="layers = []\nfor _ in range(12):\n    layers += [nn.Linear(16, 16), nn.Sigmoid()]\nmodel = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), *layers, nn.Linear(16, 3))\n"
    ),
    good=training(
        model="layers = []\nfor _ in range(4):\n    layers += [nn.Linear(16, 16), nn.ReLU()]\nmodel = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), *layers, nn.Linear(16, 3))\n"
    ),
    needs="gradients",
    certainty="proven",
    severity="error",
    source=("Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward neural networks"),
)
def gradient_vanishes(facts: Facts) -> Iterator[Seen]:
    for model, norms in facts.run.look.gradients_by_layer() if facts.run else ():
        if len(norms) < 4:
            continue
        first, last = norms[0], norms[-1]
        if last[1] > 1e-12 and first[1] < 1e-4 * last[1]:
            yield Seen(
                f"root mean square of the gradient: {number(first[1])} in {first[0]}, {number(last[1])} in {last[0]} ({model})",
                facts.run.line_of(model),
            )
