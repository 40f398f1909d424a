"""view or reshape where axes must be swapped."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import prod

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..reading.layout import axes_mixed, sizes_swapped
from ..seeing import shown


@check(
    code="D02",
    title="view does not swap axes",
    damage=(
        "It cuts the same numbers at other places: pixels or times of different channels, or of "
        "different samples, are mixed."
    ),
    repair="x.transpose(1, 2) or x.permute(...) to swap axes; view only to merge or split them.",
    bad=training(
        data="X = torch.randn(240, 7, 8)\ny = (X.sum(1) @ torch.randn(8, 3)).argmax(1)\n",
        model="class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.conv = nn.Conv1d(8, 16, 3)\n        self.head = nn.Linear(16, 3)\n\n    def forward(self, x):\n        return self.head(torch.relu(self.conv(x.view(x.shape[0], 8, 7))).mean(2))\n\nmodel = Net()\n",
    ),
    good=training(
        data="X = torch.randn(240, 7, 8)\ny = (X.sum(1) @ torch.randn(8, 3)).argmax(1)\n",
        model="class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.conv = nn.Conv1d(8, 16, 3)\n        self.head = nn.Linear(16, 3)\n\n    def forward(self, x):\n        return self.head(torch.relu(self.conv(x.transpose(1, 2))).mean(2))\n\nmodel = Net()\n",
    ),
    needs="batch",
    certainty="likely",
    severity="warning",
    source="https://github.com/reczoo/FuxiCTR/issues/30: heads split by view without a transpose",
)
def view_instead_of_transpose(facts: Facts) -> Iterator[Seen]:
    yield from facts.told(axes_mixed)
    yield from facts.read(sizes_swapped)
    lines = set()
    for op in facts.run.views if facts.run else ():
        before, after = next(op.refs()).shape, op.out_shape
        if op.place.line not in lines and is_shuffled(before, after):
            lines.add(op.place.line)
            yield Seen(
                f"{op.name} turns {shown(before)} into {shown(after)}: the same sizes stand in another order",
                op.place.line,
            )


def is_shuffled(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """The new sizes are the old ones, whole or split, but in another order."""
    short, long = sorted(([n for n in shape if n > 1] for shape in (before, after)), key=len)
    if len(short) < 2 or len(long) > 6 or 0 in short:
        return False
    return not _in_order(short, long) and _in_any_order(short, long)


def _in_order(short: list[int], long: list[int]) -> bool:
    """Neighbours of the longer list multiply to the shorter one."""
    at = 0
    for size in short:
        product = 1
        while at < len(long) and product < size:
            product *= long[at]
            at += 1
        if product != size:
            return False
    return at == len(long)


def _in_any_order(short: list[int], long: list[int]) -> bool:
    if not short:
        return not long
    for count in range(1, len(long) - len(short) + 2):
        for chosen in combinations(range(len(long)), count):
            rest = [n for i, n in enumerate(long) if i not in chosen]
            if prod(long[i] for i in chosen) == short[0] and _in_any_order(short[1:], rest):
                return True
    return False
