"""A count of samples divided by the number of batches."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen


@check(
    code="E04",
    title="a count is divided by the number of batches",
    damage="The number is no share: it can exceed 1, and it grows with the batch size.",
    repair="Divide by the number of samples: len(loader.dataset), or a counted total.",
    bad=training(
        after="""
test_loader = DataLoader(TensorDataset(X, y), batch_size=100)
total = 0.0
model.eval()
with torch.no_grad():
    for xb, yb in test_loader:
        total += ((model(xb).argmax(1) == yb).float().sum().item())
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
        total += ((model(xb).argmax(1) == yb).float().sum().item())
print("accuracy", total / len(test_loader.dataset))
"""
    ),
    needs="source",
    certainty="proven",
    severity="error",
    source="arithmetic: a count of samples over a number of batches is no share",
)
def count_over_batches(facts: Facts) -> Iterator[Seen]:
    for line, name in facts.source.counts_over_batches() if facts.source else ():
        yield Seen(f"{name} counts samples and is divided by the number of batches", line)
