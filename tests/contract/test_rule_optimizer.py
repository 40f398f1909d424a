"""Each rule as a torch.optim.Optimizer: groups, closures, hooks, schedulers, checkpoints, and what it refuses."""

from __future__ import annotations

import copy
import inspect
import io
import math
import pickle

import pytest
import torch
from rule_cases import RULES, batch_of_lr, distance, gradients, solo, start
from torch import nn
from torch.optim import lr_scheduler

from steepest import optim
from steepest.core.errors import DomainError, Unsupported, UsageError
from steepest.optim.optimizer import class_of
from steepest.optim.options import interface_of
from steepest.optim.tensors import state_shape

FACES = [r for r in RULES if not r.solo_only]  # LBFGS needs closures, SparseAdam sparse gradients: tests/optim has them
every_rule = pytest.mark.parametrize("rule", FACES, ids=[r.name for r in FACES])
APART = [r for r in FACES if r.looks_at != "tree"]  # parameters do not see one another
every_rule_apart = pytest.mark.parametrize("rule", APART, ids=[r.name for r in APART])
# Torch's Muon takes matrices alone: tests/optim/test_torch_db.py has it.
twins = [r for r in FACES if (r.equals or "").startswith("torch.optim.") and r.name != "muon"]
every_twin = pytest.mark.parametrize("rule", twins, ids=[r.name for r in twins])


class Run:
    """A model with parameters of several shapes, an optimizer, and gradients that depend on neither."""

    def __init__(self, make, dtype=torch.float32):
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 4)).to(dtype)
        self.model.scale = nn.Parameter(torch.tensor(0.5, dtype=dtype))
        self.optimizer = make(self.model.parameters())
        self.n_steps = 0

    def go(self, n_steps):
        for _ in range(n_steps):
            for i, param in enumerate(self.model.parameters()):
                (param.grad,) = gradients(f"run {self.n_steps} {i}", 1, *param.shape, dtype=param.dtype)
            self.optimizer.step()
            self.n_steps += 1
        return self

    def values(self):
        return torch.cat([p.detach().flatten() for p in self.model.parameters()])

    def fork(self, make):
        """The same parameters and place in the gradients, with a new optimizer."""
        other = copy.copy(self)
        other.model = copy.deepcopy(self.model)
        other.optimizer = make(other.model.parameters())
        return other


def torch_class(rule):
    return getattr(torch.optim, rule.equals.rpartition(".")[2])


# -- as torch uses it ------------------------------------------------------------------------


@every_rule
def test_the_catalogue_gives_the_class_by_its_name(rule):
    cls = getattr(optim, rule.class_name)
    assert cls is class_of(rule) and issubclass(cls, torch.optim.Optimizer)
    assert rule.class_name in dir(optim) and repr(cls([torch.zeros(1)])).startswith(rule.class_name)
    shown = inspect.signature(cls).parameters
    packs = interface_of(rule).packs
    assert set(shown) >= {"params", *packs} and ("weight_decay" in shown or rule.decay == "none")
    for name, hyper in rule.hyper.items():
        pack = next((p for p, parts in packs.items() if name in parts), None)
        default = shown[name].default if pack is None else shown[pack].default[packs[pack].index(name)]
        assert default == hyper.default, name
    assert rule.purpose in cls.__doc__ and rule.source in cls.__doc__


def test_a_misspelt_class_gets_the_nearest_class():
    with pytest.raises(AttributeError, match="Did you mean 'AdamW'"):
        optim.AdmaW  # noqa: B018


@every_rule_apart
def test_each_group_has_its_own_numbers_and_the_rest_from_the_optimizer(rule):
    values = [nn.Parameter(start("groups", 5)) for _ in range(3)]
    low, middle, high = batch_of_lr(rule, 3)
    name = next(n for n in rule.hyper if n != "lr")
    domain = rule.hyper[name].domain
    own = next(v for v in domain.allowed() if v != rule.hyper[name].default)
    stepper = class_of(rule)([{"params": [values[0]], "lr": high}, {"params": [values[1]], name: own}], lr=low)
    stepper.add_param_group({"params": [values[2]], "lr": middle})
    grads = list(gradients("groups", 8, 5))
    for grad in grads:
        for value in values:
            value.grad = grad.clone()
        stepper.step()
    for value, options in zip(values, ({"lr": high}, {"lr": low, name: own}, {"lr": middle})):
        assert torch.equal(value.detach(), solo(rule, start("groups", 5), grads, **options))


