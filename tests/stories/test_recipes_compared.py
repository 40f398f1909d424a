"""The experiments that articles announce and do not give: as comparisons, with fresh seeds and an interval."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import steepest as st


class ArticlesNet(nn.Module):
    """conv 1-10 k5, pool, relu, conv 10-20 k5, pool, relu, fc 320-50-10; without the article's log_softmax, which a square loss must not see."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 10, 5), nn.Conv2d(10, 20, 5)
        self.fc1, self.fc2 = nn.Linear(320, 50), nn.Linear(50, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(torch.max_pool2d(self.conv1(x), 2))
        x = torch.relu(torch.max_pool2d(self.conv2(x), 2))
        return self.fc2(torch.relu(self.fc1(x.flatten(1))))


def digits_of_28(n: int):
    """Handwritten digits as large as the article's pictures; digits 5 to 9 are rarer."""
    rows = st.data.load("digits")
    x = nn.functional.interpolate(torch.as_tensor(rows.x, dtype=torch.float32).reshape(-1, 1, 8, 8), size=(28, 28))
    y = torch.as_tensor(rows.y)
    kept = ((y < 5) | (torch.arange(len(y)) % 3 == 0)).nonzero()[:n, 0]
    return x[kept].numpy(), y[kept].numpy()


@pytest.mark.slow  # a minute: the articles' network, four arms, 10 fresh seeds
def test_square_loss_and_cross_entropy_with_and_without_weights_of_classes_are_compared_and_not_asserted(tmp_path):
    """One article trains with MSELoss on class labels, one says that "weighted trains faster and reaches higher accuracy"."""
    results = st.compare(
        ArticlesNet,
        digits_of_28(240),
        losses="square, cross_entropy",
        weightings="none, inverse_frequency",
        optimizers="sgd(momentum=0.9)",
        schedules="constant",
        seeds=10,
        epochs=1,
        budget="100000epochs",
        progress=False,
        out=tmp_path / "study",
    )
    verdict = results.verdict
    assert len(results.table()) == 4
    assert any(word in verdict.sentence.lower() for word in ("better", "equivalent", "undecided"))
    assert "95 % CI" in verdict.sentence and "10 fresh seeds" in verdict.sentence
