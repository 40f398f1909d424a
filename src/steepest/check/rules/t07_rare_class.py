"""A class that is rare, and nothing that makes up for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP1, training
from ..facts import Facts
from ..finding import Seen
from ..running.graph import leaf


@check(
    code="T07",
    title="a class is 20 times rarer than another",
    damage=(
        "The model that always names the frequent class is already right almost always: accuracy looks "
        "good and the rare class is never found."
    ),
    repair=(
        "Weight the classes (weight=, pos_weight=), sample them evenly, and report F1 or average "
        "precision instead of accuracy."
    ),
    bad=training(
        data="X = torch.randn(480, 8)\ny = (X[:, :1] > 2.0).float()\n",
        model=MLP1,
        loss="loss_fn = nn.BCEWithLogitsLoss()\n",
    ),
    good=training(
        data="X = torch.randn(480, 8)\ny = (X[:, :1] > 2.0).float()\n",
        model=MLP1,
        loss="loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([40.0]))\n",
    ),
    needs="batch",
    certainty="likely",
    severity="warning",
    source="He & Garcia 2009, doi:10.1109/TKDE.2008.239",
)
def rare_class(facts: Facts) -> Iterator[Seen]:
    if facts.run is None or (facts.source and facts.source.mentions(REMEDIES)):
        return
    counts: dict[int, Counter[float]] = {}
    weighted = set()
    for call in facts.run.losses:
        op = call.op
        target = op.ref(1, "target")
        if (
            op.name not in KINDS
            or target is None
            or not op.grad
            or len(target.shape) > 2
            or (len(target.shape) == 2 and target.shape[1] > 1)
        ):
            continue
        if (
            op.value(2, "weight") is not None
            or op.value(-1, "pos_weight") is not None
            or op.value(-1, "reduction", "mean") == "none"
        ):
            weighted.add(op.place.line)
        start = leaf(target)
        if start is not None and len(start.shape) > 1 and start.shape[1] > 1:
            continue
        counts.setdefault(op.place.line, Counter()).update(call.labels)
    for line, labels in counts.items():
        n, classes = sum(labels.values()), len(labels)
        whole = all(v == int(v) for v in labels)
        if line in weighted or not whole or not 2 <= classes <= 20 or n < 300 or min(labels.values()) < 2:
            continue
        ratio = max(labels.values()) / min(labels.values())
        if ratio >= 20:
            rare = min(labels, key=lambda v: labels[v])
            yield Seen(
                f"label {rare:g} stands for {labels[rare] / n:.1%} of {n} seen targets, {ratio:.0f} times rarer than the most frequent one",
                line,
            )


KINDS = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
REMEDIES = (r"WeightedRandomSampler|class_weight|pos_weight|focal|f1|auc|auroc|average_precision|recall|balanced|smote|oversampl|undersampl|"
            r"dice|resample|imbalance")  # fmt: skip
