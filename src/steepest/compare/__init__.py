"""Compare: trains a population of trials at once and returns a verdict with intervals, never a lucky seed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from steepest.core.errors import StoreError
from steepest.core.progress import progress_of
from steepest.fit.interrupt import Interruptible
from steepest.report import write as write_page
from steepest.results.records import Study, Verdict
from steepest.results.store import Store

from .again import prepared_again, refuse_another_study, refuse_unwritable
from .ask import ask
from .devices import devices_of
from .eject import with_script
from .machines import Place, place_of
from .population import Population
from .prepare import Prepared, prepared
from .results import Results
from .stopping import TellsOnce
from .study import run_study
from .trial import Arm, Trial

__all__ = ["Arm", "Population", "Results", "Trial", "compare", "resume"]


def compare(
    model: Any,
    data: Any,
    *,
    losses: Any = None,
    weightings: Any = "none",
    optimizers: Any = "nadamw, adamw, sgd(momentum=0.9)",
    schedules: Any = "warmup_cosine",
    metric: str | None = None,
    budget: str | float = "60s",
    seeds: str | int = "auto",
    out: str | Path | None = None,
    baseline: str | None = None,
    seed: int = 0,
    rope: float | None = None,
    task: str | None = None,
    batch_size: int = 64,
    epochs: int | None = None,
    engine: str = "auto",
    check: bool = True,
    machines: str | int = "local",
    device: Any = None,
    memory: str | int | None = None,
    progress: Any = True,
    command: str | None = None,
) -> Results:
    """Which loss, optimizer and learning rate is best for this model on these data, and how sure is that.

    model: "mlp", "cnn", "linear", "file.py:Net", a class or a function that makes a fresh nn.Module.
    data: "digits", "table.csv:target", (X, y), a Dataset or DataLoader, or "module:attribute" (see data.load).
    losses, optimizers, schedules: names with options, several values make several arms: "focal(gamma=1|2), cross_entropy".
    A loss of your own is a function or nn.Module of (output, target) that returns the batch's mean or a value per sample:
    [my_loss, "focal"], {"smooth": nn.CrossEntropyLoss(label_smoothing=0.1), ...} with names, or in words "file.py:my_loss".
    An optimizer of your own is a torch.optim.Optimizer class, or a function of (params, lr=...): [MyOptimizer, "adamw"].
    schedules="cosine, cosine + plateau(patience=3)": the latter falls further when the trial's own select score rests.
    losses="auto": up to six that suit the task and the imbalance of these data (see steepest.suggest).
    A sum, "cross_entropy + 0.5*dice", is one loss; "learned*cross_entropy + learned*dice" learns its factors in every trial.
    weightings: how much a class counts, by its training samples: "none, inverse_frequency, effective_number(after=0.8)",
    the last one not before 80 % of the steps.
    Targets: one class or number per sample, several of either, a class for each pixel or token (see data.Data).
    metric: the criterion, the same for all arms; accuracy, multilabel_f1 or mean_squared_error when not given. Of several,
    "balanced_accuracy, auroc", the first decides and the others are reported with intervals; else the usual ones are.
    budget: time ("60s", "5m") or work ("2000epochs", passes over the training part summed over all trials). With work, the
    same call gives the same verdict. seeds: "auto" or how many fresh seeds confirm. rope: differences up to this size count
    as equivalent, in the metric's unit (percent points for shares); a quarter of the seeds' standard deviation when not given.
    baseline: "loss + optimizer", such as "mse + sgd(lr=0.01, momentum=0.9)"; a fixed lr competes as it is and tuned.
    check: look at a few rows first, and refuse a model and loss that cannot learn together (softmax before cross-entropy).
    machines: where trials train: "local" (this process), "local:2" (it and another), "auto" or "ray://host:10001" (a Ray
    cluster, pip install steepest[ray]). The verdict does not depend on it.
    device: what they train on: the processor when not given, "cuda", several that share the work, "cuda:0,cuda:1" or a list,
    or "auto": all CUDA devices of this machine.
    memory: upper bound, such as "2GB", of what the trials that a worker trains together may take; as many train together as
    fit. When not given 1.5 GB, or a quarter of what this machine or its container has left, if that is less. A study that
    goes on keeps bound and device with which it began, unless others are given.
    out: the study's folder (report.html, verdict.json, store.sqlite, weights/ of the finalists); the same call on it
    resumes. A temporary one when not given. Ctrl-C finishes the rung, a second one stops at once; either way the page
    tells what is known, and KeyboardInterrupt is raised.

    Raises a SteepestError subclass with the repair for anything that cannot be compared.
    Protocol and its error rates: DESIGN section 7; Bouthillier et al. 2021, arXiv:2103.03098.
    """
    request = ask(
        model=model,
        data=data,
        losses=losses,
        weightings=weightings,
        optimizers=optimizers,
        schedules=schedules,
        metric=metric,
        budget=budget,
        seeds=seeds,
        baseline=baseline,
        seed=seed,
        rope=rope,
        task=task,
        batch_size=batch_size,
        epochs=epochs,
        engine=engine,
        check=check,
    )
    folder, bar = _folder(out), progress_of(progress)
    if Store.exists(folder):
        refuse_another_study(folder, request)
        return _continue(folder, request, Means(machines, device, memory), bar)
    devices = devices_of(device)
    place = place_of(machines, devices)
    study = prepared(request, command, bar, place.n_workers, memory, devices)
    with Store.create(folder, study.plan, study.events) as store:
        return _run(folder, store, study, place, bar)


def resume(
    folder: str | Path,
    *,
    machines: str | int = "local",
    device: Any = None,
    memory: str | int | None = None,
    progress: Any = True,
) -> Results:
    """Go on with the study of a folder; a finished one is read and its page written again.

    Model and data must have been given as text ("file.py:Net", "table.csv:target"); else call compare again with the objects.
    machines, device, memory: as in compare, and not necessarily those with which the study began; device and memory when not
    given are. Another device or bound may change the last digits of what is trained from here on, machines change nothing.
    """
    return _continue(Path(folder), None, Means(machines, device, memory), progress_of(progress))


@dataclass(frozen=True)
class Means:
    """With what a study goes on, as asked; None: as it began."""

    machines: str | int
    device: Any
    memory: str | int | None


def _continue(folder: Path, request: Any, means: Means, bar: Any) -> Results:
    with Store.open(folder) as store:
        known = store.read()
        if known.verdict is not None:
            results = Results(known, folder, request)
            results.write()
            return results
        devices = devices_of(means.device or known.plan.device)
        place = place_of(means.machines, devices)
        study = prepared_again(known.plan, request, bar, means.memory, devices)
        return _run(folder, store, study, place, bar)


def _run(folder: Path, store: Store, study: Prepared, place: Place, bar: Any) -> Results:
    def completed(known: Study, verdict: Verdict) -> Verdict:
        return with_script(known, verdict, study.request, study.trainer.task.on("cpu"))

    with Interruptible() as asked:
        heard = TellsOnce(bar, lambda: bool(asked))
        trainer = replace(study.trainer, progress=heard)
        machines = place.open(trainer)
        bar.start(study.plan.budget_epochs, study.plan.forecast)
        try:
            finished = run_study(store, trainer, machines, lambda: bool(asked), completed)
        except KeyboardInterrupt:
            machines.cancel()
            with suppress(StoreError):  # a full disk, say: the wish to stop is what is told
                write_page(store.read(), folder / "report.html")
            raise
        finally:
            machines.cancel()
            bar.stop()
    results = Results(finished, folder, study.request)
    results.write()
    return results


def _folder(out: str | Path | None) -> Path:
    """Where the study will lie; a place that cannot be written to is told before anything is measured."""
    if out is not None:
        refuse_unwritable(Path(out))
        return Path(out)
    import tempfile

    return Path(tempfile.mkdtemp(prefix="steepest-"))
