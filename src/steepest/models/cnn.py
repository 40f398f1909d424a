"""A small convolutional network: `depth` blocks of convolution, rectifier and halving, then one linear layer."""

from __future__ import annotations

import math
from typing import Literal

from torch import nn

from steepest.core.domains import Count, UnitOpen
from steepest.core.errors import ModelError
from steepest.core.model import model

SMALLEST_FLAT_SIDE = 8  # a table of 16 or 25 columns is more likely a table than an image; digits are 8 x 8


@model(
    use="Images: neighbouring pixels belong together, and a shape means the same wherever it stands.",
    source="LeCun et al. 1998, doi:10.1109/5.726791",
)
def cnn(
    shape: tuple[int, ...], n_outputs: int, *, width: Count = 16, depth: Count = 2, dropout: UnitOpen = 0.0,
    norm: Literal["batch", None] = None,
) -> nn.Module:
    """(N, C, H, W), (N, H, W) or flat squares (N, S*S) with S >= 8 -> (N, n_outputs). `width`: channels at first."""
    n_channels, height, columns = image_shape(shape)
    if min(height, columns) < 2**depth:
        raise ModelError(
            where="cnn", seen=f"images of {height} x {columns} pixels and depth={depth}",
            needed=f"at least {2**depth} pixels a side were needed, for each block halves them",
            repair=f"depth={int(math.log2(min(height, columns)))} fits." if min(height, columns) > 1
            else "mlp takes any shape.",
        )
    layers: list[nn.Module] = []
    if len(shape) < 3:
        layers.append(nn.Unflatten(1, (1, height, columns) if len(shape) == 1 else (1, height)))
    for block in range(depth):
        n_maps = width * 2**block
        # No bias before BatchNorm, which would subtract it again.
        layers.append(nn.Conv2d(n_channels, n_maps, kernel_size=3, padding=1, bias=norm != "batch"))
        if norm == "batch":
            layers.append(nn.BatchNorm2d(n_maps))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        n_channels, height, columns = n_maps, height // 2, columns // 2
    layers.append(nn.Flatten())
    if dropout > 0:
        layers.append(nn.Dropout(float(dropout)))
    return nn.Sequential(*layers, nn.Linear(n_channels * height * columns, n_outputs))


def image_shape(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(C, H, W) of a sample's shape; a table is refused."""
    if len(shape) == 3:
        if shape[0] > 4 and shape[2] in (1, 3, 4):
            raise ModelError(
                where="cnn", seen=f"samples have shape {shape}, channels last",
                needed="(C, H, W), channels first, was needed",
                consequence="The rows of pixels would be taken for channels.",
                repair="x.movedim(-1, 1) puts the channels first.",
            )
        return shape[0], shape[1], shape[2]
    if len(shape) == 2:
        return 1, shape[0], shape[1]
    side = math.isqrt(shape[0]) if len(shape) == 1 else 0
    if side >= SMALLEST_FLAT_SIDE and side * side == shape[0]:
        return 1, side, side
    raise ModelError(
        where="cnn", seen=f"samples have shape {shape}",
        needed="images (C, H, W), (H, W) or flat squares of 8 x 8 pixels or more were needed",
        repair="For a table take mlp or linear." if len(shape) == 1 else "mlp takes any shape.",
    )
