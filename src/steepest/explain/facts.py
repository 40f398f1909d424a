"""From a declared item to what a reader wants to know about it; everything is taken from the declaration."""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

from steepest.core.declare import Dataset, Metric, Rule, Schedule, Weighting
from steepest.core.domains import PerClass
from steepest.core.formula import Formula
from steepest.core.item import REQUIRED, Hyper, Item
from steepest.core.loss import Loss
from steepest.core.model import Model
from steepest.core.reduction import Reduction
from steepest.core.transform import Transform
from steepest.optim.memory import memory_in_words

from .curves import panels
from .find import Found
from .record import Facts, Parameter

HOUSE = Path(__file__).resolve().parent.parent.parent

EXPECTED = {
    "logits": "logits: raw scores, before any softmax or sigmoid",
    "log_probs": "log-probabilities: the model ends in log_softmax",
    "cosines": "cosines between embedding and class vectors, in [-1, 1]",
    "values": "plain numbers",
}
GIVES = {
    "class_weight": "class_weight= of a loss; the mean weight of the training samples is 1",
    "class_offset": "class_offset= of a loss: numbers that are added to the logits of each class",
    "focus": "focus= of a loss: a function of the probability that the model gives to the label",
}
DECAY = {
    "decoupled": "shrinks the weights themselves, apart from the gradient",
    "coupled": "enters the gradient, as an L2 penalty would",
    "inside": "is part of the step",
    "none": "none",
}
ACTS_ON = {
    "gradient": "the gradient, before the optimizer sees it",
    "step": "the step, before it moves the weights; a copy of the weights is kept for as long as the step takes",
    "weights": "the weights, after the step",
    "point": "where the gradient is taken: twice per step, so step(closure) is needed",
}
SYMBOLS = {
    "same": "x: prediction; y: target",
    "amounts": "x: prediction; y: target, at least 0",
    "binary": "x: logit; y: label, 0 to 1",
    "classes": "x[j]: score of class j; y: the true class; C: number of classes",
    "distribution": "x[j]: score of class j; y[j]: its true probability; C: number of classes",
}
LETTERS: dict[str, dict[str, str]] = {
    "rule": {
        "g": "gradient",
        "m": "running mean of g",
        "mhat": "running mean of g, without its start at zero",
        "v": "running mean of g²",
        "vhat": "running mean of g², without its start at zero",
        "b": "momentum buffer",
        "s": "sum of g²",
        "mu": "momentum of this step",
        "mu_next": "momentum of the next step",
        "mu_product": "product of all momenta so far",
    },
    "weighting": {
        "n": "training samples of the class",
        "p": "their share",
        "q": "probability that the model gives to the label",
    },
    "schedule": {
        "s": "step, from 0",
        "h": "steps of the run",
        "w": "steps of warmup",
        "d": "steps of decay",
        "c": "number of the cycle, from 0",
        "p": "share of the cycle that is over",
        "k": "how often the patience was over",
    },
    "transform": {
        "g": "gradient",
        "w": "weight",
        "step": "what the rule subtracts",
        "norm": "length of the whole model's gradient",
        "c": "corrected gradient",
        "v": "running sum of the steps",
        "d": "entries of the tensor",
        "n": "how many of them count",
        "average": "what the model is judged at",
        "slow": "the slow weight",
        "mean": "its mean over all axes but the first",
        "peak_lr": "the highest learning rate of the schedule",
    },
    "metric": {
        "n": "number of samples",
        "n_c": "samples of class c",
        "n_cc": "samples of class c that were found",
        "n_cp": "samples of class c that were given class p",
        "n_tc": "samples of class t that were given class c",
        "n_tp": "samples of class t that were given class p",
        "n_b": "samples in bin b",
        "p_c": "probability of class c",
        "p_y": "probability of the true class",
        "confidence_b": "mean confidence in bin b",
        "right_b": "share of right predictions in bin b",
        "x_a": "score of sample a",
        "L": "number of labels",
        "w": "weight",
        "x": "prediction",
        "y": "target",
        "mean": "mean of y",
    },
}
"""What the letters of a formula mean, by the kind of item; those that occur are told."""
NO_COMPARISON = "none: we know of no comparison that takes it in"
UNITS = {"share": "a share, shown as percent points", "": "none"}


