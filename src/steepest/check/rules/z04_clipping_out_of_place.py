"""Gradients are clipped before they are there, or after the step."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import STEP, training
from ..facts import Facts
from ..finding import Seen
from ..reading.training import clipping_misplaced
from ..running.record import Event


@check(
    code="Z04",
    title="clipping has no effect",
    damage=(
        "Before backward() there is nothing to clip, after step() it is too late: the spikes that it "
        "should stop go through."
    ),
    repair="Order: backward, clip_grad_norm_, step.",
    bad=training(step=STEP + "nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"),
    good=training(
        step=STEP.replace("optimizer.step()", "nn.utils.clip_grad_norm_(model.parameters(), 1.0)\noptimizer.step()")
    ),
    needs="history",
    certainty="proven",
    severity="warning",
    source="PyTorch documentation, automatic mixed precision examples: gradient clipping",
)
def clipping_out_of_place(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(clipping_misplaced)
    run = facts.run
    by_line: dict[int, list[Event]] = {}
    for clip in run.clips if run else ():
        if clip.data:
            by_line.setdefault(clip.place.line, []).append(clip)
    for line, clips in by_line.items():
        late = [c for c in clips if c.data["backward"] == 0 and c.data["steps"]]
        early = [c for c in clips if c.data["empty"] and not c.data["steps"]]
        if len(late) >= 2 and len(late) >= 0.5 * len(clips) or (early and len(clips) == 1):
            yield Seen(
                f"{len(late) or len(early)} of {len(clips)} calls of clip_grad came when no backward pass had followed the last step",
                line,
            )