@every_rule
def test_a_closure_is_called_once_with_gradients_on_and_its_loss_returned(rule):
    value = nn.Parameter(torch.ones(3))
    stepper = class_of(rule)([value])
    calls = []

    def closure():
        stepper.zero_grad()
        loss = (value**2).sum()
        loss.backward()
        calls.append(loss.item())
        return loss

    assert stepper.step(closure).item() == 3.0 and calls == [3.0]
    stepper.step(closure)
    assert (value < 1).all()


@every_rule
def test_hooks_run_round_a_step(rule):
    order = []
    run = Run(class_of(rule))
    run.optimizer.register_step_pre_hook(lambda *_: order.append("before"))
    run.optimizer.register_step_post_hook(lambda *_: order.append("after"))
    run.go(2)
    assert order == ["before", "after"] * 2


@every_rule
def test_parameters_without_a_gradient_stay_and_keep_no_state(rule):
    still, moved = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    stepper = class_of(rule)([still, moved], lr=0.1)
    moved.grad = torch.ones(2)
    stepper.step()
    stepper.step()  # ADOPT looks at the first gradient only
    assert torch.equal(still.detach(), torch.ones(2)) and (still not in stepper.state or rule.name == "adagrad")
    assert not torch.equal(moved.detach(), torch.ones(2))


@every_rule_apart
def test_a_parameter_whose_gradients_come_later_counts_its_own_steps(rule):
    early, late = (nn.Parameter(start("late", 4)) for _ in range(2))
    stepper = class_of(rule)([early, late])
    grads = list(gradients("late", 9, 4))
    for i, grad in enumerate(grads):
        early.grad, late.grad = grad.clone(), (grad.clone() if i >= 5 else None)
        stepper.step()
    assert torch.equal(early.detach(), solo(rule, start("late", 4), grads))
    assert torch.equal(late.detach(), solo(rule, start("late", 4), grads[5:]))


@every_rule
def test_maximize_climbs_what_it_would_have_descended(rule):
    grads = list(gradients("climb", 6, 4))
    options = {"lr": 0.1, **({"weight_decay": 0.0} if rule.decay != "none" else {})}
    down = solo(rule, torch.zeros(4, dtype=torch.float64), grads, **options)
    up = solo(rule, torch.zeros(4, dtype=torch.float64), grads, **options, maximize=True)
    assert torch.equal(up, -down) and (up != 0).all()


@every_rule
def test_memory_layout_and_dtype_of_parameters_are_kept(rule):
    grads = list(gradients("layout", 5, 2, 3, 4, 5, dtype=torch.float32))
    value = start("layout", 2, 3, 4, 5, dtype=torch.float32)
    plain = solo(rule, value, grads)
    last = nn.Parameter(value.to(memory_format=torch.channels_last))
    half = nn.Parameter(value.bfloat16())
    stepper = class_of(rule)([{"params": [last]}, {"params": [half]}])
    for grad in grads:
        last.grad, half.grad = grad, grad.bfloat16()
        stepper.step()
    assert last.is_contiguous(memory_format=torch.channels_last) and torch.equal(last.detach(), plain)
    assert half.dtype == torch.bfloat16 and half.isfinite().all()
    settings = {name: hyper.default for name, hyper in rule.hyper.items()}
    wide = {name: s for name, s in stepper.state[half].items() if isinstance(s, torch.Tensor) and s.dim() > 0}
    assert wide or not rule.states_with(settings)
    for name, state in wide.items():
        assert state.dtype == torch.bfloat16 and state.shape == state_shape(rule, name, half.shape, settings)


@every_rule
def test_a_complex_parameter_moves_as_its_real_and_imaginary_parts(rule):
    grads = [torch.view_as_complex(g) for g in gradients("complex", 6, 4, 2)]
    value = torch.view_as_complex(start("complex", 4, 2))
    if rule.looks_at != "elementwise":
        with pytest.raises(Unsupported, match="does not support complex parameters"):
            solo(rule, value, grads)
        return
    ours = solo(rule, value, grads, lr=0.01)
    parts = solo(rule, torch.view_as_real(value), [torch.view_as_real(g) for g in grads], lr=0.01)
    assert torch.equal(torch.view_as_real(ours), parts)


