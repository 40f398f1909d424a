"""ReduceLROnPlateau watches a loss with mode=max, or a score with mode=min."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import ADAM, training
from ..facts import Facts
from ..finding import Seen
from ..reading.rates import kind_of, plateau_turned_round
from ..running.graph import origin
from ..running.numbers_seen import source_of
from ..seeing import SQUARES


@check(
    code="S02",
    title="the plateau looks the wrong way",
    damage="Progress counts as standstill: the learning rate falls just when training goes well.",
    repair='mode="min" for a loss or an error, mode="max" for accuracy and the like.',
    bad=training(
        optimizer=ADAM + "scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode='max')\n",
        after_epoch="scheduler.step(loss.item())\n",
    ),
    good=training(
        optimizer=ADAM + "scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode='min')\n",
        after_epoch="scheduler.step(loss.item())\n",
    ),
    needs="history",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, ReduceLROnPlateau: mode",
)
def plateau_of_wrong_mode(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(plateau_turned_round)
    lines = set()
    for event in facts.run.schedules if facts.run else ():
        if type(event.of).__name__ != "ReduceLROnPlateau" or event.place.line in lines:
            continue
        spelled = facts.source.argument(event.place.line, "step", 0, "metrics") if facts.source else ""
        kind = kind_of(spelled) or made_by_loss(event.data["given"])
        if (kind, event.of.mode) in (("loss", "max"), ("score", "min")):
            lines.add(event.place.line)
            yield Seen(
                f"mode={event.of.mode!r} and step({spelled or format(float(event.data['given']), '.4g')}): that is a {kind}",
                event.place.line,
            )


def made_by_loss(given: object) -> str:
    """A number that was read from the result of a loss."""
    made = source_of(given)
    found = origin(next(made.refs(), None)) if made is not None else None
    return (
        "loss"
        if found is not None
        and found.name in ("cross_entropy", "nll_loss", *SQUARES, "binary_cross_entropy_with_logits")
        else ""
    )
