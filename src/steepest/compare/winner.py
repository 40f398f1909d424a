"""The weights that the confirmation leaves: one model of every finalist, kept with the study, ready to predict."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from steepest import models as catalogue
from steepest.core.errors import ModelError, StoreError
from steepest.data.standardise import Scale
from steepest.models import factory_of
from steepest.models.facts import Facts
from steepest.results.durable import atomic_write, flush_folder, sweep, unwritable
from steepest.results.records import Event, Outcome, Plan, Study
from steepest.results.store import read_study

if TYPE_CHECKING:
    from .population import Population
    from .task import Task

FOLDER = "weights"
KEPT = "weights kept"
"""The kind of the event that names a file and seals it with its SHA-256."""


# -- kept --------------------------------------------------------------------------------------------------------------


def best_weights(task: Task, plan: Plan, population: Population, outcomes: Sequence[Outcome]) -> dict[str, bytes]:
    """Of each arm the seed with the best score on its select part, so that its test score is no selection's."""
    from safetensors.torch import save

    best: dict[str, int] = {}
    for k, outcome in enumerate(outcomes):
        if not outcome.diverged and (outcome.arm not in best or _is_better(plan, outcome, outcomes[best[outcome.arm]])):
            best[outcome.arm] = k
    found = {}
    for arm, k in best.items():
        state = population.model(k).state_dict()
        # A copy each: tied weights share memory, which a file cannot.
        tensors = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
        found[arm] = save(tensors, metadata={"steepest": json.dumps(_facts(task, plan, outcomes[k]))})
    return found


def _is_better(plan: Plan, outcome: Outcome, other: Outcome) -> bool:
    """Equal scores: the lower seed, wherever the trials were cut apart."""
    sign = 1.0 if plan.best == "max" else -1.0
    return (sign * outcome.score, -outcome.seed) > (sign * other.score, -other.seed)


def _facts(task: Task, plan: Plan, outcome: Outcome) -> dict[str, Any]:
    x, y = task.scales(outcome.seed)
    scales = {"x": x} if y is None else {"x": x, "y": y}
    return {
        "arm": outcome.arm,
        "seed": outcome.seed,
        "learning_rate": outcome.learning_rate,
        "model": plan.model,
        "metric": plan.metric,
        "select_score": outcome.score,
        "test_score": outcome.test_score,
        "scales": {name: [s.mean.tolist(), s.spread.tolist()] for name, s in scales.items()},
        "facts": vars(Facts.of(task.data)),
        "kind": task.kind,
        "class_axis": 1 if task.places is None or task.places.class_axis != -1 else -1,
        "has_tokens": task.has_tokens,
    }


def better_of(plan: Plan, mine: bytes | None, other: bytes) -> bytes:
    """Of two files of one arm that of the better seed."""
    if mine is None:
        return other
    sign = 1.0 if plan.best == "max" else -1.0
    a, b = (facts_in(content) for content in (mine, other))
    return mine if (sign * a["select_score"], -a["seed"]) >= (sign * b["select_score"], -b["seed"]) else other


def keep(folder: Path, rung: str, weights: Mapping[str, bytes]) -> list[Event]:
    """Write the files, each whole or not at all, and say what is in them; the events go into the rung's transaction."""
    events = []
    for arm, content in weights.items():
        path = folder / FOLDER / file_name(arm)
        try:
            path.parent.mkdir(exist_ok=True)
            flush_folder(folder)
            sweep(path.parent)
        except OSError as error:
            raise unwritable(error, path.parent) from error
        atomic_write(path, content)
        facts = facts_in(content)
        told = {n: facts[n] for n in ("seed", "learning_rate", "select_score", "test_score")}
        reason = f"{FOLDER}/{path.name} holds the model of seed {facts['seed']}, the best on its select part"
        sealed = {"file": f"{FOLDER}/{path.name}", "sha256": hashlib.sha256(content).hexdigest()}
        events.append(Event(KEPT, rung, arm, reason, {**sealed, **told}))
    return events


