"""Does weighting the MSE help on handwritten digits? An article says: faster and higher accuracy; it gives no numbers.

    python examples/weighted_mse.py                     # some minutes on one core

Plain MSE on one-hot targets against two that are weighted: the column of the true class counts as much as the nine
others together (scale=9), or each class counts by its inverse frequency.
"""

from __future__ import annotations

from typing import Any

from study import HERE, run

STUDY: dict[str, Any] = {
    "model": f"{HERE}/nets.py:SmallCNN",
    "data": "digits",
    "losses": "square, square(scale=9.0)",
    "weightings": "none, inverse_frequency",
    "optimizers": "sgd(momentum=0.9)",
    "baseline": "square + sgd(momentum=0.9)",
    "epochs": 20,
    "budget": "12000epochs",
}

if __name__ == "__main__":
    run(STUDY)
