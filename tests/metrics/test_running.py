"""Update, compute and reset: a metric that runs along a loop gives what the metric of all its batches gives."""

from __future__ import annotations

import pytest
import torch

from steepest import metrics
from steepest.core import running
from steepest.core.errors import DomainError, MetricError, ShapeError, UsageError

G = torch.Generator().manual_seed(0)
SCORES, TARGET = torch.randn(300, 4, generator=G), torch.randint(4, (300,), generator=G)
NUMBERS = torch.randn(300, generator=G)
WORDS = [("f1", {"average": "micro"}), ("auroc", {"from_logits": True}), ("log_loss", {"from_logits": True})]


@pytest.mark.parametrize(("name", "words"), WORDS)
@pytest.mark.parametrize("size", [1, 64, 300])
def test_batches_of_any_size_give_the_value_of_all_rows(name, words, size):
    metric = metrics[name]
    along = metric.running(**words)
    for start in range(0, 300, size):
        along.update(SCORES[start : start + size], TARGET[start : start + size])
    whole = metric(SCORES, TARGET, **words)
    assert along.compute().item() == pytest.approx(whole.item(), rel=1e-13)
    assert along.compute() == along.compute()
    at = metric.running(keep_rows=True, **words)
    at.update(SCORES[:100], TARGET[:100])
    at.update(SCORES[100:], TARGET[100:])
    found = at.interval(replicates=100)
    assert found.low <= whole <= found.high and found.value.item() == pytest.approx(whole.item(), rel=1e-13)


def test_batches_wait_only_until_there_are_many(monkeypatch):
    monkeypatch.setattr(running, "KEPT_NUMBERS", 200)
    along = metrics.accuracy.running()
    for start in range(0, 300, 10):
        along.update(SCORES[start : start + 10], TARGET[start : start + 10])
        assert along._n_waiting < 200
    assert along.compute() == metrics.accuracy(SCORES, TARGET)


def test_a_batch_that_is_overwritten_later_was_taken_as_it_came():
    along, scores = metrics.accuracy.running(), SCORES.clone()
    along.update(scores[:10], TARGET[:10])
    along.update(scores[10:20], TARGET[10:20])
    scores.zero_()
    assert along.compute() == metrics.accuracy(SCORES[:20], TARGET[:20])


def test_weights_run_along_and_k_models_too():
    weight = torch.rand(300, generator=torch.Generator().manual_seed(1))
    along = metrics.mean_squared_error.running()
    both = torch.stack([NUMBERS, NUMBERS + 1])
    for a, b in ((0, 100), (100, 300)):
        along.update(both[:, a:b], NUMBERS[a:b], weight[a:b])
    assert along.compute().tolist() == pytest.approx([0.0, 1.0])


def test_calling_it_gives_the_value_of_the_batch_and_keeps_the_rest():
    along = metrics.accuracy.running()
    assert along(SCORES[:50], TARGET[:50]) == metrics.accuracy(SCORES[:50], TARGET[:50])
    assert along.forward(SCORES[50:], TARGET[50:]) == metrics.accuracy(SCORES[50:], TARGET[50:])
    assert along.compute() == metrics.accuracy(SCORES, TARGET)


def test_two_machines_merge_and_an_empty_one_adds_nothing():
    halves = [metrics.auroc.running(from_logits=True) for _ in range(3)]
    halves[0].update(SCORES[:120], TARGET[:120])
    halves[1].update(SCORES[120:], TARGET[120:])
    halves[2].merge(halves[0])
    halves[2].merge(metrics.auroc.running(from_logits=True))
    halves[2].merge(halves[1])
    assert halves[2].compute().item() == pytest.approx(metrics.auroc(SCORES, TARGET, from_logits=True).item(), rel=1e-13)
    with pytest.raises(MetricError, match="same options"):
        halves[0].merge(metrics.auroc.running(from_logits=False))


def test_reset_forgets_and_nothing_yet_is_told():
    along = metrics.accuracy.running()
    along.update(SCORES, TARGET)
    along.reset()
    assert along.is_empty
    with pytest.raises(MetricError, match="update"):
        along.compute()


def test_what_is_wrong_is_told_at_the_first_update_and_words_that_nobody_knows_when_it_is_made():
    with pytest.raises(ShapeError):
        metrics.accuracy.running().update(SCORES[:3], TARGET[:4])
    with pytest.raises(UsageError, match="averge"):
        metrics.f1.running(averge="macro")
    with pytest.raises(DomainError, match="average"):
        metrics.f1.running(average="mean")
    along = metrics.accuracy.running()
    along.update(torch.tensor([0, 1]), torch.tensor([0, 1]))
    along.update(torch.tensor([0, 2]), torch.tensor([0, 2]))
    with pytest.raises(MetricError, match="n_classes"):
        along.compute()


def test_it_shows_what_it_was_made_of_and_which_way_is_better():
    assert repr(metrics.auroc.running(from_logits=True)) == "auroc.running(from_logits=True)"
    assert metrics.accuracy.running().higher_is_better and not metrics.log_loss.running(from_logits=True).higher_is_better


def test_a_metric_that_keeps_its_rows_goes_through_a_checkpoint_of_tensors():
    from steepest.core.rows import Rows

    kept = metrics.auroc.rows(SCORES, TARGET, torch.arange(300).double(), from_logits=True)
    again = Rows.from_tensors({name: tensor.clone() for name, tensor in kept.tensors().items()})
    assert torch.equal(metrics.auroc.value(again), metrics.auroc.value(kept)) and again.facts == kept.facts
    assert metrics.auroc.value(again + kept).item() == pytest.approx(metrics.auroc.value(kept).item(), rel=1e-12)


def test_an_epoch_of_fit_that_stops_half_way_goes_on_with_what_its_metrics_had_counted():
    from steepest.fit.judge import Judge

    asked = [metrics.auroc, metrics.accuracy, metrics.log_loss]
    whole, first = Judge(asked), Judge(asked)
    whole.add(SCORES, TARGET)
    first.add(SCORES[:100], TARGET[:100])
    first.count()
    resumed = Judge(asked)
    resumed.put_back(first.saved(), torch.device("cpu"))
    resumed.add(SCORES[100:], TARGET[100:])
    assert resumed.values() == pytest.approx(whole.values(), rel=1e-12)