def facts_of(found: Found, is_drawn: bool = True) -> Facts:
    """All that is declared about the item. is_drawn: its curve is computed too."""
    item = found.item
    formula = Formula.of(item)
    return Facts(
        name=item.name,
        kind=_kind(item),
        purpose=item.purpose,
        use=item.use,
        avoid=getattr(item, "avoid", ""),
        formula=formula.pretty() if formula else "",
        latex=formula.latex() if formula else "",
        details=_details(item),
        parameters=[_parameter(h) for h in item.hyper.values()],
        claims=[claim.says for claim in getattr(item, "claims", ())],
        twin=_twin(item),
        differs=list(getattr(item, "differs", {}).items()),
        source=item.source,
        file=_file(item),
        code=_code(item),
        uses=_uses(item),
        panels=panels(item, found.options) if is_drawn else [],
        namesakes=found.namesakes,
    )


def _kind(item: Item) -> str:
    if isinstance(item, Loss):
        return f"loss for {' and '.join(item.task)}"
    if isinstance(item, Rule):
        return "optimizer"
    if isinstance(item, Schedule):
        return "learning-rate schedule"
    if isinstance(item, Reduction):
        return "multiplier on top of any learning-rate schedule"
    if isinstance(item, Transform):
        return "transform, composes with every optimizer"
    if isinstance(item, Weighting):
        return "weighting of classes"
    if isinstance(item, (Metric, Dataset)):
        return f"{'metric' if isinstance(item, Metric) else 'data set'} for {item.task}"
    return item.kind


def _details(item: Item) -> list[tuple[str, str]]:
    return [*_labelled("symbols", _symbols(item)), *_of_its_kind(item)]


def _of_its_kind(item: Item) -> list[tuple[str, str]]:
    if isinstance(item, Loss):
        expected = EXPECTED.get(item.expects, item.expects)
        return [("input", expected), ("target", item.target.says), *_labelled("shapes", _note(item))]
    if isinstance(item, Rule):
        evidence = [("evidence", item.evidence or NO_COMPARISON), *_labelled("alone", item.solo_only)]
        return [
            ("weight decay", _decay(item)),
            ("memory", memory_in_words(item)),
            ("looks at", _looks(item)),
            *evidence,
        ]
    if isinstance(item, (Schedule, Reduction)):
        return _labelled("note", _note(item))
    if isinstance(item, Transform):
        memory = _memory(len(item.states)) + _beside(item)
        return [("acts on", ACTS_ON[item.acts_on]), ("memory", memory), ("note", _note(item))]
    if isinstance(item, Weighting):
        return [("gives", GIVES[item.gives]), *_labelled("shapes", _note(item))]
    if isinstance(item, Metric):
        better = "higher is better" if item.best == "max" else "lower is better"
        takes = " ".join(inspect.cleandoc(item.counts.__doc__ or "").split("\n\n")[0].split())
        intervals = "Wilson, where the value is a share of samples; else " if item.share else ""
        intervals += "DeLong" if "delong" in item.bounds else "bootstrap, corrected for bias"
        return [
            ("best", better), ("unit", UNITS.get(item.unit, item.unit)), *_labelled("takes", takes), ("interval", intervals)
        ]
    if isinstance(item, Dataset):
        return [("size", item.size), *_labelled("licence", item.licence), *_labelled("note", _note(item))]
    if isinstance(item, Model):
        given = ", ".join(_positional(item)) + ": sizes, taken from the data"
        return [("is given", given), *_labelled("shapes", _note(item))]
    return []


def _labelled(label: str, text: str) -> list[tuple[str, str]]:
    return [(label, text)] if text else []


def _note(item: Item) -> str:
    """The first paragraph of its function's docstring."""
    return " ".join(inspect.cleandoc(item.fn.__doc__ or "").split("\n\n")[0].split())


def _symbols(item: Item) -> str:
    """What the letters of its formula mean."""
    formula = getattr(item, "formula", None)
    if not formula:
        return ""
    if isinstance(item, Loss):
        said = SYMBOLS.get(item.target.name, "")
        return (
            said.replace("x: prediction", "x: logarithm of the expected amount")
            if item.expects == "log_means"
            else said
        )
    words = set(re.findall(r"[a-zA-Z_]+", formula)) - set(item.hyper)
    return ", ".join(
        f"{letter}: {meaning}" for letter, meaning in LETTERS.get(item.kind, {}).items() if letter in words
    )


def _decay(rule: Rule) -> str:
    if rule.decay == "none":
        return DECAY["none"]
    return f"{DECAY[rule.decay]}; {rule.weight_decay:g} when not given"


def _memory(n: int) -> str:
    return (
        f"{n} number{'s' if n != 1 else ''} for each parameter, {4 * n} bytes in float32"
        if n
        else "nothing beside the parameters"
    )


