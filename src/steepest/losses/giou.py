"""GIoU, DIoU, CIoU: one minus the overlap of two boxes, with terms that still pull when they do not touch."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from steepest.core.claims import bounded, minimum_at_target, nonnegative, zero_at_target
from steepest.core.declare import loss
from steepest.core.targets import boxes


def _sizes(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(share of the union that is common, union's area, hull's sides (N, 2, *), vector between the centres (N, 2, *))."""
    common = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).relu()
    hull = (torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])).relu()
    inside = common[:, 0] * common[:, 1]
    areas = [(box[:, 2] - box[:, 0]).relu() * (box[:, 3] - box[:, 1]).relu() for box in (a, b)]
    union = areas[0] + areas[1] - inside
    apart = (a[:, :2] - b[:, :2] + a[:, 2:] - b[:, 2:]) / 2
    return _ratio(inside, union), union, hull, apart


def _ratio(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, 0 where there is no whole."""
    return torch.where(whole > 0, part / torch.where(whole > 0, whole, 1.0), 0.0)


def _plain_overlap(a: Any, b: Any) -> tuple[float, float]:
    """(intersection over union, union)."""
    inside = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = sum(max(0.0, c[2] - c[0]) * max(0.0, c[3] - c[1]) for c in (a, b)) - inside
    return inside / union, union


def _plain_giou(x: Any, y: Any) -> list[float]:
    values = []
    for a, b in zip(x, y):
        share, union = _plain_overlap(a, b)
        hull = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
        values.append(1 - share + (hull - union) / hull)
    return values


@loss(
    slow=_plain_giou,
    target=boxes,
    claims=[nonnegative, zero_at_target, minimum_at_target, bounded(2)],
    task="detection",
    good_for=["default"],
    use="Boxes, judged by their overlap; boxes that do not touch are pulled together.",
    avoid="One box inside the other: the hull is then the larger box and nothing says where to move; then diou.",
    differs={
        "torchvision.ops.generalized_box_iou_loss": "coordinates on the last axis, ours on axis 1; adds 1e-7 to what "
        "it divides by; its default reduction is none, ours mean",
    },
    source="Rezatofighi et al. 2019, arXiv:1902.09630",
    class_name="GIoU",
)
def giou(input: Tensor, target: Tensor) -> Tensor:
    """Boxes (N, 4, *) as x1, y1, x2, y2 -> (N, *), in 0..2. A box whose corners are exchanged has no area."""
    share, union, hull, _ = _sizes(input, target)
    area = hull[:, 0] * hull[:, 1]
    return (1 - share) + _ratio((area - union).relu(), area)


def _plain_diou(x: Any, y: Any) -> list[float]:
    values = []
    for a, b in zip(x, y):
        far = (max(a[2], b[2]) - min(a[0], b[0])) ** 2 + (max(a[3], b[3]) - min(a[1], b[1])) ** 2
        centres = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2
        values.append(1 - _plain_overlap(a, b)[0] + centres / far)
    return values


@loss(
    slow=_plain_diou,
    target=boxes,
    claims=[nonnegative, zero_at_target, minimum_at_target],
    task="detection",
    use="Boxes, judged by their overlap; faster than giou, since the centres are pulled together directly.",
    avoid="Boxes with the same centre that differ in shape: only the overlap pulls then, as in giou.",
    differs={
        "torchvision.ops.distance_box_iou_loss": "coordinates on the last axis, ours on axis 1; adds 1e-7 to what it "
        "divides by; its default reduction is none, ours mean",
    },
    source="Zheng et al. 2020, arXiv:1911.08287",
    class_name="DIoU",
)
def diou(input: Tensor, target: Tensor) -> Tensor:
    """Boxes (N, 4, *) as x1, y1, x2, y2 -> (N, *), in 0..2 for real boxes. A box whose corners are exchanged has no area."""
    share, _, hull, apart = _sizes(input, target)
    return (1 - share) + _ratio(apart.square().sum(1), hull.square().sum(1))


def _plain_shape(a: Any, b: Any) -> float:
    """How far the diagonals of two boxes differ in direction, in right angles, squared."""
    angles = [math.atan2(max(0.0, c[2] - c[0]), max(0.0, c[3] - c[1])) for c in (a, b)]
    return (2 / math.pi * (angles[0] - angles[1])) ** 2


def _plain_ciou(x: Any, y: Any, still: Any = None) -> list[float]:
    values = []
    for a, b, before, diou in zip(x, y, still or x, _plain_diou(x, y)):
        shape, then = _plain_shape(a, b), _plain_shape(before, b)
        lost = 1 - _plain_overlap(before, b)[0]
        values.append(diou + (then / (lost + then) * shape if then > 0 else 0.0))
    return values


@loss(
    slow=_plain_ciou,
    target=boxes,
    claims=[nonnegative, zero_at_target, minimum_at_target],
    task="detection",
    use="Boxes whose shape matters too: besides diou's pull the ratio of width to height is made that of the target.",
    avoid="Where boxes are so small that a pixel turns their shape, or predicted corners may be exchanged; take diou or giou.",
    source="Zheng et al. 2020, arXiv:1911.08287",
    differs={"torchvision complete_box_iou_loss": "adds 1e-7 to the denominators; the mean is not the default there"},
    holds="the weight of the shape term, as otherwise less overlap would be a way to a lower value",
    class_name="CIoU",
)
def ciou(input: Tensor, target: Tensor) -> Tensor:
    """Boxes (N, 4, *) as x1, y1, x2, y2 -> (N, *). diou + a * shape, a = shape / (1 - overlap + shape), held still.

    shape is (2 / pi times the difference of the diagonals' angles) squared. A box whose corners are exchanged has no area.
    """
    share, _, hull, apart = _sizes(input, target)
    shape = (2 / math.pi * (_angle(input) - _angle(target))).square()
    lost = 1 - share
    weight = _ratio(shape, lost + shape).detach()
    return lost + _ratio(apart.square().sum(1), hull.square().sum(1)) + weight * shape


def _angle(box: Tensor) -> Tensor:
    """Of the diagonal, from the upright: atan(width / height); 0 for a box without any size, where it has no slope."""
    width, height = (box[:, 2] - box[:, 0]).relu(), (box[:, 3] - box[:, 1]).relu()
    is_point = (width == 0) & (height == 0)
    return torch.atan2(torch.where(is_point, 0.0, width), torch.where(is_point, 1.0, height))
