"""The command and the call that repeat the study, and the versions under which it ran."""

from __future__ import annotations

from steepest.core.declare import section
from steepest.results.records import Study

from ..blocks import Block, Code, Fact, Facts, Part
from ..names import clean, plain_lines

MOST = 20_000


@section(order=150, question="How do I repeat this?")
def repeat(study: Study) -> Block:
    plan = study.plan
    parts: list[Part] = []
    if plan.command:
        parts.append(Code(plain_lines(plan.command)[:MOST], "Command line"))
    if plan.python:
        parts.append(Code(plain_lines(plan.python)[:MOST], "Python"))
    facts = [Fact(clean(name, 30), clean(version, 60)) for name, version in list(plan.versions.items())[:24]]
    facts.append(Fact("study seed", str(plan.seed)))
    parts.append(Facts(facts))
    return Block("The same command on the same data repeats every split, start and batch order.", parts)