# -- schedulers ------------------------------------------------------------------------

SCHEDULERS = {
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=10),
    "one cycle": lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.02, total_steps=20),
    "lambda": lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 0.9**epoch),
    "sequence": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, 0.1), lr_scheduler.ExponentialLR(o, 0.9)], milestones=[5]
    ),
    "plateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=1),
}


@every_twin
@pytest.mark.parametrize("scheduler", SCHEDULERS.values(), ids=SCHEDULERS.keys())
@pytest.mark.parametrize("lr", [0.01, torch.tensor(0.01)], ids=["float", "tensor"])
def test_a_scheduler_of_torch_steers_a_rule_as_it_steers_the_twin(rule, scheduler, lr):
    runs = []
    for cls, extra in ((class_of(rule), {}), (torch_class(rule), rule.equals_with)):
        options = {"weight_decay": 0.01} if rule.decay != "none" else {}
        options |= extra
        options |= {"momentum": 0.9} if "momentum" in rule.hyper else {}  # OneCycleLR steers it
        rate = lr.clone() if isinstance(lr, torch.Tensor) else lr
        try:
            run = Run(lambda p: cls(p, lr=rate, **options))
            scheduled = scheduler(run.optimizer)
        except ValueError as error:
            assert "momentum" in str(error) or "beta1" in str(error)  # neither class has what OneCycleLR cycles
            runs.append(None)
            continue
        rates = []
        for _ in range(15):
            run.go(1)
            scheduled.step(*([1.0] if isinstance(scheduled, lr_scheduler.ReduceLROnPlateau) else []))
            rates.append(float(run.optimizer.param_groups[0]["lr"]))
        runs.append((rates, run.values()))
    if None in runs:
        assert runs == [None, None]
        return
    assert runs[0][0] == runs[1][0] and len(set(runs[0][0])) > 1
    assert distance(runs[0][1], runs[1][1]) < 1e-5


# -- checkpoints ------------------------------------------------------------------------


@every_rule
def test_a_checkpoint_goes_on_to_the_last_bit(rule):
    run = Run(class_of(rule)).go(7)
    file = io.BytesIO()
    torch.save(run.optimizer.state_dict(), file)
    file.seek(0)
    resumed = run.fork(class_of(rule))
    resumed.optimizer.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(resumed.go(7).values(), run.go(7).values())


@every_rule
def test_a_loaded_checkpoint_is_not_written_into(rule):
    run = Run(class_of(rule)).go(3)
    saved = run.optimizer.state_dict()
    kept = copy.deepcopy(saved)
    other = run.fork(class_of(rule))
    other.optimizer.load_state_dict(saved)
    other.go(3)
    for index, state in saved["state"].items():
        for name, value in state.items():
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(kept["state"][index][name])), name


@every_rule
@pytest.mark.parametrize(
    "through", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"]
)
def test_a_copied_optimizer_goes_on_with_its_copied_parameters(rule, through):
    run = Run(class_of(rule)).go(4)
    copied = through(run.optimizer)
    assert type(copied) is type(run.optimizer)
    mine, theirs = run.optimizer.param_groups[0]["params"], copied.param_groups[0]["params"]
    run.go(1)
    for param, grad in zip(theirs, [p.grad for p in mine]):
        param.grad = grad
    copied.step()
    assert all(torch.equal(a, b) for a, b in zip(mine, theirs))


@every_twin
def test_checkpoints_interchange_with_torch_both_ways(rule):
    options = {"lr": 0.02, **({"weight_decay": 0.03} if rule.decay != "none" else {})}
    options |= {**({"momentum": 0.8} if "momentum" in rule.hyper else {})}
    options |= {"betas": (0.7, 0.95)} if "beta1" in rule.hyper else {}
    make = {"ours": class_of(rule), "torch": torch_class(rule)}
    for first, second in (("ours", "torch"), ("torch", "ours")):
        extra = rule.equals_with if first == "torch" else {}
        run = Run(lambda p: make[first](p, **options, **extra)).go(6)
        other = run.fork(make[second])
        file = io.BytesIO()
        torch.save(run.optimizer.state_dict(), file)
        file.seek(0)
        other.optimizer.load_state_dict(torch.load(file, weights_only=True))
        assert distance(other.go(6).values(), run.go(6).values()) < 1e-6, (first, second)
        for name in ("lr", "weight_decay", "momentum", "betas"):
            if name in options:
                assert other.optimizer.param_groups[0][name] == options[name]


