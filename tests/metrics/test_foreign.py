"""A metric of others stands where ours do: by its own update and compute, on copies, one model after the other."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import steepest as st
from steepest import metrics
from steepest.core.errors import MetricError
from steepest.metrics.foreign import as_metric

G = torch.Generator().manual_seed(0)
SCORES, TARGET = torch.randn(120, 4, generator=G), torch.randint(4, (120,), generator=G)


class Mistakes:
    """Counts mistakes, as torchmetrics would."""

    higher_is_better = False

    def __init__(self):
        self.reset()

    def reset(self):
        self.n, self.seen = 0, 0

    def update(self, prediction, target):
        self.n += int((prediction.argmax(-1) != target).sum())
        self.seen += len(target)

    def compute(self):
        return torch.tensor(self.n / self.seen)


def torchmetrics_accuracy():
    torchmetrics = pytest.importorskip("torchmetrics")
    return torchmetrics.classification.MulticlassAccuracy(num_classes=4, average="micro")


@pytest.mark.parametrize("made", [Mistakes, torchmetrics_accuracy])
def test_a_foreign_metric_gives_its_value_an_interval_and_streams(made):
    foreign = made()
    metric = as_metric(foreign, task="classification")
    ours = metrics.error_rate if metric.best == "min" else metrics.accuracy
    truth = ours(SCORES, TARGET).item()
    assert metric(SCORES, TARGET).item() == pytest.approx(truth, abs=1e-6)
    assert metric.name == type(foreign).__name__ and metric.use and metric.task == "classification"
    pieces = sum(metric.state(SCORES[a : a + 40], TARGET[a : a + 40]) for a in (0, 40, 80))
    assert metric.value(pieces).item() == pytest.approx(truth, abs=1e-6)
    several = metric(torch.stack([SCORES, SCORES.roll(1, 0)]), TARGET, n_models=2)
    assert several.tolist() == pytest.approx(ours(torch.stack([SCORES, SCORES.roll(1, 0)]), TARGET).tolist(), abs=1e-6)
    at, ours_at = metric.interval(metric.rows(SCORES, TARGET), replicates=200), ours.interval(ours.rows(SCORES, TARGET))
    assert at.method == "bootstrap" and at.low.item() == pytest.approx(ours_at.low.item(), abs=0.04)
    along = metric.running()
    along.update(SCORES, TARGET)
    assert along.compute().item() == pytest.approx(truth, abs=1e-6)


def test_its_own_state_stays_as_it_was():
    foreign = Mistakes()
    foreign.update(SCORES[:5], TARGET[:5])
    before = (foreign.n, foreign.seen)
    as_metric(foreign)(SCORES, TARGET)
    assert (foreign.n, foreign.seen) == before


def test_names_and_items_pass_and_what_is_no_metric_is_refused():
    assert as_metric("f1") is metrics.f1 is as_metric(metrics.f1)
    with pytest.raises(MetricError, match="update, compute and reset"):
        as_metric(3)
    silent = Mistakes()
    silent.higher_is_better = None
    with pytest.raises(MetricError, match='best="max"'):
        as_metric(silent)
    assert as_metric(silent, best="max").best == "max"
    with pytest.raises(MetricError, match="weights"):
        as_metric(Mistakes())(SCORES, TARGET, torch.ones(120))


@pytest.mark.parametrize("made", [Mistakes, torchmetrics_accuracy])
def test_fit_measures_by_it_and_by_metrics_that_keep_their_rows(made):
    x = torch.randn(96, 5, generator=torch.Generator().manual_seed(1))
    y = (x[:, 0] > 0).long() + 2 * (x[:, 1] > 0).long()
    torch.manual_seed(0)
    history = st.fit(
        nn.Linear(5, 4), (x, y), loss="cross_entropy", optimizer="adam", epochs=2, metrics=[made(), "auroc", "log_loss"],
        validation=0.25, progress=False,
    )
    last = history.rows[-1]
    assert {f"val_{type(made()).__name__}", "val_auroc", "val_log_loss", "auroc"} <= set(last)
    assert 0 <= last["val_auroc"] <= 1
    # cross-entropy of logits is log loss
    assert last["val_log_loss"] == pytest.approx(last["val_loss"], rel=1e-5)


def test_a_comparison_scores_its_trials_by_it():
    from steepest import data, models
    from steepest.compare.ask import criterion
    from steepest.compare.task import Task

    wine = data.wine()
    metric = criterion(Mistakes(), wine, [])
    task = Task(lambda: models.mlp(13, 3, width=4), wine, metric)
    part = task.select_set(0)
    outputs = torch.randn(5, len(part.truth), 3, generator=torch.Generator().manual_seed(2))
    ours = task.score(metrics.error_rate, outputs, part)
    assert task.score(metric, outputs, part).tolist() == pytest.approx(ours.tolist(), abs=1e-6)
