"""Log frequency: a class weighs 1 / log(offset + its share), so no weight exceeds a bound that offset sets."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from steepest.core.claims import ignores_data_size, rarer_weighs_more
from steepest.core.declare import weighting
from steepest.core.domains import Interval, Log


@weighting(
    formula="1/log(offset + p)",
    claims=[rarer_weighs_more, ignores_data_size],
    search={"offset": Log(1.02, 1.5)},
    use="Segmentation, where a class may be nearly absent: offset 1.02 bounds the weights at 50 before they are scaled.",
    source="Paszke et al. 2016, arXiv:1606.02147",
)
def log_frequency(counts: Tensor, *, offset: Annotated[float | Tensor, Interval(low=1.0, open_low=True)] = 1.02) -> Tensor:
    """Counts (*, C) -> (*, C)."""
    share = counts / counts.sum(-1, keepdim=True)
    return 1 / (offset + share).log()
