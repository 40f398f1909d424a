"""The words of the page, for a reader who has not met them: only those that this study needs."""

from __future__ import annotations

from steepest.core.declare import section
from steepest.results.records import Study

from ..blocks import Block, Column, Name, Table

ALWAYS = {
    "arm": "A loss, a weighting, an optimizer and a schedule together: what is compared. Its learning rate is tuned, "
    "with equal means in every arm.",
    "seed": "A number that fixes how the data are cut, how the model begins, the order of the batches and the dropout, "
    "the same for all arms.",
    "trial": "One model that was trained: an arm with a learning rate and a seed.",
    "train, select, test part": "Rows to learn from, rows to choose by, and rows that only the confirmation touched.",
    "search, race, confirmation": "First learning rates are tried on short runs, then arms leave by tests on full "
    "runs, then the best meet again on fresh seeds. Claims rest on the confirmation alone.",
}
CONFIRMED = {
    "interval": "The values of the true difference that the seeds do not speak against. At 95 % it misses the truth in "
    "one of twenty studies.",
    "P(A > B)": "How likely A is ahead of B when both are trained once more, on a fresh seed; 0.50 is a coin.",
    "effect size": "The difference in units of how much it varies from seed to seed: at 1 it is as large as its spread.",
    "better": "The whole interval lies beyond the differences that do not matter.",
    "probably better": "The whole interval lies above zero, but not beyond the differences that do not matter.",
    "equivalent": "The whole interval lies inside the differences that do not matter: take either.",
    "undecided": "The interval leaves it open; more seeds would tell.",
}
SHARES = {"points": "Percent points, the unit of metrics that are shares: 97.0 % is two points above 95.0 %."}
DIVERGED = {"diverged": "The loss or a weight became infinite or no number; such a trial ranks last and is counted."}


@section(order=170, question="What do the words mean?")
def words(study: Study) -> Block | None:
    if not study.outcomes:
        return None
    told = dict(ALWAYS)
    if study.verdict is not None and study.verdict.confirmation:
        told |= CONFIRMED
    if study.plan.unit == "points":
        told |= SHARES
    if any(o.diverged for o in study.outcomes):
        told |= DIVERGED
    rows = [[Name(word), meaning] for word, meaning in told.items()]
    return Block(
        "Every word has one meaning on this page.", [Table([Column("Word"), Column("Meaning", wide=True)], rows)]
    )
