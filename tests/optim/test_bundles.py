"""Small parameters go through transforms together, as one tensor; the numbers are those of one by one."""

from __future__ import annotations

import copy
import io

import pytest
import torch

from steepest import optim
from steepest.optim import bundles, transforms
from steepest.optim.bundles import Single, Together
from steepest.optim.chain import Chain

SHAPES = ((4, 3), (3,), (4, 3), (), (3,), (2, 3, 2), (4, 3), ())
CHAINS = [t.name for t in transforms] + [
    "clip_norm(0.5) + cautious + ema(0.9)",
    "clip_value(0.5) + clip_norm(0.3)",
    "accumulate(2) + mars_correction + nesterov + cautious",
    "centralise + lookahead(2) + swa",
]


def model(dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape, generator=draw, dtype=torch.float64).to(dtype)) for shape in SHAPES]


def groups(params: list[torch.Tensor]) -> list[dict]:
    return [{"params": params[:3], "lr": 0.02}, {"params": params[3:]}]


def train(optimizer: torch.optim.Optimizer, n: int, first: int = 0, absent=lambda t, i: False) -> None:
    params = [param for group in optimizer.param_groups for param in group["params"]]
    for t in range(first, first + n):
        draw = torch.Generator().manual_seed(t)
        for i, param in enumerate(params):
            grad = torch.randn(param.shape, generator=draw, dtype=torch.float64).to(param.dtype)
            param.grad = None if absent(t, i) else grad
        optimizer.step(lambda: None)


def one_by_one(monkeypatch) -> None:
    monkeypatch.setattr(bundles, "SMALL_BYTES", -1)


@pytest.fixture
def together(monkeypatch) -> list[int]:
    """One for each bundle that is made."""
    found: list[int] = []
    make = Together.__init__
    monkeypatch.setattr(
        Together,
        "__init__",
        lambda self, chain, group, own, states: found.append(1) or make(self, chain, group, own, states),
    )
    return found


def held(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    params = [param for group in optimizer.param_groups for param in group["params"]]
    states = [optimizer.state[param] for param in params]
    return [*params, *(torch.as_tensor(own[name]) for own in states for name in sorted(own))]


@pytest.mark.parametrize(("rule", "options"), [("adamw", {}), ("sgd", {"maximize": True}), ("prodigy", {})])
@pytest.mark.parametrize("text", CHAINS)
def test_small_parameters_end_where_they_do_one_by_one(text, rule, options, together, monkeypatch):
    def absent(t, i):
        return i == 2 and t in (2, 3) or i == 5 and t < 2  # one that pauses, one that comes late

    decays = any(t.decays and t.name in text for t in transforms)
    options = options | ({} if decays or rule != "adamw" else {"weight_decay": 0.1})
    make = getattr(optim, optim[rule].class_name)
    ends = []
    for alone in (False, True):
        if alone:
            one_by_one(monkeypatch)
        optimizer = make(groups(model()), lr=0.01, transforms=text, **options)
        train(optimizer, 6, absent=absent)
        ends.append(held(optimizer))
        assert bool(together) == (text != "sam" and not alone)
        together.clear()
    for a, b in zip(*ends, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_other_dtypes_end_where_they_do_one_by_one(dtype, monkeypatch):
    ends = []
    for alone in (False, True):
        if alone:
            one_by_one(monkeypatch)
        optimizer = optim.AdamW(model(dtype), lr=0.01, transforms="l2(0.01) + nesterov(0.5) + ema(0.9)")
        train(optimizer, 5)
        ends.append(held(optimizer))
    assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True))


def test_what_makes_a_parameter_unlike_the_others_is_seen_at_every_step(monkeypatch):
    """Loaded states, another dtype of the model, a layout, a new group: all after steps with bundles of the old kind."""

    def change(optimizer, params):
        optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))
        train(optimizer, 2, 10)
        for param in params:
            param.data = param.data.float()
            for name, value in optimizer.state[param].items():
                if isinstance(value, torch.Tensor) and name != "step":
                    optimizer.state[param][name] = value.float()
        train(optimizer, 2, 20)
        params[0].data = torch.empty(3, 4).T.copy_(params[0].data)
        train(optimizer, 2, 30)
        more = [torch.nn.Parameter(torch.ones(3)) for _ in range(2)]
        optimizer.add_param_group({"params": more, "lr": 0.5})
        train(optimizer, 2, 40)
        optimizer.param_groups[0]["params"].pop()
        train(optimizer, 2, 50)

    ends = []
    for alone in (False, True):
        if alone:
            one_by_one(monkeypatch)
        params = model()
        optimizer = optim.AdamW(groups(params), lr=0.01, transforms="clip_norm(0.5) + nesterov(0.5) + ema(0.9)")
        train(optimizer, 3)
        change(optimizer, params)
        ends.append([*params, *held(optimizer)])
    for a, b in zip(*ends, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)  # float32 from the middle on


def test_copies_and_checkpoints_go_on_with_the_same_bits():
    params = model()
    optimizer = optim.AdamW(groups(params), lr=0.01, transforms="clip_norm(0.5) + cautious + ema(0.9)")
    train(optimizer, 3)
    copied = copy.deepcopy(optimizer)
    others = [param for group in copied.param_groups for param in group["params"]]
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    assert file.tell() < 40_000  # states of their own, not views of a tensor of all
    train(optimizer, 3, 3)
    train(copied, 3, 3)
    assert all(torch.equal(a, b) for a, b in zip(params, others))
    assert not any(a.data_ptr() == b.data_ptr() for a, b in zip(params, others))


def test_large_and_unusual_parameters_stay_by_themselves():
    params = [torch.nn.Parameter(torch.ones(shape)) for shape in ((300, 300), (3,), (4,))]
    params += [torch.nn.Parameter(torch.ones(3, dtype=torch.complex64))]
    for param in params:
        param.grad = torch.ones_like(param)
    optimizer = optim.SGD(params, lr=0.1, transforms="clip_value(0.5)")
    optimizer.step()
    found = optimizer._bundles.of(optimizer._chain, optimizer.param_groups, optimizer.state, lambda group: 1.0)
    assert [(type(one), len(one.params)) for one in found] == [(Together, 2), (Single, 1), (Single, 1)]
    assert params[0].eq(0.95).all() and params[1].eq(0.95).all() and params[3].eq(1 - 0.05 + 0j).all()


def test_a_gradient_belongs_to_its_caller_also_after_an_error(monkeypatch):
    params = model()
    optimizer = optim.SGD(params, lr=0.1, transforms="clip_value(0.5)")
    train(optimizer, 1)
    own = [param.grad for param in params]
    monkeypatch.setattr(Chain, "finish", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        optimizer.step()
    assert all(param.grad is grad for param, grad in zip(params, own))
