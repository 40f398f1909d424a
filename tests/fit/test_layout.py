"""In which memory format and on how many threads a run trains, and that a run that goes on keeps both."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset

from steepest.core.errors import UsageError
from steepest.fit import fit, layout, loop, quickest, setup
from steepest.fit.layout import LAYOUTS
from steepest.kernels.images import has_kernels

NEEDS_KERNELS = pytest.mark.skipif(not has_kernels(), reason="no C++ compiler")


class Died(Exception):
    pass


class Views(nn.Module):
    """As articles write it: x.view after the convolutions, which channels_last does not allow."""

    def __init__(self):
        super().__init__()
        self.conv, self.dense = nn.Conv2d(1, 5, 3), nn.Linear(45, 3)

    def forward(self, x):
        x = nn.functional.dropout(nn.functional.max_pool2d(self.conv(x), 2).relu(), 0.2, self.training)
        return self.dense(x.view(-1, 45))


@pytest.fixture(scope="module")
def images():
    draw = torch.Generator().manual_seed(1)
    y = torch.randint(3, (96,), generator=draw)
    return torch.randn(96, 1, 8, 8, generator=draw) + y.reshape(-1, 1, 1, 1), y


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(layout, "_KNOWN", {})


def trained(images, dies_at=None, data="rows", **options):
    torch.manual_seed(5)
    model = Views()

    def die(event):
        if event.kind == "step" and event.step == dies_at:
            raise Died

    given = images if data == "rows" else DataLoader(TensorDataset(*images), batch_size=16)
    asked = {"loss": "cross_entropy", "epochs": 2, "batch_size": 16, "progress": False, "callbacks": die, **options}
    try:
        history = fit(model, given, **asked)
    except Died:
        return model, None
    return model, history


def weights_of(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("data", ["rows", "loader"])
def test_a_model_that_refuses_a_format_is_trained_in_another(images, data):
    model, history = trained(images, data=data)
    assert history.stopped == "finished" and weights_of(model).isfinite().all()


@NEEDS_KERNELS
def test_our_kernels_train_as_torchs_do(images):
    ours, _ = trained(images, memory_format="kernels", epochs=1)
    theirs, _ = trained(images, memory_format="contiguous", epochs=1)
    assert not torch.equal(weights_of(ours), weights_of(theirs))  # else nothing was tried here
    # six steps of nadamw, whose first ones depend on little but the sign of a gradient
    torch.testing.assert_close(weights_of(ours), weights_of(theirs), rtol=1e-3, atol=1e-5)


@NEEDS_KERNELS
@pytest.mark.parametrize("data", ["rows", "loader"])
def test_a_run_goes_on_in_the_format_in_which_it_began(images, tmp_path, monkeypatch, data):
    def always(name):
        monkeypatch.setattr(setup, "fastest", lambda *_, **__: LAYOUTS[name])

    monkeypatch.setattr(loop, "BEAT_S", -1.0)
    always("kernels")
    whole, _ = trained(images, data=data)
    trained(images, dies_at=8, data=data, out=tmp_path, checkpoint_s=0.0)
    always("contiguous")
    resumed, history = trained(images, data=data, out=tmp_path, checkpoint_s=0.0)
    assert history.stopped == "finished" and history.memory_format == "kernels"
    assert torch.equal(weights_of(whole), weights_of(resumed))
    with pytest.raises(UsageError, match="memory_format 'kernels'"):
        trained(images, data=data, out=tmp_path, memory_format="contiguous")


def test_kernels_that_are_not_there_are_refused_with_the_repair(images, monkeypatch):
    monkeypatch.setattr(layout, "has_kernels", lambda: False)
    with pytest.raises(UsageError, match="Install g\\+\\+"):
        trained(images, memory_format="kernels")
    assert trained(images, epochs=1)[1].stopped == "finished"


def test_measuring_leaves_the_random_numbers_and_the_model_alone(images):
    torch.manual_seed(7)
    model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.Dropout(0.5))
    before, state = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    layout.fastest(model, images[0][:16])
    assert torch.equal(state, torch.get_rng_state()) and all(p.grad is None for p in model.parameters())
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_a_run_has_the_threads_that_were_asked_for_and_torch_its_own_again(images, tmp_path):
    seen, before = set(), torch.get_num_threads()

    def look(event):
        seen.add(torch.get_num_threads())

    trained(images, threads=before + 1, epochs=1, callbacks=look, out=tmp_path)
    assert seen == {before + 1} and torch.get_num_threads() == before
    trained(images, epochs=1, callbacks=look, out=tmp_path)  # goes on: nothing left to do, but as it was
    assert seen == {before + 1}
    with pytest.raises(UsageError, match="has threads"):
        trained(images, threads=before, epochs=1, out=tmp_path)


def test_threads_are_measured_on_request(images):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert trained(images, threads="auto", epochs=1)[1].stopped == "finished"
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [0, True, "many", 1.5])
def test_threads_that_make_no_sense_are_refused(images, threads):
    with pytest.raises(UsageError, match="threads"):
        trained(images, threads=threads)


def test_the_quickest_way_is_taken_unless_a_plainer_one_is_about_as_quick(monkeypatch):
    clock = {"now": 0.0}
    monkeypatch.setattr(quickest.time, "perf_counter", lambda: clock["now"])

    def taking(*seconds):
        left = list(seconds)

        def way():
            clock["now"] += left.pop(0) if len(left) > 1 else left[0]

        return way

    def broken():
        raise ValueError("not this one")

    assert quickest.quickest({"plain": taking(0.10), "other": taking(0.095)}) == "plain"
    assert quickest.quickest({"plain": taking(0.10), "other": taking(9.0, 0.05)}) == "plain"  # no second turn after 9 s
    assert quickest.quickest({"plain": taking(0.10), "other": taking(0.4, 0.05)}) == "other"
    assert quickest.quickest({"plain": broken, "other": taking(1.0)}) == "other"
    assert quickest.quickest({"plain": broken}) is None


@NEEDS_KERNELS
def test_kernels_and_layers_that_are_computed_again_are_refused_together():
    class Again(nn.Module):
        def __init__(self):
            super().__init__()
            self.images = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2))
            self.last = nn.Linear(72, 3)

        def forward(self, x):
            return self.last(checkpoint(self.images, x, use_reentrant=False).flatten(1))

    data = (torch.zeros(32, 1, 8, 8), torch.arange(32) % 3)
    asked = {"loss": "cross_entropy", "epochs": 1, "progress": False}
    with pytest.raises(UsageError, match="computes layers again"):
        fit(Again(), data, memory_format="kernels", **asked)
    assert fit(Again(), data, memory_format="contiguous", **asked).stopped == "finished"
