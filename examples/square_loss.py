"""Square loss or cross-entropy for digits? An article trains its classifier with MSE and SGD(lr=0.01, momentum=0.9).

    python examples/square_loss.py                      # some minutes on one core
    python examples/square_loss.py --out runs/square    # keeps the page and goes on after a kill

The article's setting is the baseline: it competes as it stands, and with its learning rate tuned like everyone's.
"""

from __future__ import annotations

from typing import Any

from study import HERE, run

STUDY: dict[str, Any] = {
    "model": f"{HERE}/nets.py:SmallCNN",
    "data": "digits",
    "losses": "cross_entropy, square",
    "optimizers": "sgd(momentum=0.9)",
    "baseline": "square + sgd(lr=0.01, momentum=0.9)",
    "epochs": 20,
    "budget": "4000epochs",
}

if __name__ == "__main__":
    run(STUDY)