def test_a_torch_checkpoint_of_another_rule_is_refused():
    value = nn.Parameter(torch.ones(2))
    coupled = torch.optim.NAdam([value])
    with pytest.raises(UsageError, match="made with decoupled_weight_decay=False") as caught:
        optim.NAdamW([value]).load_state_dict(coupled.state_dict())
    assert "steepest.optim.NAdam" in caught.value.repair


# -- what is refused ------------------------------------------------------------------------


@every_rule
def test_a_number_outside_its_domain_is_refused_for_the_optimizer_and_for_a_group(rule):
    """Where torch has the class, its ranges hold, which are wider; but what is not finite never passes."""
    value = nn.Parameter(torch.ones(2, 2))
    namesake = interface_of(rule).namesake
    for hyper in rule.hyper.values():
        for bad in hyper.domain.forbidden():
            if namesake is None or (isinstance(bad, float) and not math.isfinite(bad)):
                with pytest.raises(DomainError, match=f"{hyper.name} is"):
                    class_of(rule)([value], **{hyper.name: bad})
                if not any(hyper.name in parts for parts in interface_of(rule).packs.values()):
                    with pytest.raises(DomainError, match=f"{hyper.name} is"):
                        class_of(rule)([{"params": [value], hyper.name: bad}])
        for good in hyper.domain.allowed():
            if namesake is None:
                class_of(rule)([value], **{hyper.name: good})
    if rule.decay != "none":
        with pytest.raises(DomainError, match="-0.1"):
            class_of(rule)([value], weight_decay=-0.1)


@every_twin
def test_a_class_of_torch_s_name_accepts_and_refuses_what_torch_does(rule):
    interface = interface_of(rule)
    for hyper in rule.hyper.values() if interface.namesake is not None else ():
        for number in [*hyper.domain.allowed(), *hyper.domain.forbidden()]:
            if isinstance(number, float) and not math.isfinite(number):
                continue  # torch lets it pass
            options = interface.packed({**interface.unpacked(torch_class(rule)([torch.ones(2, 2)]).defaults)})
            given = interface.packed({**interface.unpacked(options), hyper.name: number})
            seen = []
            for cls in (class_of(rule), interface.namesake):
                known = inspect.signature(cls).parameters
                try:
                    seen.append(type(cls([torch.ones(2, 2)], **{n: v for n, v in given.items() if n in known})))
                except (ValueError, TypeError) as error:
                    seen.append(str(error).split(": ", 1)[-1] if cls is not interface.namesake else str(error))
            ours, torchs = seen
            assert isinstance(ours, type) == isinstance(torchs, type), (hyper.name, number)
            assert isinstance(ours, type) or ours.startswith(torchs), (hyper.name, number)


@every_rule
def test_one_learning_rate_per_trial_is_refused_with_the_way_to_it(rule):
    with pytest.raises(ValueError, match="Tensor lr must be 1-element") as caught:
        class_of(rule)([nn.Parameter(torch.ones(2, 2))], lr=torch.ones(3))
    assert "StackedRule" in caught.value.repair


@every_rule
def test_sparse_gradients_move_their_rows_or_are_refused(rule):
    table, same = nn.Embedding(5, 2, sparse=True), nn.Embedding(5, 2)
    same.load_state_dict(table.state_dict())
    stepper = class_of(rule)(table.parameters(), lr=0.1)
    dense = class_of(rule)(same.parameters(), lr=0.1)
    for _ in range(3):
        for each, optimizer in ((table, stepper), (same, dense)):
            optimizer.zero_grad()
            (each(torch.tensor([1, 2, 2])) ** 2).sum().backward()
        if rule.name not in ("sgd", "adagrad"):
            with pytest.raises(Unsupported, match="does not support sparse gradients"):
                stepper.step()
            return
        stepper.step()
        dense.step()
        assert torch.equal(table.weight, same.weight) and not torch.equal(table.weight[1], table.weight[0])


@every_rule
def test_an_unknown_argument_gets_the_nearest_name(rule):
    with pytest.raises(TypeError, match="Did you mean 'maximize'"):
        class_of(rule)([nn.Parameter(torch.ones(2))], maximise=True)
