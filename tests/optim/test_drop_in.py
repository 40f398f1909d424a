"""Code written for torch.optim runs with steepest.optim in its place: arguments by position, other tools, gradients through steps."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler, swa_utils

from steepest import optim
from steepest.optim.options import interface_of

ALL = [name for name in torch.optim.__all__ if isinstance(getattr(torch.optim, name), type) and name != "Optimizer"]


def test_every_class_of_torch_is_here_with_its_arguments_in_their_order():
    assert len(ALL) >= 15
    for name in ALL:
        ours = [p for p in inspect.signature(getattr(optim, name)).parameters.values()]
        theirs = [p for p in inspect.signature(getattr(torch.optim, name)).parameters.values()]
        assert ours[: len(theirs)] == theirs, name
        assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in ours[len(theirs) :]), name


def test_the_module_offers_what_torch_s_offers():
    for_export = {"swap_in_optimizer_params_and_state"}  # younger than the oldest torch that we take
    assert set(torch.optim.__all__) - for_export <= set(dir(optim))
    assert optim.Optimizer is torch.optim.Optimizer and optim.lr_scheduler is lr_scheduler


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("SGD", (0.1, 0.9, 0.1, 0.01)),
        ("Adam", (0.1, (0.8, 0.9), 1e-6, 0.01, True)),
        ("RMSprop", (0.1, 0.9, 1e-6, 0.01, 0.5, True)),
        ("Adagrad", (0.1, 0.2, 0.01, 0.3, 1e-6)),
        ("Rprop", (0.1, (0.4, 1.3), (1e-5, 3.0))),
        ("ASGD", (0.1, 1e-3, 0.7, 10.0, 0.01)),
        ("Adafactor", (0.1, -0.7, (1e-8, 1e-2), 1.5, 0.01)),
    ],
)
def test_arguments_by_position_mean_what_they_mean_in_torch(name, values):
    groups = [
        cls([torch.zeros(2, 2)], *values).param_groups[0] for cls in (getattr(optim, name), getattr(torch.optim, name))
    ]
    ours, theirs = ({k: v for k, v in group.items() if k != "params"} for group in groups)
    assert {k: ours[k] for k in theirs} == theirs
    with pytest.raises(TypeError, match="too many positional arguments"):
        getattr(optim, name)([torch.zeros(2, 2)], *values, *[0.0] * 12)


@pytest.mark.parametrize("rule", [r for r in optim if interface_of(r).namesake is None], ids=lambda rule: rule.name)
def test_rules_that_torch_lacks_follow_its_conventions(rule):
    """lr first, betas as a tuple, and what every class of torch takes by keyword."""
    shown = inspect.signature(getattr(optim, rule.class_name)).parameters
    assert list(shown)[:2] == ["params", "lr"] and not any(
        name.startswith("beta") and name != "betas" for name in shown
    )
    if "beta2" in rule.hyper:
        assert list(shown)[2] == "betas" and isinstance(shown["betas"].default, tuple)
        betas = tuple(beta / 2 for beta in shown["betas"].default if beta is not None)
        if len(betas) == len(shown["betas"].default):
            by_tuple = getattr(optim, rule.class_name)([torch.zeros(2, 2)], shown["lr"].default, betas)
            assert by_tuple.param_groups[0]["betas"] == betas
    assert {"maximize", "foreach", "capturable", "differentiable", "fused"} <= set(shown)


def test_names_of_parameters_are_kept_in_groups_and_checkpoints():
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    optimizer = optim.AdamW(model[0].named_parameters(), lr=0.1)
    optimizer.add_param_group({"params": list(model[1].named_parameters()), "lr": 0.2})
    names = [group["param_names"] for group in optimizer.state_dict()["param_groups"]]
    assert names == [["weight", "bias"], ["weight", "bias"]]


def test_adamw_reads_adam_s_checkpoint_and_keeps_its_own_decay():
    value = nn.Parameter(torch.ones(2))
    value.grad = torch.ones(2)
    adam = torch.optim.Adam([value], lr=0.1, weight_decay=0.5)
    adam.step()
    adamw = optim.AdamW([value])
    adamw.load_state_dict(adam.state_dict())
    assert adamw.param_groups[0]["decoupled_weight_decay"] is True and adamw.param_groups[0]["weight_decay"] == 0.5


@pytest.mark.parametrize("fused", [None, True])
def test_a_scaler_of_gradients_skips_the_steps_that_torch_s_skips(fused):
    found = []
    for cls in (optim.AdamW, torch.optim.AdamW):
        torch.manual_seed(0)
        model = nn.Linear(3, 2)
        optimizer, scaler = cls(model.parameters(), lr=0.1, fused=fused), torch.amp.GradScaler("cpu", init_scale=1024.0)
        for step in range(6):
            optimizer.zero_grad()
            loss = model(torch.full((4, 3), float("inf") if step == 2 else step + 1.0)).pow(2).mean()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        found.append((model.weight.detach(), scaler.get_scale(), optimizer.state[model.weight]["step"].item()))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-6) and found[0][1:] == found[1][1:] == (512.0, 5.0)


def test_averaged_models_and_their_schedule_work_with_ours():
    model = nn.Linear(2, 1)
    average, optimizer = swa_utils.AveragedModel(model), optim.SGD(model.parameters(), 0.1, 0.9)
    schedule = swa_utils.SWALR(optimizer, swa_lr=0.05, anneal_epochs=2)
    chained = lr_scheduler.ChainedScheduler([lr_scheduler.ExponentialLR(optimizer, 0.9)])
    for _ in range(4):
        optimizer.zero_grad()
        model(torch.ones(3, 2)).sum().backward()
        optimizer.step()
        average.update_parameters(model)
        schedule.step()
        chained.step()
    assert average.n_averaged == 4 and optimizer.param_groups[0]["swa_lr"] == 0.05


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "RAdam", "Adamax", "Adadelta"])
@pytest.mark.parametrize("option", ["lr", "weight_decay"])
def test_an_option_learns_through_the_steps_that_it_made(name, option):
    """Seven steps along fixed gradients; the slope of where they end is that of a difference quotient."""
    source = torch.Generator().manual_seed(0)
    grads = torch.randn(7, 3, generator=source, dtype=torch.float64)

    def end(value):
        place = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64).requires_grad_() * 1.0
        optimizer = getattr(optim, name)([place], **{"lr": 0.1, option: value}, differentiable=True)
        for grad in grads:
            place.grad = grad.clone()
            optimizer.step()
        return (place**2).sum()

    at, h = torch.tensor(0.05, dtype=torch.float64, requires_grad=True), 1e-6
    (slope,) = torch.autograd.grad(end(at), at)
    quotient = (end(at.detach() + h) - end(at.detach() - h)) / (2 * h)
    assert slope != 0 and slope.item() == pytest.approx(quotient.item(), rel=1e-6)


def test_torch_s_compiler_leads_round_a_step():
    """It would trace step counts and compile anew at every step."""
    model = nn.Linear(3, 2)
    optimizer = optim.AdamW(model.parameters(), lr=0.1)
    model(torch.ones(1, 3)).sum().backward()
    step, before = torch.compile(optimizer.step, backend="eager"), model.weight.detach().clone()
    torch._dynamo.utils.counters.clear()
    for _ in range(12):
        step()
    assert optimizer.state[model.weight]["step"] == 12 and not torch.equal(model.weight, before)
    assert not torch._dynamo.utils.counters["recompiles"]


@pytest.mark.parametrize("transforms", [None, "clip_norm(0.1) + cautious + ema(0.9)"])
def test_a_compiled_training_step_has_the_bits_of_the_plain_one_and_is_compiled_once(transforms):
    ends = []
    for compiles in (False, True):
        torch.manual_seed(0)
        model, x = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)), torch.randn(16, 4)
        optimizer = optim.NAdamW(model.parameters(), lr=0.1, transforms=transforms)

        def step():
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()

        taken = torch.compile(step, backend="eager") if compiles else step
        for turn in range(5):
            taken()
            if turn == 1:  # the second call finds gradients of None, and is compiled for them
                torch._dynamo.utils.counters.clear()
        ends.append([p.detach() for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*ends))
    assert not torch._dynamo.utils.counters["recompiles"]


def test_one_graph_of_all_is_refused_with_the_repair():
    param = nn.Parameter(torch.ones(2))
    param.grad = torch.ones(2)
    step = torch.compile(optim.SGD([param], lr=0.1).step, backend="eager", fullgraph=True)
    with pytest.raises(RuntimeError, match="compile without fullgraph=True"):
        step()
    assert param.eq(1).all()


@pytest.mark.slow  # a minute of the compiler
@pytest.mark.parametrize("rule", ["AdamW", "SGD", "Lion", "Muon", "Prodigy", "ScheduleFreeAdamW"])
@pytest.mark.parametrize("what", ["step", "training step"])
def test_a_step_compiled_as_users_do_ends_where_the_plain_one_does(rule, what):
    ends = []
    for compiles in (False, True):
        torch.manual_seed(0)
        model, x = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).double(), torch.randn(16, 4).double()
        optimizer = getattr(optim, rule)(model.parameters(), lr=0.01)

        def backward():
            optimizer.zero_grad()
            (model(x) - 1).square().mean().backward()

        def train():
            backward()
            optimizer.step()

        step = optimizer.step
        if compiles:
            train, step = torch.compile(train), torch.compile(step)
        for _ in range(5):
            if what == "step":
                backward()
                step()
            else:
                train()
        ends.append([p.detach() for p in model.parameters()])
    for a, b in zip(*ends):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)  # inductor's gradients are rounded otherwise


def test_ours_may_be_put_in_torch_s_place():
    """In a process of its own: the names of torch.optim are changed for good."""
    code = (
        "import torch, steepest.optim as ours\n"
        "for name in ('Adam', 'AdamW', 'NAdam', 'SGD'): setattr(torch.optim, name, getattr(ours, name))\n"
        "p = torch.nn.Parameter(torch.ones(2)); p.grad = torch.ones(2)\n"
        "for cls in (torch.optim.Adam, torch.optim.AdamW, torch.optim.NAdam, ours.NAdamW):\n"
        "    o = cls([p], lr=0.1); o.step(); o.load_state_dict(o.state_dict()); o.step()\n"
        "print(type(o).__module__)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stdout.strip() == "steepest.optim", done.stderr


@pytest.mark.parametrize("model", [nn.Linear(3, 2), nn.Sequential(nn.Linear(3, 2))])
def test_the_model_in_place_of_its_parameters_is_refused_with_the_call_that_works(model):
    with pytest.raises(TypeError, match=r"NAdamW\(model.parameters\(\), ...\)"):
        optim.NAdamW(model, lr=1e-3)
