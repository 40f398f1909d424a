"""A new iterator for each step: always the first batch."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import LOADER, STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.training import first_batch_again


@check(
    code="D06",
    title="next(iter(loader)) begins anew each time",
    damage=(
        "Without shuffling every step sees the same batch; with it there are no epochs, and each step "
        "pays for a new iterator."
    ),
    repair="for xb, yb in loader: ...",
    bad=training(
        loader=LOADER.replace("shuffle=True", "shuffle=False"), step="xb, yb = next(iter(loader))\n" + STEP
    ).replace("for xb, yb in loader:", "for _ in range(8):"),
    good=training(),
    needs="history",
    certainty="proven",
    severity="error",
    source="https://github.com/ZhaoJ9014/face.evoLVe/pull/39",
)
def first_batch_only(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(first_batch_again)
    for seen in facts.run.loaders if facts.run else ():
        if seen.single >= 3 and seen.single >= 0.8 * (seen.entries - 1) and facts.run.look.is_trained_on(seen):
            shuffled = type(getattr(seen.loader, "sampler", None)).__name__ != "SequentialSampler"
            line = next((p.line for p in seen.places if p.loops), seen.place.line)
            yield Seen(
                f"{seen.entries} iterators were begun and one batch drawn from each"
                + ("" if shuffled else ", always the same"),
                line,
                severity="warning" if shuffled else None,
            )
