"""A run does what the loop that one writes by hand does, and leaves what is not its own as it was."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from steepest import losses, optim
from steepest.core.errors import DataError, ModelError, ShapeError, SteepestError, UsageError
from steepest.fit import fit
from steepest.fit.batches import Rows, unpacked


@pytest.fixture
def xy():
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(203, 6, generator=draw)
    return x, (x @ torch.randn(6, 3, generator=draw)).argmax(1)


def net(*middle, dtype=torch.float32):
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(6, 16), *middle, nn.ReLU(), nn.Linear(16, 3)).to(dtype)


def by_hand(model, x, y, optimizer, loss, epochs, batch_size, seed):
    """The loop as a textbook has it, in the order of the run's own stream."""
    rows, means = Rows(x, y, batch_size=batch_size, seed=seed), []
    for epoch in range(epochs):
        total = 0.0
        for index in rows.order(epoch).split(batch_size):
            optimizer.zero_grad()
            value = loss(model(x[index]), y[index])
            value.backward()
            optimizer.step()
            total += value.item() * len(index)
        means.append(total / len(x))
    return means


def equal(a, b):
    return all(torch.equal(p, q) for p, q in zip(a.state_dict().values(), b.state_dict().values()))


def test_a_run_is_the_loop_by_hand_to_the_last_bit(xy):
    ours, theirs = net(), net()
    rate = {"lr": 0.05, "momentum": 0.9}
    history = fit(
        ours,
        xy,
        loss=nn.CrossEntropyLoss(),
        optimizer=torch.optim.SGD(ours.parameters(), **rate),
        epochs=3,
        batch_size=32,
        seed=7,
        progress=False,
    )
    means = by_hand(theirs, *xy, torch.optim.SGD(theirs.parameters(), **rate), nn.CrossEntropyLoss(), 3, 32, 7)
    assert equal(ours, theirs)
    assert history["loss"] == pytest.approx(means, rel=1e-12)
    assert history.stopped == "finished" and [row["epoch"] for row in history] == [1, 2, 3]


def test_the_loss_of_an_epoch_is_that_of_its_rows_whatever_the_last_batch_holds(xy):
    still = {"lr": 0.0}
    model = net()
    history = fit(
        model,
        xy,
        loss="cross_entropy",
        optimizer=torch.optim.SGD(model.parameters(), **still),
        epochs=1,
        batch_size=67,
        validation=xy,
        progress=False,
    )
    whole = nn.functional.cross_entropy(model(xy[0]), xy[1]).item()
    assert history["loss"][0] == pytest.approx(whole, rel=1e-6)
    assert history["val_loss"][0] == pytest.approx(whole, rel=1e-6)


def test_weights_of_rows_count_as_copies_of_them(xy):
    x, y = xy[0][:40].double(), xy[1][:40]
    copies = torch.arange(40) % 3 + 1
    weighted, copied = net(dtype=torch.float64), net(dtype=torch.float64)
    for model, data in (
        (weighted, (x, y, copies.double())),
        (copied, (x.repeat_interleave(copies, 0), y.repeat_interleave(copies))),
    ):
        sgd = torch.optim.SGD(model.parameters(), lr=0.5)
        fit(model, data, loss="cross_entropy", optimizer=sgd, epochs=4, batch_size=200, progress=False)
    for p, q in zip(weighted.parameters(), copied.parameters()):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("with_weights", [False, True])
def test_a_batch_in_pieces_is_the_batch_as_a_whole(xy, with_weights):
    x, y = xy[0].double(), xy[1]
    weight = torch.rand(len(y), dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1
    data = (x, y, weight) if with_weights else (x, y)
    models = [net(dtype=torch.float64) for _ in range(2)]
    histories = [
        fit(
            model,
            data,
            loss=losses.Focal(gamma=2),
            optimizer=torch.optim.SGD(model.parameters(), lr=0.3),
            epochs=2,
            batch_size=50,
            accumulate=n,
            progress=False,
            class_weight=[1.0, 5.0, 0.5],
        )
        for model, n in zip(models, (1, 7))
    ]
    for p, q in zip(models[0].parameters(), models[1].parameters()):
        torch.testing.assert_close(p, q, rtol=1e-12, atol=1e-12)
    assert histories[0]["loss"] == pytest.approx(histories[1]["loss"], rel=1e-12)


def test_the_users_random_numbers_modes_and_frozen_layers_stay_as_they_were(xy):
    model = net(nn.BatchNorm1d(16), nn.Dropout(0.5))
    model[1].eval()
    before = [module.training for module in model.modules()]
    torch.manual_seed(11)
    state = torch.get_rng_state()
    fit(model, xy, loss="cross_entropy", epochs=1, validation=0.2, progress=False)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model.modules()] == before


