"""Centralise: the gradient of each output's weights has mean zero, which takes one direction out of every layer."""

from __future__ import annotations

from torch import Tensor

from steepest.core.transform import transform


@transform(
    acts_on="gradient",
    formula="g - mean",
    use="Convolutional networks with SGD: a little regularisation without a number to tune.",
    avoid="Embeddings, and layers whose rows must be free to move together.",
    source="Yong et al. 2020, arXiv:2004.01461",
    looks_at="rows",
)
def centralise(grad: Tensor) -> Tensor:
    """Parameters of two axes or more lose the mean over all axes but the first; vectors are left as they are."""
    if grad.dim() < 3:
        return grad
    return grad - grad.mean(dim=tuple(range(2, grad.dim())), keepdim=True)
