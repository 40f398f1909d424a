"""The same rows in the training and in the test part."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen


@check(
    code="D04",
    title="training and test share rows",
    damage="The test asks what was learned by heart: the score says nothing about new data.",
    repair="Split first, then resample or augment the training part only.",
    bad=training(
        data="X = torch.randn(200, 8)\nX = torch.cat([X, X[:100]])\ny = (X[:, :3]).argmax(1)\norder = torch.randperm(300)\nX, y = X[order], y[order]\ntest_loader = DataLoader(TensorDataset(X[240:], y[240:]), batch_size=30)\nX, y = X[:240], y[:240]\n",
        after="with torch.no_grad():\n    print(sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in test_loader))\n",
    ),
    good=training(
        data="X = torch.randn(300, 8)\ny = (X[:, :3]).argmax(1)\ntest_loader = DataLoader(TensorDataset(X[240:], y[240:]), batch_size=30)\nX, y = X[:240], y[:240]\n",
        after="with torch.no_grad():\n    print(sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in test_loader))\n",
    ),
    needs="source",
    certainty="proven",
    severity="error",
    source="https://github.com/scikit-learn-contrib/imbalanced-learn/issues/751",
)
def rows_on_both_sides(facts: Facts) -> Iterator[Seen]:
    if facts.source:
        for line, what, split in facts.source.resampled_before_split():
            yield Seen(f"{what} repeats rows, and the split on line {split} deals them out to both sides", line)
    if facts.run:
        for line, share, n in facts.run.look.shared_rows():
            yield Seen(f"{share:.0%} of {n} evaluated rows also stand in the training data", line)