def test_the_same_seed_gives_the_same_bits(xy):
    models = [net(nn.Dropout(0.3)) for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1)):
        fit(model, xy, loss="cross_entropy", epochs=2, seed=seed, progress=False)
    assert equal(models[0], models[1]) and not equal(models[0], models[2])


def test_early_stopping_puts_back_a_copy_of_the_best_weights(xy):
    seen = []

    def watch(event):
        if event.kind == "epoch":
            seen.append((event.numbers["val_loss"], {k: v.clone() for k, v in event.model.state_dict().items()}))

    model = net()
    history = fit(
        model,
        xy,
        loss="cross_entropy",
        optimizer="sgd(lr=30.0)",
        schedule=None,
        epochs=40,
        validation=0.3,
        monitor="loss",
        patience=2,
        callbacks=watch,
        progress=False,
    )
    best = min(range(len(seen)), key=lambda i: seen[i][0])
    assert history.stopped == "early" and history.best_epoch == best + 1 and history.holds == "best"
    assert len(history) == best + 3
    assert all(torch.equal(model.state_dict()[name], value) for name, value in seen[best][1].items())


def test_averaged_weights_follow_every_step_and_are_what_the_model_holds(xy):
    ours, theirs = net(), net()
    shadow = [p.detach().clone() for p in theirs.parameters()]
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    step = optimizer.step

    def followed():
        step()
        for s, p in zip(shadow, theirs.parameters()):
            s.lerp_(p.detach(), 1 - 0.9)

    optimizer.step = followed
    by_hand(theirs, *xy, optimizer, nn.CrossEntropyLoss(), 2, 50, 0)
    fit(
        ours,
        xy,
        loss=nn.CrossEntropyLoss(),
        optimizer=torch.optim.SGD(ours.parameters(), lr=0.1),
        epochs=2,
        batch_size=50,
        ema=0.9,
        progress=False,
    )
    for p, s in zip(ours.parameters(), shadow):
        torch.testing.assert_close(p.detach(), s, rtol=1e-6, atol=1e-7)


def test_a_schedule_sets_the_rate_of_every_step(xy):
    rates = []
    fit(
        net(),
        xy,
        loss="cross_entropy",
        optimizer="adamw(lr=0.01)",
        schedule="linear",
        epochs=2,
        batch_size=64,
        callbacks=lambda e: rates.append(e.numbers["learning_rate"]) if e.kind == "step" else None,
        progress=False,
    )
    n = 2 * 4
    expected = optim.schedules.linear(torch.arange(n, dtype=torch.float64), n) * 0.01
    assert rates == pytest.approx(expected.tolist(), rel=1e-12)


@pytest.mark.parametrize("form", ["pairs", "mapping", "several"])
def test_a_loader_is_taken_as_it_is(xy, form):
    x, y = xy

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = net()

        def forward(self, left, right):
            return self.inner(torch.cat([left, right], 1))

    loader = DataLoader(TensorDataset(x, y), batch_size=50)
    model = net() if form == "pairs" else Two()
    if form == "mapping":
        loader = [{"left": a[:, :2], "right": a[:, 2:], "labels": b} for a, b in loader]
    if form == "several":
        loader = [((a[:, :2], a[:, 2:]), b) for a, b in loader]
    plain = net()
    fit(
        model,
        loader,
        loss="cross_entropy",
        optimizer="sgd",
        epochs=2,
        progress=False,
        schedule=None,
        metrics="accuracy",
    )
    fit(
        plain,
        [(a, b) for a, b in DataLoader(TensorDataset(x, y), batch_size=50)],
        loss="cross_entropy",
        optimizer="sgd",
        schedule=None,
        epochs=2,
        progress=False,
    )
    assert equal(plain, model if form == "pairs" else model.inner)


