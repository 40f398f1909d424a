"""Live objects are as before, to the last bit: model, buffers, optimizer, random numbers, loader."""

from __future__ import annotations

import copy
import random

import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

import steepest

X = torch.randn(96, 6, generator=torch.Generator().manual_seed(0))
Y = X[:, :3].argmax(1)


class Counting(nn.Module):
    """Keeps account of its calls, as a number and a buffer."""

    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.GRU(6, 8, batch_first=True), nn.Linear(8, 3)
        self.register_buffer("seen", torch.zeros(()))
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        self.seen += len(x)
        return self.head(self.rnn(x[:, None])[0][:, -1])


def partly_frozen():
    net = nn.Sequential(spectral_norm(nn.Linear(6, 8)), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))
    net[2].requires_grad_(False)
    return net


MODELS = {
    "counting": Counting,
    "partly frozen": partly_frozen,
    "linear": lambda: nn.Linear(6, 3),
    "norm and dropout": lambda: nn.Sequential(
        nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3)
    ),
    "softmax": lambda: nn.Sequential(nn.Linear(6, 3), nn.Softmax(dim=1)),
}
OPTIMIZERS = {
    "sgd": lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.9),
    "adam": lambda ps: torch.optim.Adam(ps, lr=0.01),
    "in groups": lambda ps: torch.optim.AdamW(
        [{"params": [p], "lr": 1e-3 * (i + 1)} for i, p in enumerate(ps)], amsgrad=True
    ),
    "lbfgs": lambda ps: torch.optim.LBFGS(ps, max_iter=2),
    "none": lambda ps: None,
}


def loader(shuffle, own_generator):
    generator = torch.Generator().manual_seed(3) if own_generator else None
    if shuffle == "weighted":
        drawn = WeightedRandomSampler(torch.ones(len(X)), len(X), generator=generator)
        return DataLoader(TensorDataset(X, Y), batch_size=16, sampler=drawn, generator=generator)
    return DataLoader(TensorDataset(X, Y), batch_size=16, shuffle=shuffle, generator=generator)


def state(model, optimizer, data):
    """Everything that a check could disturb."""
    tensors = [*model.state_dict().values(), *(p.grad for p in model.parameters() if p.grad is not None)]
    kept = (
        []
        if optimizer is None
        else [v for s in optimizer.state.values() for v in s.values() if isinstance(v, torch.Tensor)]
    )
    generators = [] if data.generator is None else [data.generator.get_state()]
    return (
        [t.clone() for t in (*tensors, *kept, *generators, torch.get_rng_state())],
        random.getstate(),
        numpy.random.get_state()[1].tolist(),
    )


@settings(max_examples=15)
@given(
    st.sampled_from(sorted(MODELS)),
    st.sampled_from(sorted(OPTIMIZERS)),
    st.sampled_from([True, False, "weighted"]),
    st.booleans(),
    st.booleans(),
)
def test_nothing_is_changed_by_a_check(model, optimizer, shuffle, own_generator, training):
    net = MODELS[model]().train(training)
    opt, data = OPTIMIZERS[optimizer](net.parameters()), loader(shuffle, own_generator)
    if opt is not None:
        loss = nn.functional.cross_entropy(net(X), Y)
        loss.backward()
        opt.step(lambda: loss.detach())
    begun = iter(data)
    next(begun)
    before = state(net, opt, data)
    modes = [m.training for m in net.modules()]
    counts = net.calls if isinstance(net, Counting) else 0
    report = steepest.check(net, nn.CrossEntropyLoss(), opt, data)
    assert not counts or counts == net.calls
    after = state(net, opt, data)
    assert len(before[0]) == len(after[0]) and all(torch.equal(a, b) for a, b in zip(before[0], after[0]))
    assert before[1:] == after[1:] and modes == [m.training for m in net.modules()]
    assert ([f.code for f in report.findings if f.severity == "error"] == ["L01"]) == (model == "softmax")
    assert len(list(begun)) == len(data) - 1  # an iterator that was begun goes on where it was


def test_torch_is_as_before_after_a_watch():
    names = [
        (nn.Module, "__call__"),
        (torch.Tensor, "backward"),
        (torch.optim.Optimizer, "zero_grad"),
        (DataLoader, "__iter__"),
        (torch, "save"),
    ]
    before = [getattr(owner, name) for owner, name in names]
    with steepest.watch():
        assert nn.Module.__call__ is not before[0]
    assert [getattr(owner, name) for owner, name in names] == before


def test_a_watched_loop_trains_as_without_and_is_left_alone_after_its_steps():
    nets = [MODELS["linear"]()]
    nets.append(copy.deepcopy(nets[0]))
    for i, net in enumerate(nets):
        opt = torch.optim.SGD(net.parameters(), lr=0.1)
        with steepest.watch(net, opt, steps=5) if i else steepest.watch(steps=1) as seen:
            for _ in range(9):
                opt.zero_grad()
                nn.functional.cross_entropy(net(X), Y).backward()
                opt.step()
        assert seen.recorder.run.steps == (5 if i else 1)
    assert torch.equal(nets[0].weight, nets[1].weight)


def test_a_watched_loop_without_zero_grad_is_told():
    net = MODELS["linear"]()
    opt = torch.optim.SGD(net.parameters(), lr=0.01)
    with pytest.warns(UserWarning, match="Z01"), steepest.watch(net, opt) as seen:
        for _ in range(8):
            nn.functional.cross_entropy(net(X), Y).backward()
            opt.step()
    assert seen.report.codes() == ["Z01"]


@pytest.mark.parametrize(
    "data",
    [(X, Y), [(X[:32], Y[:32])] * 3, TensorDataset(X, Y), DataLoader(TensorDataset(X, Y), batch_size=32)],
    ids=["pair", "list", "dataset", "loader"],
)
def test_data_may_come_in_several_forms(data):
    net = MODELS["softmax"]()
    assert steepest.check(net, nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters()), data).codes() == ["L01"]


def test_an_iterator_is_left_alone_and_that_is_said():
    net, once = MODELS["linear"](), iter([(X, Y)])
    report = steepest.check(net, nn.CrossEntropyLoss(), None, once)
    assert report.findings == [] and "read once" in report.not_run[0].why
    assert len(list(once)) == 1


def test_what_is_no_model_is_refused():
    with pytest.raises(steepest.SteepestError, match=r"nn\.Module"):
        steepest.check(lambda x: x, nn.MSELoss(), None, (X, Y))


@pytest.mark.parametrize("loss", [steepest.losses.cross_entropy, steepest.losses.CrossEntropy(), steepest.losses.focal])
def test_our_own_losses_are_known_too(loss):
    assert steepest.check(MODELS["softmax"](), loss, None, (X, Y)).codes() == ["L01"]
    assert steepest.check(MODELS["linear"](), loss, None, (X, Y)).codes() == []


def test_fit_refuses_what_cannot_learn_and_trains_all_the_same_when_told_to():
    net = MODELS["softmax"]()
    before = [p.clone() for p in net.parameters()]
    with pytest.raises(steepest.SteepestError, match="L01") as caught:
        steepest.fit(net, (X, Y), loss="cross_entropy", epochs=1, progress=False)
    assert caught.value.report.codes() == ["L01"] and all(torch.equal(a, b) for a, b in zip(before, net.parameters()))
    steepest.fit(net, (X, Y), loss="cross_entropy", epochs=1, progress=False, check=False)
    assert not all(torch.equal(a, b) for a, b in zip(before, net.parameters()))
