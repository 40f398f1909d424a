"""A random split of windows that overlap."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP1, training
from ..facts import Facts
from ..finding import Seen


@check(
    code="D09",
    title="overlapping windows are split at random",
    damage=(
        "Nearly every test window shares most of its values with a training window: the score tells how "
        "well it remembers."
    ),
    repair="Split by time: cut the series first, then make windows of each part.",
    bad=training(
        imports="from torch.utils.data import random_split\n",
        data="series = torch.randn(320).cumsum(0) / 10\nX = series.unfold(0, 8, 1)[:300]\ny = series[8:308].unsqueeze(1)\ntrain_set, test_set = random_split(TensorDataset(X, y), [240, 60])\n",
        loader="loader = DataLoader(train_set, batch_size=24, shuffle=True)\n",
        model=MLP1,
        loss="loss_fn = nn.MSELoss()\n",
    ),
    good=training(
        data="series = torch.randn(320).cumsum(0) / 10\nX = series[:250].unfold(0, 8, 1)[:240]\ny = series[8:248].unsqueeze(1)\n",
        model=MLP1,
        loss="loss_fn = nn.MSELoss()\n",
    ),
    needs="source",
    certainty="likely",
    severity="warning",
    source="https://github.com/Y-debug-sys/Diffusion-TS/issues/67",
)
def overlapping_windows(facts: Facts) -> Iterator[Seen]:
    watched = facts.run.look.overlapping_split() if facts.run else []
    for line, share in watched:
        yield Seen(
            f"{share:.0%} of neighbouring rows of the data set overlap by all but one value, and the split takes rows at random",
            line,
        )
    for line, why in facts.source.windows_split_at_random() if facts.source and not watched else ():
        yield Seen(why, line)
