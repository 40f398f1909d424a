"""The winner to take home: its choices, and the script that trains it again without us."""

from __future__ import annotations

from steepest.core.declare import section
from steepest.results.records import Study

from ..blocks import Block, Code, Fact, Facts, Part, Text
from ..names import clean, named, plain_lines
from ..numbers import rate
from ..view import View

MOST = 60_000


@section(order=140, question="How do I use the winner?")
def winner_code(study: Study) -> Block | None:
    view = View(study)
    winner = next((a for a in study.plan.arms if view.verdict and a.name == view.verdict.winner), None)
    if winner is None or view.verdict is None:
        return None
    lr = view.chosen_rate(winner.name)
    facts = [
        Fact(
            "Loss",
            clean(winner.loss, 60),
            "" if winner.weighting == "none" else f"weighting: {clean(winner.weighting, 40)}",
        ),
        Fact("Optimizer", clean(winner.optimizer, 60)),
        Fact("Learning rate", rate(lr)),
        Fact("Schedule", clean(winner.schedule, 60), f"over {study.plan.epochs} epochs"),
    ]
    parts: list[Part] = [Facts(facts)]
    kept = next((e for e in study.events if e.kind == "weights kept" and e.arm == winner.name), None)
    if kept is not None:
        file = clean(kept.evidence.get("file", ""), 120)
        seed = clean(kept.evidence.get("seed", ""), 20)
        parts.append(Text(f"A trained one lies in the study's folder: {file}, of seed {seed}; safetensors reads it."))
    code = view.verdict.winner_code
    if code:
        parts.append(Code(plain_lines(code)[:MOST], "The whole run in plain PyTorch, nothing of ours needed"))
    else:
        parts.append(Text("No script of it is stored; `steepest eject FOLDER` writes one, or says why it cannot."))
    return Block(
        f"Train with {named(winner.name)} at learning rate {rate(lr)}, batches of {study.plan.batch_size}.", parts
    )
