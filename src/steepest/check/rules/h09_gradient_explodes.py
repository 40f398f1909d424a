"""A gradient so large that one step destroys the weights."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..seeing import number


@check(
    code="H09",
    title="the gradient explodes",
    damage="One step moves weights by many times their own size: what was learned is gone.",
    repair=(
        "nn.utils.clip_grad_norm_(model.parameters(), 1.0) between backward and step; normalisation; a "
        "smaller initialisation."
    ),
    bad=training(
        loss="loss_fn = nn.MultiMarginLoss()\n",
        model="layers = []\nfor _ in range(8):\n    layers += [nn.Linear(16, 16), nn.ReLU()]\nmodel = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), *layers, nn.Linear(16, 3))\nfor p in model.parameters():\n    nn.init.normal_(p, std=3.0)\n",
    ),
    good=training(),
    needs="gradients",
    certainty="proven",
    severity="warning",
    source="Pascanu et al. 2013, arXiv:1211.5063",
)
def gradient_explodes(facts: Facts) -> Iterator[Seen]:
    for model, norms in facts.run.look.gradients_by_layer() if facts.run else ():
        largest = max(norms, key=lambda n: n[1])
        if largest[1] > 1e4:
            yield Seen(
                f"root mean square of the gradient of {largest[0]}: {number(largest[1])} per weight ({model})",
                facts.run.line_of(model),
            )
