"""A study as an Optuna study, for its dashboard, its plots and whoever works with it."""

from __future__ import annotations

import math
import os
import warnings
from typing import Any

from steepest.core.errors import UsageError

from .records import Outcome, Study
from .tables import phase_of


def to_optuna(study: Study, storage: Any = None, name: str | None = None) -> Any:
    """An optuna.Study with every trial: its parameters, its score on the select part as value, its curve.

    storage: the path of a journal file ("study.log"), which is written faster than SQLite and which its dashboard
    reads; or as optuna.create_study takes it ("sqlite:///study.db"); in memory when not given. name: of the study
    there; model, data and seed when not given. A diverged trial has no value and the state FAIL. User attributes: of a
    trial arm, rung, phase, epochs, test_score and the metrics beside; of the study the verdict. Learning rates of
    different arms are one parameter; rungs have different lengths, see epochs.
    Raises UsageError where optuna is not installed, or the storage has a study of that name.
    """
    optuna = _optuna()
    plan = study.plan
    title = name or f"{plan.model} on {plan.data['name']}, seed {plan.seed}"
    try:
        made = optuna.create_study(
            storage=_storage(optuna, storage),
            study_name=title,
            direction="maximize" if plan.best == "max" else "minimize",
        )
    except optuna.exceptions.DuplicatedStudyError as error:
        raise UsageError(
            where="to_optuna",
            seen=f"the storage has a study called {title!r} already",
            needed="a name that is free was needed",
            repair='Give another one: to_optuna(storage, name="...").',
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        made.set_metric_names([plan.metric])
    distributions = _distributions(optuna, study)
    made.add_trials([_trial(optuna, study, outcome, distributions) for outcome in study.outcomes])
    for key, value in _facts(study).items():
        made.set_user_attr(key, value)
    return made


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise UsageError(
            where="to_optuna",
            seen="optuna is not installed",
            needed="it was needed",
            repair="pip install 'steepest[optuna]'",
        ) from error
    return optuna


def _storage(optuna: Any, asked: Any) -> Any:
    """A path is a journal; all else is Optuna's to read."""
    if not isinstance(asked, os.PathLike) and not (isinstance(asked, str) and "://" not in asked):
        return asked
    journal = optuna.storages.journal
    return optuna.storages.JournalStorage(journal.JournalFileBackend(os.fspath(asked)))


def _distributions(optuna: Any, study: Study) -> dict[str, Any]:
    """What the study chose from: words, and learning rates between the least and the largest that were tried."""
    arms, rates = study.plan.arms, [o.learning_rate for o in study.outcomes] or [1.0]
    found = {
        what: optuna.distributions.CategoricalDistribution(list(dict.fromkeys(getattr(a, what) for a in arms)))
        for what in ("loss", "weighting", "optimizer", "schedule")
    }
    found["learning_rate"] = optuna.distributions.FloatDistribution(min(rates), max(rates), log=min(rates) > 0)
    found["seed"] = optuna.distributions.IntDistribution(0, max((o.seed for o in study.outcomes), default=0))
    return found


def _trial(optuna: Any, study: Study, outcome: Outcome, distributions: dict[str, Any]) -> Any:
    arm = study.plan.arm(outcome.arm)
    failed = outcome.diverged or not math.isfinite(outcome.score)
    states = optuna.trial.TrialState
    beside = {f"metric.{n}": v for n, v in outcome.metrics.items() if math.isfinite(v)}
    attributes = {"arm": arm.name, "rung": outcome.rung, "phase": phase_of(study, outcome), "epochs": outcome.epochs}
    if outcome.test_score is not None and math.isfinite(outcome.test_score):
        attributes["test_score"] = outcome.test_score
    return optuna.trial.create_trial(
        state=states.FAIL if failed else states.COMPLETE,
        value=None if failed else outcome.score,
        params={
            "loss": arm.loss,
            "weighting": arm.weighting,
            "optimizer": arm.optimizer,
            "schedule": arm.schedule,
            "learning_rate": outcome.learning_rate,
            "seed": outcome.seed,
        },
        distributions=distributions,
        intermediate_values={round(epoch): score for epoch, score in outcome.curve if math.isfinite(score)},
        user_attrs={**attributes, **beside},
    )


def _facts(study: Study) -> dict[str, Any]:
    found = {"model": study.plan.model, "data": study.plan.data["name"], "command": study.plan.command}
    if study.verdict is not None:
        found |= {"verdict": study.verdict.sentence, "winner": study.verdict.winner or ""}
    return found
