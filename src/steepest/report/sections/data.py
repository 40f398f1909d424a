"""What it was measured on: the data, how they were cut, the model."""

from __future__ import annotations

from typing import Any

from steepest.core.declare import section
from steepest.results.records import Study

from ..blocks import Block, Fact, Facts
from ..names import clean, listed, named
from ..numbers import amount

SIZES = (
    ("n_train", "Train", "fits the parameters"),
    ("n_select", "Select", "chooses rates and arms"),
    ("n_test", "Test", "only the confirmation looks at it"),
)


@section(order=130, question="What was it measured on?")
def data(study: Study) -> Block:
    plan, d = study.plan, study.plan.data
    facts = [Fact(title, _count(d[key]), use) for key, title, use in SIZES if d.get(key) is not None]
    if d.get("n_features") is not None:
        facts.append(Fact("Features", _count(d["n_features"])))
    if d.get("n_classes"):
        names = d.get("class_names") or []
        facts.append(Fact("Classes", _count(d["n_classes"]), listed((clean(n, 24) for n in names), 6) if names else ""))
    facts += [
        Fact("Model", clean(plan.model, 60), f"{plan.n_parameters:,} parameters" if plan.n_parameters else ""),
        Fact("Full run", f"{amount(plan.epochs)} epochs", f"batches of {plan.batch_size}"),
        Fact("Trained on", clean(plan.device, 40), clean(plan.engine, 60)),
        Fact("Fingerprint", clean(d.get("fingerprint", "unknown"), 40), "of the data, SHA-256"),
    ]
    anew = "train, select and test" if plan.resampled else "train and select"
    return Block(
        f"{named(d.get('name', 'The data'))}: {_samples(d)}{clean(plan.task, 40)}. "
        f"Every seed cuts {anew} anew, the same for all arms.",
        [Facts(facts)],
    )


def _samples(d: dict[str, Any]) -> str:
    return f"{_count(d['n_samples'])} samples, " if d.get("n_samples") is not None else ""


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else clean(value, 40)