def test_precision_of_halves_trains_about_as_well(xy):
    ends = {}
    for precision in ("float32", "bfloat16", "float16"):
        model = net()
        history = fit(
            model, xy, loss="cross_entropy", epochs=5, precision=precision, learning_rate=0.01, progress=False
        )
        ends[precision] = history["loss"][-1]
    assert ends["bfloat16"] == pytest.approx(ends["float32"], abs=0.05)
    assert ends["float16"] == pytest.approx(ends["float32"], abs=0.05)


def test_pieces_meet_the_loss_scale_that_the_whole_batch_meets(xy):
    """A scaled sum over rows leaves float16's range where the scaled mean does not, and its steps are skipped."""
    ends = []
    for n in (1, 4):
        model = net()
        fit(model, xy, loss="cross_entropy", epochs=2, precision="float16", accumulate=n, progress=False)
        ends.append(nn.utils.parameters_to_vector(model.parameters()))
    assert torch.allclose(*ends, atol=1e-3)  # a skipped step is 1e-2


def test_a_run_that_diverges_says_so_and_stops(xy):
    model = nn.Linear(6, 1)
    history = fit(
        model,
        (xy[0], xy[0][:, :1] * 1e3),
        loss="mse",
        optimizer="sgd(lr=1e12)",
        schedule=None,
        epochs=9,
        progress=False,
    )
    assert history.stopped == "diverged" and len(history) < 9


def test_a_callback_can_stop_and_a_csv_has_a_line_per_epoch(xy, tmp_path):
    table = tmp_path / "log.csv"

    def stop(event):
        if event.kind == "epoch" and event.epoch == 2:
            event.stop("enough")

    history = fit(
        net(), xy, loss="cross_entropy", epochs=9, callbacks=[stop, table], metrics="accuracy", progress=False
    )
    assert history.stopped == "enough" and len(history) == 2
    lines = table.read_text().splitlines()
    assert lines[0].startswith("epoch,loss,accuracy") and len(lines) == 3


class Writer:
    def __init__(self):
        self.told = []

    def add_scalar(self, name, number, step):
        self.told.append((name, number, step))


def test_a_tensorboard_writer_is_known_by_its_method(xy):
    writer = Writer()
    history = fit(net(), xy, loss="cross_entropy", epochs=2, callbacks=writer, progress=False)
    assert [(n, s) for n, _, s in writer.told if n == "loss"] == [("loss", 1), ("loss", 2)]
    assert [v for n, v, _ in writer.told if n == "loss"] == history["loss"]


def test_ctrl_c_ends_after_the_step_and_the_same_call_goes_on(xy, tmp_path):
    def press(event):
        if event.kind == "step" and event.step == 6:
            os.kill(os.getpid(), signal.SIGINT)

    whole = net()
    straight = fit(
        whole, xy, loss="cross_entropy", epochs=4, batch_size=64, validation=0.2, out=tmp_path / "a", progress=False
    )
    first = fit(
        net(),
        xy,
        loss="cross_entropy",
        epochs=4,
        batch_size=64,
        validation=0.2,
        out=tmp_path / "b",
        callbacks=press,
        progress=False,
    )
    assert first.stopped == "interrupted" and "goes on" in first.notes[-1]
    again = net()
    second = fit(
        again, xy, loss="cross_entropy", epochs=4, batch_size=64, validation=0.2, out=tmp_path / "b", progress=False
    )
    assert second.stopped == "finished" and second["loss"] == straight["loss"] and equal(whole, again)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_overfitting_is_a_number_with_an_interval(xy):
    x, y = (
        xy[0][:60],
        torch.randint(3, (60,), generator=torch.Generator().manual_seed(0)),
    )  # nothing to learn but by heart
    model = nn.Sequential(nn.Linear(6, 256), nn.ReLU(), nn.Linear(256, 3))
    gap = fit(
        model, (x, y), loss="cross_entropy", optimizer="adamw(lr=0.01)", epochs=120, validation=0.4, progress=False
    ).gap
    assert gap.is_overfitting and 0 < gap.low < gap.difference < gap.high and "weight decay" in gap.sentence


