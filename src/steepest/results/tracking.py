"""A study told to MLflow or Weights & Biases, whichever is handed over: nothing of either is imported."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from steepest.core.errors import UsageError

from .records import ArmSummary, Outcome, Study
from .tables import phase_of

LONGEST = 250
"""Letters of a parameter's value in MLflow."""


def log_to(study: Study, tracker: Any, page: Path | None = None) -> None:
    """Write the study to `mlflow` (the module) or to a run of W&B (what wandb.init() gave).

    MLflow: one run for the study, in it one for each arm, in that one for each of its trials in race and confirmation,
    with parameters, scores and learning curve; the page as an artifact. W&B: the plan as config, verdict and arms as
    summary, the arms' mean learning curves over the epoch.
    Raises UsageError for anything else.
    """
    if hasattr(tracker, "start_run") and hasattr(tracker, "log_params"):
        _to_mlflow(study, tracker, page)
    elif hasattr(tracker, "log") and hasattr(tracker, "summary") and hasattr(tracker, "config"):
        _to_wandb(study, tracker)
    else:
        raise UsageError(
            where="log_to",
            seen=f"a {type(tracker).__name__} was given",
            needed="the module mlflow, or a run of wandb, was needed",
            repair="import mlflow; results.log_to(mlflow), or results.log_to(wandb.init(project=...)).",
        )


def _to_mlflow(study: Study, mlflow: Any, page: Path | None) -> None:
    plan, verdict = study.plan, study.verdict
    with mlflow.start_run(run_name=f"{plan.model} on {plan.data['name']}"):
        mlflow.log_params(_short(_setting(study)))
        if verdict is not None:
            mlflow.set_tags({"verdict": verdict.sentence, "kind": verdict.kind, "winner": verdict.winner or ""})
        if page is not None and page.exists():
            mlflow.log_artifact(str(page))
        for arm in plan.arms:
            with mlflow.start_run(run_name=arm.name, nested=True):
                mlflow.log_params(_short(_words(study, arm.name)))
                mlflow.log_metrics(_numbers(_summary(study, arm.name)))
                for outcome in _of(study, arm.name):
                    _trial_to_mlflow(study, mlflow, outcome)


def _trial_to_mlflow(study: Study, mlflow: Any, outcome: Outcome) -> None:
    phase = phase_of(study, outcome)
    with mlflow.start_run(run_name=f"{phase}, seed {outcome.seed}", nested=True):
        rate = {"learning_rate": outcome.learning_rate, "seed": outcome.seed, "phase": phase}
        mlflow.log_params(_short({**_words(study, outcome.arm), **rate}))
        for epoch, score in outcome.curve:
            mlflow.log_metrics(_finite({f"select_{study.plan.metric}": score}), step=round(epoch))
        for epoch, loss in outcome.loss_curve:
            mlflow.log_metrics(_finite({"training_loss": loss}), step=round(epoch))
        part = "test" if outcome.test_score is not None else "select"
        mlflow.log_metrics(_finite({f"{part}_{name}": value for name, value in outcome.metrics.items()}))
        mlflow.set_tags({"diverged": str(outcome.diverged), "rung": outcome.rung})


def _to_wandb(study: Study, run: Any) -> None:
    run.config.update({**_setting(study), "arms": [arm.name for arm in study.plan.arms]})
    curves = {arm.name: _mean_curve(_of(study, arm.name)) for arm in study.plan.arms}
    for epoch in sorted({epoch for curve in curves.values() for epoch in curve}):
        at = {f"{arm}/select_{study.plan.metric}": curve[epoch] for arm, curve in curves.items() if epoch in curve}
        run.log({"epoch": epoch, **at})
    if study.verdict is not None:
        run.summary.update({"verdict": study.verdict.sentence, "winner": study.verdict.winner or ""})
    for arm in study.plan.arms:
        numbers = _numbers(_summary(study, arm.name))
        run.summary.update({f"{arm.name}/{name}": value for name, value in numbers.items()})


def _setting(study: Study) -> dict[str, Any]:
    plan = study.plan
    return {
        "model": plan.model,
        "data": plan.data["name"],
        "metric": plan.metric,
        "budget": plan.budget,
        "epochs": plan.epochs,
        "batch_size": plan.batch_size,
        "seed": plan.seed,
        "command": plan.command or plan.python,
    }


def _words(study: Study, name: str) -> dict[str, Any]:
    arm = study.plan.arm(name)
    return {"loss": arm.loss, "weighting": arm.weighting, "optimizer": arm.optimizer, "schedule": arm.schedule}


def _summary(study: Study, name: str) -> ArmSummary | None:
    return next((a for a in study.verdict.arms if a.name == name), None) if study.verdict is not None else None


def _numbers(summary: ArmSummary | None) -> dict[str, float]:
    """What is known of an arm in numbers."""
    plain = summary.plain() if summary is not None else {}
    return _finite({n: v for n, v in plain.items() if isinstance(v, (int, float)) and not isinstance(v, bool)})


def _of(study: Study, arm: str) -> list[Outcome]:
    """The trials that count: of race and confirmation."""
    return [o for o in study.outcomes if o.arm == arm and phase_of(study, o) != "search"]


def _mean_curve(outcomes: Iterable[Outcome]) -> dict[float, float]:
    """epoch -> mean over the seeds that did not diverge."""
    at: dict[float, list[float]] = {}
    for outcome in outcomes:
        for epoch, score in outcome.curve if not outcome.diverged else ():
            at.setdefault(epoch, []).append(score)
    return {epoch: sum(scores) / len(scores) for epoch, scores in at.items()}


def _short(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value)[:LONGEST] for name, value in values.items()}


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if math.isfinite(value)}