def file_name(arm: str) -> str:
    """Of the arm's name, with a few digits that tell apart what is alike in letters."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", arm).strip("-")[:60]
    return f"{words}-{hashlib.sha256(arm.encode()).hexdigest()[:6]}.safetensors"


def facts_in(content: bytes) -> dict[str, Any]:
    """What a file tells of itself in its header: eight bytes of length, then JSON."""
    size = int.from_bytes(content[:8], "little")
    facts: dict[str, Any] = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["steepest"])
    return facts


# -- used --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Winner:
    """A trained model of an arm: its weights, checked, and how it was measured.

    path: a safetensors file, which `load_state_dict(safetensors.torch.load_file(path))` takes without Steepest.
    select_score chose this seed among the confirmation's; test_score is on the part that nothing chose by.
    """

    arm: str
    seed: int
    learning_rate: float
    select_score: float
    test_score: float
    path: Path
    x_scale: Scale
    y_scale: Scale | None
    class_names: tuple[str, ...] | None
    build: Callable[[], nn.Module]
    kind: str = "labels"
    class_axis: int = 1
    has_tokens: bool = False

    def model(self) -> nn.Module:
        """The module in evaluation mode. It takes standardised rows, `x_scale.apply(x)`, as in training."""
        from safetensors.torch import load_file

        model = self.build()
        try:
            model.load_state_dict(load_file(self.path))
        except RuntimeError as error:
            raise ModelError(
                where=str(self.path),
                seen=f"its weights do not fit the model ({' '.join(str(error).split())[:200]})",
                needed="the model of the study was needed",
                repair="Has its code changed since? Pass the class as it was.",
            ) from error
        return model.eval()

    def predict(self, x: Any) -> Tensor:
        """Rows in their own units (N, *) -> class numbers (N,) or of places (N, *), labels (N, L) of 0 and 1, or numbers in
        the target's own unit."""
        outputs = self.scores(x)
        if self.y_scale is not None:
            is_row = outputs.dim() <= 2
            return self.y_scale.undo(outputs.reshape(len(outputs), *self.y_scale.mean.shape) if is_row else outputs)
        if self.kind == "several labels":
            return (outputs > 0).long()
        if self.kind.startswith("one logit per"):
            return (outputs > 0).long().squeeze(self.class_axis)
        if outputs.dim() > 1 and outputs.shape[self.class_axis] > 1:
            return outputs.argmax(self.class_axis)
        return (outputs.flatten() > 0).long()

    def scores(self, x: Any) -> Tensor:
        """What the model gives for rows in their own units: logits (N, C), or standardised numbers."""
        rows = torch.as_tensor(x, dtype=torch.int64 if self.has_tokens else torch.float32)
        with torch.no_grad():
            found: Tensor = self.model()(self.x_scale.apply(rows))
        return found


def load(folder: str | Path, model: Any = None, arm: str | None = None) -> Winner:
    """The trained model of a study's folder. model: the class or function, where compare was given an object.

    arm: another finalist than the winner. StoreError where its weights are missing or not as they were written.
    """
    return winner_of(read_study(folder), Path(folder), model, arm)


def winner_of(study: Study, folder: Path, model: Any = None, arm: str | None = None) -> Winner:
    """See load; model as there."""
    kept = {e.arm: e.evidence for e in study.events if e.kind == KEPT}
    wanted = arm or (study.verdict.winner if study.verdict else None)
    if wanted not in kept:
        known = ", ".join(kept) if kept else "none: the study has no confirmation"
        raise StoreError(
            where=str(folder),
            seen=f"no weights of {wanted!r} are kept",
            needed="an arm of the confirmation was needed",
            repair=f"Kept are: {known}.",
        )
    facts = kept[str(wanted)]
    content = _sealed(folder / facts["file"], facts["sha256"])
    told = facts_in(content)
    scales = {name: Scale(torch.tensor(mean), torch.tensor(spread)) for name, (mean, spread) in told["scales"].items()}
    names = study.plan.data.get("class_names")
    return Winner(
        arm=told["arm"],
        seed=told["seed"],
        learning_rate=told["learning_rate"],
        select_score=told["select_score"],
        test_score=told["test_score"],
        path=folder / facts["file"],
        x_scale=scales["x"],
        y_scale=scales.get("y"),
        class_names=tuple(names) if names else None,
        build=_builder(study, told, model),
        kind=told.get("kind", "labels"),
        class_axis=told.get("class_axis", 1),
        has_tokens=told.get("has_tokens", False),
    )


def _builder(study: Study, told: dict[str, Any], model: Any) -> Callable[[], nn.Module]:
    """Of the study's own model, by the words in its plan unless an object is given."""
    words = told["model"]
    if model is None and ":" not in words and words.split("(")[0] not in catalogue.names():
        raise StoreError(
            where="winner",
            seen=f"the study was given an object as model ({words}), which a store does not hold",
            needed="the model was needed",
            repair=f"steepest.compare.winner.load(folder, model={words})",
        )
    factory = factory_of(words if model is None else model)
    facts = Facts(**{**told["facts"], "shape": tuple(told["facts"]["shape"])})
    return lambda: factory(facts)


def _sealed(path: Path, digest: str) -> bytes:
    repair = f"Put back a copy of {path.parent}, or run the study again in another folder (--out)."
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(
            where=str(path),
            seen=f"the weights cannot be read ({error.strerror})",
            needed="the file that the study wrote was needed",
            consequence="The verdict and the page do not need it.",
            repair=repair,
        ) from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise StoreError(
            where=str(path),
            seen=f"its {len(content):,} bytes are not those that the study wrote",
            needed="undamaged weights were needed",
            consequence="The verdict and the page do not need it.",
            repair=repair,
        )
    return content
