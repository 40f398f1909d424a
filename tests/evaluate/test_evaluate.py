"""An evaluation tells what scikit-learn, scipy and plain loops tell, leaves the model alone, and never guesses."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy
import pandas
import pytest
import sklearn.metrics
import torch
from scipy import stats
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import steepest as st
from steepest.core.errors import DataError, LabelError, MetricError, ModelError, SteepestError, UsageError
from steepest.evaluate.against import mcnemar
from steepest.evaluate.calibration import fitted_temperature
from steepest.evaluate.page import _slices
from steepest.evaluate.slices import masks
from steepest.report.blocks import Table

TOLERANCE = 1e-12  # both are float64 sums of the same counts
N = 600


class Given(nn.Module):
    """Answers with its inputs, times a factor, and remembers the mode in which it was asked."""

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor, dtype=torch.float64))
        self.norm = nn.BatchNorm1d(1)
        self.modes: list[bool] = []

    def forward(self, x):
        self.modes.append(self.training)
        return x * self.factor


def drawn(n_classes: int, n: int = N, sharp: float = 1.5, seed: int = 0):
    """Logits (n, C) and labels that are drawn from their probabilities: calibrated at a factor of 1."""
    draw = torch.Generator().manual_seed(seed)
    logits = sharp * torch.randn(n, n_classes, generator=draw, dtype=torch.float64)
    return logits, torch.multinomial(logits.softmax(1), 1, generator=draw).squeeze(1)


@pytest.fixture(scope="module")
def classes():
    x, y = drawn(4)
    return st.evaluate(Given(), (x, y), loss="cross_entropy", class_names=["ant", "bee", "cat", "dog"]), x, y


@pytest.fixture(scope="module")
def binary():
    x, y = drawn(2, sharp=1.0)
    return st.evaluate(Given(), (x, y), loss="cross_entropy"), x, y


# -- numbers -----------------------------------------------------------------------------------------------------------


def test_numbers_of_classes_are_those_of_scikit_learn(classes):
    found, x, y = classes
    said, p = x.argmax(1).numpy(), x.softmax(1).numpy()
    assert found["accuracy"].value == pytest.approx(sklearn.metrics.accuracy_score(y, said), abs=TOLERANCE)
    assert found["f1"].value == pytest.approx(sklearn.metrics.f1_score(y, said, average="macro"), abs=TOLERANCE)
    assert found["log_loss"].value == pytest.approx(sklearn.metrics.log_loss(y, p), abs=1e-12)
    assert found["auroc"].value == pytest.approx(sklearn.metrics.roc_auc_score(y, p, multi_class="ovr"), abs=TOLERANCE)
    assert numpy.array_equal(found.confusion, sklearn.metrics.confusion_matrix(y, said))
    assert all(n.low <= n.value <= n.high for n in found.numbers)


def test_the_table_of_classes_is_the_classification_report(classes):
    found, x, y = classes
    report = sklearn.metrics.classification_report(
        y, x.argmax(1), target_names=["ant", "bee", "cat", "dog"], output_dict=True
    )
    for row in found.classes:
        assert row.support == report[row.name]["support"] and row.predicted == int(
            (x.argmax(1) == found.classes.index(row)).sum()
        )
        for name, number in zip(("recall", "precision", "f1-score"), row.numbers):
            assert number.value == pytest.approx(report[row.name][name], abs=TOLERANCE)
            assert number.low < number.value < number.high


def test_the_most_confused_pair_is_the_largest_entry_off_the_diagonal(classes):
    found, *_ = classes
    off = numpy.array(found.confusion) * (1 - numpy.eye(4))
    first = found.confused[0]
    names = ["ant", "bee", "cat", "dog"]
    assert first.n == off.max() and off[names.index(first.true), names.index(first.predicted)] == off.max()
    assert [p.n for p in found.confused] == sorted((int(v) for v in off.flatten() if v), reverse=True)[:10]


def test_sample_weights_count_as_copies_do():
    x, y = drawn(3, 200)
    weight = torch.arange(200) % 3
    weighed = st.evaluate(Given(), (x, y, weight.double()), loss="cross_entropy", threshold=None)
    copied = st.evaluate(Given(), (x.repeat_interleave(weight, 0), y.repeat_interleave(weight)), loss="cross_entropy")
    for a, b in zip(weighed.numbers, copied.numbers):
        assert a.value == pytest.approx(b.value, rel=1e-9)


@pytest.mark.parametrize("batch_size", [1, 7, 10_000])
def test_batches_and_loaders_change_nothing(binary, batch_size):
    found, x, y = binary
    for data in ((x, y), DataLoader(TensorDataset(x, y), batch_size), TensorDataset(x, y)):
        again = st.evaluate(Given(), data, loss="cross_entropy", batch_size=batch_size, metrics="accuracy, log_loss")
        assert again["accuracy"].value == found["accuracy"].value
        assert again["log_loss"].value == pytest.approx(found["log_loss"].value, rel=1e-12)
        if batch_size == 1:
            break


def test_logits_probabilities_and_a_single_output_give_the_same_numbers(binary):
    found, x, y = binary
    one = x[:, 1:] - x[:, :1]
    for model_input, said in (
        (x.softmax(1), {"from_logits": False}),
        (x.log_softmax(1), {"loss": nn.NLLLoss()}),
        (one, {"loss": "bce_with_logits"}),
        (one.sigmoid(), {"loss": nn.BCELoss()}),
        (one.sigmoid(), {"from_logits": False}),
    ):
        target = y.double().reshape(-1, 1) if "bce" in str(said).lower() else y
        again = st.evaluate(Given(), (model_input, target), task="classification", **said)
        for a, b in zip(again.numbers, found.numbers):
            assert a.value == pytest.approx(b.value, abs=1e-9), (said, a.name)


def test_metrics_may_be_named_with_options_or_given_as_items(binary):
    _, x, y = binary
    found = st.evaluate(
        Given(), (x, y), loss="cross_entropy", metrics=["accuracy", "fbeta(beta=2, average='binary')", st.metrics.brier]
    )
    assert [n.name for n in found.numbers] == ["accuracy", "fbeta(beta=2, average=binary)", "brier"]
    assert found.numbers[1].value == pytest.approx(sklearn.metrics.fbeta_score(y, x.argmax(1), beta=2), abs=TOLERANCE)


class Share:
    """A metric as torchmetrics has them; it takes what lies in [0, 1] for probabilities."""

    higher_is_better = True

    def reset(self):
        self.hits = self.n = 0

    def update(self, prediction, target):
        assert prediction.min() >= 0 and prediction.max() <= 1
        self.hits, self.n = self.hits + (prediction.argmax(1) == target).sum(), self.n + len(target)

    def compute(self):
        return self.hits / self.n


def test_a_metric_of_others_is_fed_probabilities_and_has_an_interval(binary):
    _, x, y = binary
    metric = Share()
    metric.reset()
    found = st.evaluate(Given(), (x, y), loss="cross_entropy", metrics=["accuracy", metric], threshold=None)
    ours, theirs = found.numbers
    assert theirs.value == pytest.approx(ours.value, abs=1e-6) and theirs.low < theirs.value < theirs.high


# -- the model ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_training", [True, False])
def test_the_model_is_asked_in_evaluation_mode_and_keeps_its_own(binary, is_training):
    _, x, y = binary
    model = Given().train(is_training)
    model.norm.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    st.evaluate(model, (x[:50], y[:50]), loss="cross_entropy", metrics="accuracy")
    assert not any(model.modes) and model.training == is_training and not model.norm.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.equal(state, torch.get_rng_state()) and model.factor.grad is None


def test_a_loader_that_shuffles_is_told_and_moves_no_generator(binary):
    _, x, y = binary
    loader = DataLoader(TensorDataset(x, y), 100, shuffle=True)
    before = torch.get_rng_state()
    found = st.evaluate(Given(), loader, loss="cross_entropy", metrics="accuracy", threshold=None)
    assert torch.equal(before, torch.get_rng_state()) and "shuffles" in found.notes[0]
    again = st.evaluate(Given(), loader, loss="cross_entropy", metrics="accuracy", threshold=None)
    assert found.against(again).p == 1.0


def test_a_model_that_raises_keeps_its_mode():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    model = Broken().train()
    with pytest.raises(ModelError, match="raised ValueError: no"):
        st.evaluate(model, (torch.ones(4, 2), torch.tensor([0, 1, 0, 1])), loss="cross_entropy")
    assert model.training


# -- calibration -------------------------------------------------------------------------------------------------------


def test_bins_hold_equal_numbers_and_count_right_answers(classes):
    found, x, y = classes
    bins = found.calibration.bins
    sure, right = x.softmax(1).max(1).values, (x.argmax(1) == y).double()
    order = sure.argsort()
    assert sum(b.n for b in bins) == N and max(b.n for b in bins) - min(b.n for b in bins) <= 1
    first = order[: bins[0].n]
    assert bins[0].confidence == pytest.approx(float(sure[first].mean())) and bins[0].accuracy == pytest.approx(
        float(right[first].mean())
    )
    hit = stats.binomtest(int(right[first].sum()), bins[0].n).proportion_ci(0.95, "wilson")
    assert (bins[0].low, bins[0].high) == pytest.approx((hit.low, hit.high))


def test_the_temperature_is_the_factor_by_which_a_calibrated_model_was_spoiled():
    x, y = drawn(3, 20_000)
    found = st.evaluate(Given(2.5), (x, y), loss="cross_entropy", metrics="accuracy").calibration
    assert found.temperature.low < 2.5 < found.temperature.high and found.temperature.high - found.temperature.low < 0.2
    before, after = ({n.name: n.value for n in part} for part in (found.before, found.after))
    assert after["log_loss"] < before["log_loss"] and after["expected_calibration_error"] < 0.02
    assert found.n_fitted == found.n_rest == 10_000


def test_the_temperature_is_that_of_an_optimizer(classes):
    found, *_ = classes
    answers = found._answers
    inverse = torch.ones((), dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([inverse], max_iter=100, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def closure():
        search.zero_grad()
        loss = nn.functional.cross_entropy(answers.scores * inverse, answers.target)
        loss.backward()
        return loss

    search.step(closure)
    assert fitted_temperature(answers, 0.95).value == pytest.approx(1 / inverse.item(), rel=1e-5)


def test_held_out_data_choose_and_all_rows_are_reported(binary):
    _, x, y = binary
    found = st.evaluate(
        Given(2.0), (x, y), loss="cross_entropy", held_out=drawn(2, 5000, 1.0, seed=1), metrics="accuracy"
    )
    assert found.calibration.n_fitted == 5000 and found.calibration.n_rest == N == found.threshold.n_rest
    assert found.calibration.temperature.value == pytest.approx(2.0, rel=0.15)


# -- threshold ---------------------------------------------------------------------------------------------------------


def every_threshold(p, y, value):
    """The best value over all thresholds between two probabilities, by a loop."""
    edges = sorted({0.0, 1.1, *p.tolist()})
    cuts = [(a + b) / 2 for a, b in zip(edges, edges[1:])]
    return max(value(y.numpy(), (p >= cut).numpy()) for cut in [0.0, *cuts])


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("f1", lambda y, said: sklearn.metrics.f1_score(y, said, zero_division=0)),
        ("fbeta(beta=2)", lambda y, said: sklearn.metrics.fbeta_score(y, said, beta=2, zero_division=0)),
        ("cost(miss=5, false_alarm=1)", lambda y, said: -(5 * ((y == 1) & ~said).sum() + ((y == 0) & said).sum())),
    ],
)
def test_the_threshold_is_the_best_on_the_rows_set_aside(rule, value):
    x, y = drawn(2, 300, 1.0)
    found = st.evaluate(
        Given(), (x, y), loss="cross_entropy", threshold=rule, held_out=(x, y), metrics="accuracy"
    ).threshold
    p = x.softmax(1)[:, 1]
    assert value(y.numpy(), (p >= found.value).numpy()) == pytest.approx(every_threshold(p, y, value), rel=1e-12)
    said = (p >= found.value).numpy()
    assert {n.name: n.value for n in found.chosen}["recall"] == pytest.approx(
        sklearn.metrics.recall_score(y, said), abs=TOLERANCE
    )
    assert {n.name: n.value for n in found.usual}["f1"] == pytest.approx(
        sklearn.metrics.f1_score(y, p >= 0.5), abs=TOLERANCE
    )


def test_a_required_recall_is_kept_with_the_highest_precision():
    x, y = drawn(2, 300, 1.0)
    found = st.evaluate(
        Given(), (x, y), loss="cross_entropy", threshold="recall(least=0.9)", held_out=(x, y), metrics="accuracy"
    ).threshold
    shown = {n.name: n.value for n in found.chosen}
    precision, recall, _ = sklearn.metrics.precision_recall_curve(y, x.softmax(1)[:, 1])
    assert shown["recall"] >= 0.9 and shown["precision"] == pytest.approx(precision[recall >= 0.9].max(), abs=TOLERANCE)


def test_rows_that_choose_the_threshold_are_not_those_that_judge_it(binary):
    found, *_ = binary
    assert found.threshold.n_chosen + found.threshold.n_rest == N and found.threshold.of == "1"


# -- rows --------------------------------------------------------------------------------------------------------------


def test_the_costliest_rows_are_those_of_the_highest_loss(classes):
    found, x, y = classes
    losses = nn.functional.cross_entropy(x, y, reduction="none")
    assert [s.row for s in found.costly] == losses.argsort(descending=True)[:20].tolist()
    assert found.costly[0].loss == pytest.approx(float(losses.max()), rel=1e-6)


def test_planted_wrong_labels_are_found():
    x, y = drawn(3, 1000, sharp=20.0)
    y = x.argmax(1)
    wrong = torch.randperm(1000, generator=torch.Generator().manual_seed(1))[:15]
    y[wrong] = (y[wrong] + 1) % 3
    found = st.evaluate(Given(), (x, y), loss="cross_entropy", metrics="accuracy")
    shown = {s.row for s in found.suspects}
    assert len(shown & set(wrong.tolist())) >= 13 and found.n_suspects <= 25


def test_suspects_are_those_of_the_rule_row_by_row(classes):
    """The rule of the paper as a loop: the confident joint, off its diagonal."""
    found, x, y = classes
    p = x.softmax(1)
    mean = [float(p[y == c, c].mean()) for c in range(4)]
    rows = set()
    for i in range(N):
        reaching = [c for c in range(4) if float(p[i, c]) >= mean[c]]
        if reaching and max(reaching, key=lambda c: float(p[i, c])) != int(y[i]):
            rows.add(i)
    assert found.n_suspects == len(rows) and {s.row for s in found.suspects} <= rows


# -- slices ------------------------------------------------------------------------------------------------------------


def test_a_slice_is_tested_by_fisher_and_corrected_by_holm():
    x, y = drawn(2, 400, 1.0)
    bad = torch.arange(400) < 60
    y[bad] = 1 - x[bad].argmax(1)
    found = st.evaluate(
        Given(),
        (x, y),
        loss="cross_entropy",
        metrics="accuracy",
        slices={"bad": bad, "even": (torch.arange(400) % 2 == 0).numpy()},
    )
    worst, other = found.slices
    right = x.argmax(1) == y
    table = [[int((right & m).sum()), int((~right & m).sum())] for m in (bad, ~bad)]
    assert worst.name == "bad" and worst.is_different and not other.is_different
    assert worst.p == pytest.approx(stats.fisher_exact(table).pvalue) and worst.p_holm == pytest.approx(2 * worst.p)
    assert worst.score == 0.0 and worst.difference_high < 0


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_red_dot_is_a_slice_that_does_worse_a_green_one_does_better(task):
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(400, 2, generator=generator)
    y = x.argmax(1) if task == "classification" else x.clone()
    bad = torch.arange(400) < 200
    y[bad] = 1 - y[bad] if task == "classification" else y[bad] + 3
    metric = {"classification": "accuracy", "regression": "mean_squared_error"}[task]
    found = st.evaluate(
        Given(), (x, y), loss="cross_entropy" if task == "classification" else "mse", metrics=metric,
        slices={"bad": bad, "fine": ~bad},
    ).found  # fmt: skip
    rows = next(p for p in _slices(found).parts if isinstance(p, Table)).rows
    assert {row[0].text: row[0].colour for row in rows} == {"bad": "bad", "fine": "good"}


def test_newcombe_intervals_are_those_of_his_paper():
    """Newcombe 1998, table II, a: 56/70 against 48/80, method 10: 0.0524 to 0.3339."""
    from steepest.evaluate.slices import _share

    part, rest = (
        torch.tensor([1.0] * hits + [0.0] * (n - hits), dtype=torch.float64) for hits, n in ((56, 70), (48, 80))
    )
    assert _share(part, rest, 0.95)[5:7] == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_slices_of_numbers_are_tested_by_welch():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(300, 1, generator=draw, dtype=torch.float64)
    part = (torch.arange(300) < 100).numpy()
    found = st.evaluate(
        Given(), (x, torch.zeros_like(x)), loss="mse", metrics="mean_squared_error", slices={"first": part}
    )
    squares = x[:, 0].square().numpy()
    welch = stats.ttest_ind(squares[part], squares[~part], equal_var=False)
    assert found.slices[0].p == pytest.approx(welch.pvalue)
    assert (found.slices[0].difference_low, found.slices[0].difference_high) == pytest.approx(
        tuple(welch.confidence_interval())
    )


def test_columns_become_parts_by_what_they_hold():
    words = masks({"city": ["a", "b", "a", "c"]}, 4)
    assert {k: v.tolist() for k, v in words.items()}["city = a"] == [True, False, True, False] and len(words) == 3
    quarters = masks({"age": numpy.arange(100.0)}, 100)
    assert len(quarters) == 4 and sum(int(m.sum()) for m in quarters.values()) == 100
    assert "age missing" in masks({"age": numpy.array([1.0, 2, 3, numpy.nan] * 10)}, 40)
    with pytest.raises(DataError, match="4 rows"):
        masks({"x": [1, 2]}, 4)


def test_columns_of_a_table_may_be_named(tmp_path):
    table = pandas.DataFrame({"a": numpy.arange(60.0), "b": [0.0, 1.0, 2.0] * 20, "y": ["no", "yes"] * 30})
    path = tmp_path / "t.csv"
    table.to_csv(path, index=False)
    found = st.evaluate(
        nn.Linear(2, 2), f"{path}:y", loss="cross_entropy", metrics="accuracy", slices={"b": table["b"].to_numpy()}
    )
    assert [row.name for row in found.classes] == ["no", "yes"]
    assert sorted(s.name for s in found.slices) == ["b = 0", "b = 1", "b = 2"]
    named = st.evaluate(nn.Linear(2, 2), (table[["a", "b"]], table["y"]), loss="cross_entropy", slices=["b"])
    assert sorted(s.name for s in named.slices) == ["b = 0", "b = 1", "b = 2"]
    with pytest.raises(UsageError, match="no table with such a column"):
        st.evaluate(nn.Linear(2, 2), f"{path}:y", loss="cross_entropy", slices="c")


# -- other tasks -------------------------------------------------------------------------------------------------------


def test_regression_is_that_of_scikit_learn_and_its_bias_that_of_a_t_test():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(500, 2, generator=draw, dtype=torch.float64)
    y = x + 0.5 + 0.1 * torch.randn(500, 2, generator=draw, dtype=torch.float64)
    found = st.evaluate(Given(), (x, y), loss="mse")
    assert found["r2"].value == pytest.approx(sklearn.metrics.r2_score(y, x), abs=1e-12)
    assert found["mean_absolute_error"].value == pytest.approx(sklearn.metrics.mean_absolute_error(y, x), abs=1e-12)
    low, high = stats.ttest_1samp((y - x)[:, 0], 0.0).confidence_interval(0.95)
    bias = found.residuals[0].bias
    assert bias.low > 0.4 and (bias.low, bias.high) == pytest.approx((low, high), abs=2e-4)  # normal, not t: n = 500


def test_labels_are_judged_one_by_one_and_together():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(300, 3, generator=draw, dtype=torch.float64)
    y = (x + torch.randn(300, 3, generator=draw, dtype=torch.float64) > 0).long()
    found = st.evaluate(Given(), (x, y), loss="bce_with_logits", class_names=["a", "b", "c"])
    said = (x > 0).long()
    assert found.task == "multilabel"
    assert found["exact_match"].value == pytest.approx(sklearn.metrics.accuracy_score(y, said), abs=TOLERANCE)
    assert found["multilabel_f1"].value == pytest.approx(
        sklearn.metrics.f1_score(y, said, average="macro"), abs=TOLERANCE
    )
    assert [row.support for row in found.classes] == y.sum(0).tolist()
    assert found.classes[0].numbers[0].value == pytest.approx(
        sklearn.metrics.recall_score(y[:, 0], said[:, 0]), abs=TOLERANCE
    )


def test_segmentation_is_judged_by_places_with_images_drawn_whole():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(30, 3, 8, 8, generator=draw, dtype=torch.float64)
    y = torch.where(torch.rand(30, 8, 8, generator=draw) < 0.7, x.argmax(1), 0)
    y[:, 0] = 255
    found = st.evaluate(Given(), (x, y), loss="cross_entropy(ignore_index=255)")
    known = y != 255
    assert found.task == "segmentation" and found.n == 30
    want = sklearn.metrics.jaccard_score(y[known], x.argmax(1)[known], average=None)
    assert [row.numbers[0].value for row in found.classes] == pytest.approx(want.tolist(), abs=TOLERANCE)
    assert found["mean_iou"].value == pytest.approx(want.mean(), abs=TOLERANCE)
    assert numpy.array_equal(found.confusion, sklearn.metrics.confusion_matrix(y[known], x.argmax(1)[known]))


# -- against -----------------------------------------------------------------------------------------------------------


def test_two_models_are_compared_row_by_row():
    x, y = drawn(3, 500)
    worse = x + torch.randn(500, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    a, b = (
        st.evaluate(Given(), (scores, y), loss="cross_entropy", metrics="accuracy, log_loss") for scores in (x, worse)
    )
    found = a.against(b, names=("clean", "noisy"))
    right_a, right_b = x.argmax(1) == y, worse.argmax(1) == y
    assert (found.only_a, found.only_b) == (int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum()))
    assert found.differences[0].value == pytest.approx(a["accuracy"].value - b["accuracy"].value, abs=TOLERANCE)
    assert found.differences[0].low <= found.differences[0].value <= found.differences[0].high
    assert found.sentence.startswith("clean is better") and found.p < 0.05


def test_mcnemar_is_the_binomial_test():
    assert mcnemar(9, 2) == pytest.approx(stats.binomtest(2, 11).pvalue)
    assert mcnemar(0, 0) == 1.0


def test_models_on_other_rows_are_not_compared(binary):
    found, x, y = binary
    other = st.evaluate(Given(), (x, 1 - y), loss="cross_entropy", metrics="accuracy")
    with pytest.raises(DataError, match="same rows"):
        found.against(other)


# -- what comes out ----------------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_the_page_is_inert_whole_and_holds_all_numbers(binary, tmp_path):
    _, x, y = binary
    nasty = ["<script>alert(1)</script>", "b\u202e&\"'"]
    found = st.evaluate(
        Given(), (x, y), loss="cross_entropy", class_names=nasty, slices={"<img src=x onerror=1>": (y == 1).numpy()}
    )
    page = found.write(tmp_path / "page.html").read_text("utf-8")
    tags = Tags()
    tags.feed(page)
    scripts = [attrs for tag, attrs in tags.seen if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "study"}]
    assert not any(name.startswith("on") for _, attrs in tags.seen for name in attrs) and "http://" not in page.replace(
        "http://www.w3.org", ""
    )
    assert any(attrs.get("http-equiv") == "Content-Security-Policy" for tag, attrs in tags.seen)
    assert all(attrs.get("aria-label") for tag, attrs in tags.seen if tag == "svg" and attrs.get("role") == "img")
    assert json.loads(found.to_json())["numbers"][0]["value"] == found["accuracy"].value
    for question in ("How good is it?", "Does sure mean right?", "From where on say yes?", "Where is it worse?"):
        assert question in page


def test_text_table_and_json_tell_the_same(classes, tmp_path):
    found, *_ = classes
    assert f"{100 * found['accuracy'].value:.1f} %" in str(found) and "ant" in str(found)
    assert found.table().loc["f1", "low"] == found["f1"].low
    found.to_json(tmp_path / "e.json")
    assert json.loads((tmp_path / "e.json").read_text("utf-8"))["n"] == N
    with pytest.raises(KeyError, match="accuracy"):
        found["acuracy"]


# -- refusals ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "data", "options", "error", "words"),
    [
        (Given(), drawn(2, 9), {}, UsageError, "never guessed"),
        (Given(), drawn(2, 9), {"from_logits": False}, UsageError, "from_logits=False, and the model gives"),
        (Given(), (torch.ones(4, 3), torch.tensor([0, 1, 2, 3])), {"loss": "cross_entropy"}, SteepestError, "label"),
        (
            Given(),
            (torch.full((4, 2), torch.nan), torch.tensor([0, 1, 0, 1])),
            {"from_logits": True},
            ModelError,
            "NaN for row 0",
        ),
        (Given(), (torch.ones(4, 2), torch.ones(4)), {"loss": "mse"}, SteepestError, r"\(4, 2\)"),
        (3, drawn(2, 9), {"loss": "cross_entropy"}, ModelError, "a int"),
        (Given(), drawn(2, 9), {"loss": "cross_entropy", "metrics": "r2"}, MetricError, "classification"),
        (Given(), drawn(2, 9), {"loss": "cross_entropy", "threshold": "f3"}, UsageError, "no rule 'f3'"),
        (Given(), drawn(2, 9), {"loss": "cross_entropy", "threshold": "cost(hit=1)"}, UsageError, "hit"),
        (Given(), drawn(2, 9), {"loss": "cross_entropy", "held_out": 1.5}, UsageError, "held_out"),
        (Given(), drawn(2, 9), {"loss": "cross_entropy", "task": "ranking"}, UsageError, "segmentation"),
        (Given(), drawn(2, 9), {"loss": "cross_entropy", "class_names": ["a"]}, UsageError, "1 names and 2 classes"),
        (Given(), drawn(2, 9), {"loss": "multi_margin", "metrics": "log_loss"}, MetricError, "no probabilities"),
        (Given(), (torch.ones(0, 2), torch.ones(0).long()), {"loss": "cross_entropy"}, DataError, "no rows"),
        (
            nn.Linear(3, 2),
            (torch.ones(4, 2), torch.tensor([0, 1, 0, 1])),
            {"loss": "cross_entropy"},
            ModelError,
            "first layer",
        ),
        (lambda x: (x, x), drawn(2, 9), {"loss": "cross_entropy"}, ModelError, "gives a tuple"),
    ],
    ids=lambda value: None,
)
def test_what_cannot_be_judged_is_refused_with_the_repair(model, data, options, error, words):
    with pytest.raises(error, match=words):
        st.evaluate(model, data, **options)


def test_a_label_that_the_model_does_not_know_is_named():
    with pytest.raises(LabelError, match="a label is 5"):
        st.evaluate(Given(), (torch.ones(4, 2), torch.tensor([0, 1, 5, 0])), from_logits=True)


def test_scores_without_probabilities_are_judged_by_classes_alone():
    x, y = drawn(3, 50)
    found = st.evaluate(Given(), (x, y), loss="multi_margin")
    assert found.calibration is None and {"accuracy", "f1"} <= {n.name for n in found.numbers}


# -- curves ----------------------------------------------------------------------------------------------------------


def of_two(n=300):
    g = torch.Generator().manual_seed(5)
    y = torch.randint(0, 2, (n,), generator=g)
    margin = torch.randn(n, generator=g) + 1.2 * y
    return torch.stack([-margin, margin], 1) / 2, y


def test_the_bands_of_curves_heed_weights():
    """Equal weights change nothing, weight 0 is removal, and unequal ones tell less."""
    draw = torch.Generator().manual_seed(0)
    scores, y = torch.randn(200, 2, generator=draw), torch.randint(2, (200,), generator=draw)

    def bands(*data):
        evaluation = st.evaluate(torch.nn.Identity(), data, loss="cross_entropy")
        (curve,) = evaluation.found.curves
        return [[(p.x, p.y, p.low, p.high) for p in part] for part in (curve.roc, curve.precision_recall)]

    plain = bands(scores, y)
    for found, same in zip(bands(scores, y, torch.full((200,), 3.0)), plain):
        assert numpy.allclose(found, same)
    halved = torch.cat([torch.ones(100), torch.zeros(100)])
    widths = [
        [high - low for _, _, low, high in bands(scores, y, w)[0]]
        for w in (torch.ones(200), 0.1 + 3 * torch.rand(200, generator=draw))
    ]
    assert numpy.mean(widths[1]) > 1.1 * numpy.mean(widths[0])
    assert numpy.allclose(bands(scores, y, halved)[0][-1], bands(scores[:100], y[:100])[0][-1])


def test_the_curves_of_two_classes_are_scikit_learn_s_with_bands_and_the_chosen_threshold():
    scores, y = of_two()
    found = st.evaluate(torch.nn.Identity(), (scores, y), loss="cross_entropy").found
    (curve,) = found.curves
    p = scores.softmax(1)[:, 1].numpy()
    fpr, tpr, _ = sklearn.metrics.roc_curve(y, p)
    truth = {(round(a, 9), round(b, 9)) for a, b in zip(fpr, tpr)}
    assert {(round(point.x, 9), round(point.y, 9)) for point in curve.roc} <= truth
    assert all(point.low <= point.y <= point.high for point in [*curve.roc, *curve.precision_recall])
    assert curve.area.low < curve.area.value == pytest.approx(sklearn.metrics.roc_auc_score(y, p), abs=1e-12)
    assert curve.precision.value == pytest.approx(sklearn.metrics.average_precision_score(y, p), abs=1e-12)
    says = p >= found.threshold.value
    alarms, hits, right = curve.chosen
    assert (alarms, hits) == pytest.approx((says[y == 0].mean(), says[y == 1].mean()))
    assert right == pytest.approx(y.numpy()[says].mean())


def test_of_many_classes_the_hardest_are_drawn_and_said_in_words(tmp_path):
    g = torch.Generator().manual_seed(6)
    y = torch.randint(0, 8, (400,), generator=g)
    scores = torch.randn(400, 8, generator=g) + torch.nn.functional.one_hot(y, 8) * torch.arange(1, 9) / 3
    evaluation = st.evaluate(torch.nn.Identity(), (scores, y), loss="cross_entropy")
    areas = [curve.area.value for curve in evaluation.found.curves]
    assert len(areas) == 6 and areas == sorted(areas) and evaluation.found.curves[0].chosen is None
    text = evaluation.write(tmp_path / "page.html").read_text("utf-8")
    assert "How does finding trade against false alarms?" in text and "2 that are easier to tell are not drawn" in text
    assert 'aria-label="ROC curves. ' in text and "found at 10 % false alarms" in text


def test_scores_that_are_no_probabilities_and_a_single_class_have_no_curve():
    scores, y = of_two()
    assert st.evaluate(torch.nn.Identity(), (scores, y * 0), loss="cross_entropy").found.curves == []
    assert st.evaluate(torch.nn.Identity(), (scores, y), loss="multi_margin").found.curves == []