def _beside(item: Transform) -> str:
    """What a step holds for a while, where that is more than a few pieces."""
    return "; during a step one copy of the whole model" if item.acts_on == "point" else ""


def _looks(rule: Rule) -> str:
    return {
        "elementwise": "each number by itself",
        "matrix": "each tensor as a whole",
        "tree": "the whole model at once",
    }[rule.looks_at]


def _parameter(hyper: Hyper) -> Parameter:
    default = "required" if hyper.default is REQUIRED else f"{hyper.default!r}"
    allowed = hyper.domain.explain() if hyper.domain else "any value"
    return Parameter(hyper.name, default, allowed, hyper.search.explain() if hyper.search else "")


def _twin(item: Item) -> str:
    name = getattr(item, "equals", None)
    if not name:
        return ""
    given = ", ".join(f"{k}={v!r}" for k, v in getattr(item, "equals_with", {}).items())
    return f"{name}({given})" if given else str(name)


def _file(item: Item) -> str:
    path = Path(item.file)
    return path.relative_to(HOUSE).as_posix() if path.is_relative_to(HOUSE) else str(path)


def _code(item: Item) -> str:
    """The function itself; what its decorator declares is told in words."""
    try:
        source = textwrap.dedent(inspect.getsource(item.fn))
    except (OSError, TypeError):
        return ""
    return source[source.find("def ") :].rstrip()


def _positional(item: Item) -> list[str]:
    return [
        p.name for p in inspect.signature(item.fn).parameters.values() if p.kind is not inspect.Parameter.KEYWORD_ONLY
    ]


def _uses(item: Item) -> list[tuple[str, str]]:
    """One line of Python and one on the command line."""
    name, given = item.name, _given(item)
    option = name if not given or isinstance(item, (Metric, Dataset)) else f'"{name}({given})"'
    written: dict[type[Item], list[tuple[str, str]]] = {
        Loss: [
            ("Python", f"steepest.losses.{name}(input, target{', ' + given if given else ''})"),
            ("module", f"steepest.losses.{item.class_name}({given})"),
            ("compare", f"steepest compare --data ... --losses {option}"),
        ],
        Rule: [
            ("Python", f"steepest.optim.{item.class_name}(model.parameters(){', ' + given if given else ''})"),
            ("compare", f"steepest compare --data ... --optimizers {name}"),
        ],
        Schedule: [
            ("Python", f"steepest.schedules.{name}(step, horizon{', ' + given if given else ''})"),
            ("in torch", f"steepest.schedules.{item.class_name}(optimizer, horizon{', ' + given if given else ''})"),
            ("compare", f"steepest compare --data ... --schedules {option}"),
        ],
        Reduction: [
            ("Python", f"steepest.schedules.{name}(scores{', ' + given if given else ''})"),
            ("fit", f'steepest.fit(..., schedule="cosine + {name}", validation=0.2)'),
            ("compare", f'steepest compare --data ... --schedules "cosine, cosine + {name}"'),
        ],
        Transform: [
            ("Python", f'steepest.optim.AdamW(model.parameters(), transforms="{name}{f"({given})" if given else ""}")'),
            ("compare", f'steepest compare --data ... --optimizers "adamw, adamw + {name}{f"({given})" if given else ""}"'),
        ],
        Weighting: [
            ("Python", f"steepest.weightings.{name}(counts{', ' + given if given else ''})"),
            ("compare", f"steepest compare --data ... --weightings {option}"),
        ],
        Metric: [
            ("Python", f"steepest.metrics.{name}(prediction, target{_said(item)})"),
            ("compare", f"steepest compare --data ... --metric {name}"),
        ],
        Dataset: [("Python", f'steepest.data.load("{name}")'), ("compare", f"steepest compare --data {name}")],
        Model: [("compare", f"steepest compare {option} --data ...")],
    }
    return written.get(type(item), [])


def _said(item: Item) -> str:
    """What a metric must be told of predictions that are logits."""
    if not isinstance(item, Metric):
        return ""
    if item.asks_from_logits:
        return ", from_logits=True"
    return ", threshold=0.0" if item.task == "multilabel" and "threshold" in item.options else ""


def _given(item: Item) -> str:
    """Those without a default by example, then the first of the others at its default, to show how one is written."""
    needed = [f"{h.name}={h.domain.allowed()[0]!r}" for h in item.hyper.values() if isinstance(h.domain, PerClass)]
    first: Any = next((h for h in item.hyper.values() if h.default is not REQUIRED and h.default is not None), None)
    return ", ".join([*needed, *([f"{first.name}={first.default!r}"] if first else [])])
