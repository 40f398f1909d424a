"""A scaler or selector that was fitted to all data before the split."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen


@check(
    code="D03",
    title="a transformer is fitted before the split",
    damage="The test rows have helped to choose the scaling or the features: the score is too good.",
    repair=("Split first, then fit on the training part and transform the others with it (or use a Pipeline)."),
    bad=training(
        imports="from sklearn.model_selection import train_test_split\nfrom sklearn.preprocessing import StandardScaler\n",
        data="X = torch.randn(300, 8)\ny = (X @ torch.randn(8, 3)).argmax(1)\nX = torch.tensor(StandardScaler().fit_transform(X.numpy()))\nX, X_test, y, y_test = train_test_split(X, y, test_size=60)\n",
    ),
    good=training(
        imports="from sklearn.model_selection import train_test_split\nfrom sklearn.preprocessing import StandardScaler\n",
        data="X = torch.randn(300, 8)\ny = (X @ torch.randn(8, 3)).argmax(1)\nX, X_test, y, y_test = train_test_split(X, y, test_size=60)\nscaler = StandardScaler().fit(X.numpy())\nX = torch.tensor(scaler.transform(X.numpy()))\n",
    ),
    needs="source",
    certainty="likely",
    severity="warning",
    source="scikit-learn user guide, common pitfalls: data leakage",
)
def fitted_before_the_split(facts: Facts) -> Iterator[Seen]:
    for line, what, split in facts.source.fitted_before_split() if facts.source else ():
        yield Seen(f"{what} sees all rows, the split comes on line {split}", line)
