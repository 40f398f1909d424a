"""The test part chooses the model."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import CLASSES, training
from ..facts import Facts
from ..finding import Seen


@check(
    code="D05",
    title="the test data choose the best model",
    damage=(
        "The best of many epochs on the test part is the luckiest: the score is too good, and nothing is"
        " left to measure with."
    ),
    repair="Choose by a third, validation part; touch the test part once at the end.",
    bad=training(
        data=CLASSES + "X_test, y_test = X[:60], y[:60]\nX, y = X[60:], y[60:]\nbest = 0.0\n",
        after_epoch="with torch.no_grad():\n    test_acc = (model(X_test).argmax(1) == y_test).float().mean().item()\nif test_acc > best:\n    best = test_acc\n    best_weights = {k: v.clone() for k, v in model.state_dict().items()}\n",
    ),
    good=training(
        data=CLASSES + "X_val, y_val = X[:60], y[:60]\nX, y = X[60:], y[60:]\nbest = 0.0\n",
        after_epoch="with torch.no_grad():\n    val_acc = (model(X_val).argmax(1) == y_val).float().mean().item()\nif val_acc > best:\n    best = val_acc\n    best_weights = {k: v.clone() for k, v in model.state_dict().items()}\n",
    ),
    needs="source",
    certainty="likely",
    severity="warning",
    source="Hastie et al. 2009, The Elements of Statistical Learning, section 7.2",
)
def test_part_chooses(facts: Facts) -> Iterator[Seen]:
    for line, name in facts.source.chosen_by_test() if facts.source else ():
        yield Seen(
            f"{name} comes from the test data and decides which weights are kept, when training stops or how fast it goes",
            line,
        )
