"""Logit adjustment: in training each logit gets tau times the logarithm of its class's share, so that it need not hold it."""

from __future__ import annotations

from torch import Tensor

from steepest.core.claims import ignores_data_size
from steepest.core.declare import weighting
from steepest.core.domains import Linear, NonNegative


@weighting(
    formula="tau*log(p)",
    claims=[ignores_data_size],
    search={"tau": Linear(0.25, 2)},
    use="Balanced accuracy decides: as weights do, it moves the border towards common classes, and still fits separable data.",
    source="Menon et al. 2021, Long-tail learning via logit adjustment, arXiv:2007.07314",
    gives="class_offset",
)
def logit_adjustment(counts: Tensor, *, tau: NonNegative = 1.0) -> Tensor:
    """Counts (*, C) -> (*, C), for `class_offset=` of a loss of logits. Predict by the plain logits. With cross_entropy: logit_adjusted."""
    return tau * (counts / counts.sum(-1, keepdim=True)).log()