def test_a_model_given_in_words_is_trained_on_the_scale_of_the_training_part_unless_said_otherwise():
    asked = {"loss": "cross_entropy", "epochs": 1, "progress": False}
    first = {said: fit("linear", "breast_cancer", standardise=said, **asked)["loss"][0] for said in (None, True, False)}
    assert first[None] == first[True] < first[False]
    own = {said: fit(nn.Linear(30, 2), "breast_cancer", standardise=said, **asked)["loss"][0] for said in (None, False)}
    assert all(value > 2 * first[True] for value in own.values())  # one's own module sees the rows as they are


def test_data_that_are_read_bring_task_targets_and_scale():
    history = fit("mlp", "breast_cancer", loss="square", epochs=3, validation=0.3, standardise=True, progress=False)
    assert history["val_accuracy"][-1] > 0.85
    numbers = fit(
        "linear",
        "diabetes",
        epochs=60,
        validation=0.3,
        standardise=True,
        metrics="r2",
        optimizer="sgd(lr=0.05)",
        progress=False,
    )
    assert 0.3 < numbers["val_r2"][-1] < 0.7


@pytest.mark.parametrize(
    "change, kind, says",
    [
        ({"epochs": 0}, UsageError, "epochs is 0"),
        ({"batch_size": 0}, UsageError, "batch_size is 0"),
        ({"accumulate": 1.5}, UsageError, "accumulate is 1.5"),
        ({"precision": "half"}, UsageError, "float16"),
        ({"clip_norm": -1.0}, UsageError, "clip_norm is -1"),
        ({"ema": 1.0}, UsageError, "below 1"),
        ({"patience": 3}, UsageError, "validation=0.2"),
        ({"validation": 1.5}, UsageError, "between 0 and 1"),
        ({"loss": None}, UsageError, "what the targets mean is not known"),
        ({"loss": 3}, UsageError, "loss"),
        ({"optimizer": 3}, UsageError, "optimizer"),
        ({"schedule": 3}, UsageError, "schedule"),
        ({"monitor": "f1", "validation": 0.2}, UsageError, "val_loss"),
        ({"metrics": [3]}, SteepestError, "update, compute and reset"),
        ({"callbacks": [3]}, UsageError, "function of an event"),
        ({"loss": lambda out, y: out}, ShapeError, "one number per batch"),
        ({"class_weight": [1.0, 2.0, 3.0], "loss": nn.CrossEntropyLoss()}, UsageError, "weigh classes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_makes_no_sense_is_refused_with_the_repair(xy, change, kind, says):
    with pytest.raises(kind) as caught:
        fit(net(), xy, **{"loss": "cross_entropy", "epochs": 1, "progress": False, **change})
    assert says in str(caught.value)


def test_models_and_optimizers_that_cannot_train_are_refused(xy):
    with pytest.raises(ModelError, match="raised RuntimeError"):
        fit(nn.Linear(7, 3), xy, loss="cross_entropy", progress=False)
    frozen = net().requires_grad_(False)
    with pytest.raises(ModelError, match="no parameter is trainable"):
        fit(frozen, xy, loss="cross_entropy", progress=False)
    with pytest.raises(UsageError, match="holds no parameter of the model"):
        fit(net(), xy, loss="cross_entropy", optimizer=torch.optim.SGD(net().parameters(), lr=0.1), progress=False)
    with pytest.raises(DataError, match="read once only"):
        fit(net(), iter([xy]), loss="cross_entropy", progress=False)
    with pytest.raises(DataError, match="203 rows and another tensor has 9"):
        fit(net(), (xy[0], xy[1][:9]), loss="cross_entropy", progress=False)


def test_a_batch_that_cannot_be_told_apart_asks_for_unpack():
    with pytest.raises(DataError, match="unpack="):
        unpacked({"image": torch.zeros(2), "mask": torch.zeros(2)})


def test_a_share_of_more_than_all_rows_is_refused_with_what_a_share_is(xy):
    for share in (2, "a fifth"):
        with pytest.raises((DataError, UsageError), match="share between 0 and 1"):
            fit(net(), xy, loss="cross_entropy", epochs=1, validation=share)
    assert "finished after 1 epoch," in repr(fit(net(), xy, loss="cross_entropy", epochs=1))
