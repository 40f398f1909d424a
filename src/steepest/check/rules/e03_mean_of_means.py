"""The mean of batch means where the last batch is smaller."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen


@check(
    code="E03",
    title="batches of different sizes count alike",
    damage=("The few samples of the last batch weigh as much as a whole batch: the score is biased by them."),
    repair=(
        "Weight by the batch size and divide by the number of samples: total += value.item() * len(xb), "
        "then total / len(dataset)."
    ),
    bad=training(
        after="""
test_loader = DataLoader(TensorDataset(X, y), batch_size=100)
total = 0.0
model.eval()
with torch.no_grad():
    for xb, yb in test_loader:
        total += ((model(xb).argmax(1) == yb).float().mean().item())
print("accuracy", total / len(test_loader))
"""
    ),
    good=training(
        after="""
test_loader = DataLoader(TensorDataset(X, y), batch_size=100)
total = 0.0
model.eval()
with torch.no_grad():
    for xb, yb in test_loader:
        total += ((model(xb).argmax(1) == yb).float().mean().item() * len(xb))
print("accuracy", total / len(y))
"""
    ),
    needs="source",
    certainty="likely",
    severity="note",
    source="https://github.com/mlcommons/training/issues/89: the last batch counts more than its rows",
)
def mean_of_means(facts: Facts) -> Iterator[Seen]:
    for line, name, evaluates in facts.source.means_of_means() if facts.source else ():
        sizes = facts.run.look.ragged() if facts.run else None
        if facts.run is not None and sizes is None:
            continue
        told = f"; the batches had {sizes[0]} and at the end {sizes[1]} samples" if sizes else ""
        yield Seen(
            f"{name} sums one mean per batch and is divided by the number of batches{told}",
            line,
            severity="warning" if sizes and evaluates else None,
        )
