"""Every configuration that torch tests its optimizers with: ours walk torch's way, in each dtype, and go on from its checkpoints."""

from __future__ import annotations

import copy
import io
import pickle
import re
import warnings
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing._internal.common_optimizers import OptimizerErrorEnum, optim_db
from torch_db import CASES, CPU, DENSE, Run, ulps

from steepest import optim
from steepest.core.errors import SteepestError
from steepest.optim.options import EXECUTION

every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_class = pytest.mark.parametrize("info", DENSE, ids=lambda info: info.name)

# Units of the last place after 25 steps, of the largest parameter. 0: torch's operations in torch's order. NAdam, ASGD and
# RMSprop fold factors that torch multiplies one by one; Adafactor's mean squares are means, torch's are squared norms.
ULPS = {"NAdam": 8, "ASGD": 8, "RMSprop": 8, "RAdam": 2, "Adafactor": 32, "SGD": 2}


def ours(case, **more):
    if case.info.name == "Muon":
        more = {"iterate_in": "bfloat16", **more}  # torch's way; ours by default is the parameter's dtype on a CPU
    return lambda params, **said: case.ours(params, **{**case.kwargs(), **more, **said})


def torchs(case, **more):
    return lambda params, **said: case.torchs(params, **{**case.kwargs(), **more, **said})


@pytest.fixture
def double_counts():
    """Torch keeps some numbers of its states (eta, mu_product) in the default dtype; ours are always float64."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


# -- the way -----------------------------------------------------------------------------------------------------------


@every_case
@pytest.mark.parametrize("complex_too", [False, True], ids=["real", "complex"])
def test_in_float64_the_way_is_torch_s_to_the_last_bits(case, complex_too, double_counts):
    if complex_too and not case.info.supports_complex:
        pytest.skip("refused by torch and by us")
    dtype = torch.complex128 if complex_too else torch.float64
    mine, theirs = (Run(make(case), case, dtype, seed=1).go().values() for make in (ours, torchs))
    if case.info.name == "Muon":  # bfloat16 inside: a last bit of the momentum flips a rounding of 2**-9
        assert (mine - theirs).abs().max() < 1e-2 * case.options.get("lr", 1e-3) * 25
    else:
        assert ulps(theirs, mine) <= ULPS.get(case.info.name, 0) + 8 * complex_too


@every_case
def test_in_float32_the_way_is_torch_s_to_a_few_last_bits(case):
    mine, theirs = (Run(make(case), case, torch.float32, seed=2).go().values() for make in (ours, torchs))
    if case.info.name == "Muon":
        assert (mine - theirs).abs().max() < 1e-2 * case.options.get("lr", 1e-3) * 25
    else:
        assert ulps(theirs, mine) <= ULPS.get(case.info.name, 0)


@every_case
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
def test_in_half_precision_a_step_is_that_of_float64_rounded_once(case, dtype):
    """Torch's loop rounds after every operation. A few of ours round elsewhere: float32 inside, and ties."""
    if case.info.name in ("Muon", "Adafactor"):
        pytest.skip("they look at whole tensors, in the parameter's dtype")
    half = Run(ours(case), case, dtype, seed=1)
    n_elsewhere = 0
    for _ in range(10):
        exact = half.fork(ours(case))
        exact.params = [nn.Parameter(p.detach().double()) for p in half.params]
        exact.optimizer, exact.dtype = ours(case)(exact.params), torch.float64
        exact.optimizer.load_state_dict(half.optimizer.state_dict())
        rounded, mine = exact.go(1).values().to(dtype), half.go(1).values()
        assert ((rounded - mine).abs() <= torch.finfo(dtype).eps * mine.abs()).all()
        n_elsewhere += int((rounded != mine).sum())
    assert n_elsewhere <= 0.01 * 10 * len(mine)


@every_class
@pytest.mark.parametrize("flag", ["foreach", "fused", "differentiable"])
def test_how_torch_computes_may_be_asked_for_and_changes_no_more_than_rounding(info, flag):
    case = next(c for c in CASES if c.info is info)
    if flag not in torch_arguments(info):
        with pytest.raises(TypeError, match=f"no argument '{flag}'"):
            Run(ours(case, **{flag: True}), case, torch.float64, seed=3)
        return
    plain = Run(ours(case), case, torch.float64, seed=3).go().values()
    other = Run(ours(case, **{flag: True}), case, torch.float64, seed=3)
    if flag == "differentiable":
        for param in other.params:
            param.requires_grad_(False)
    assert ulps(plain, other.go().values()) <= 16


def torch_arguments(info):
    return info.optim_cls.__init__.__code__.co_varnames


@every_class
def test_a_step_is_captured_on_accelerators_only(info):
    case = next(c for c in CASES if c.info is info)
    if not info.has_capturable_arg:
        with pytest.raises(TypeError, match="no argument 'capturable'"):
            Run(ours(case, capturable=True), case, torch.float32, seed=0)
        return
    with pytest.raises(RuntimeError, match="If capturable=True, params and state_steps must be on supported devices"):
        Run(ours(case, capturable=True), case, torch.float32, seed=0).go(1)


@every_class
def test_captured_arithmetic_is_the_plain_one(info, monkeypatch):
    """On a CPU in place of an accelerator: the numbers are tensors, none is read back."""
    if not info.has_capturable_arg:
        pytest.skip("torch has no such option")
    monkeypatch.setattr("steepest.optim.acceptance.CAPTURING", ("cpu",))
    case = next(c for c in CASES if c.info is info)
    plain = Run(ours(case), case, torch.float64, seed=4)
    captured = Run(ours(case, capturable=True), case, torch.float64, seed=4)
    monkeypatch.setattr(torch.Tensor, "item", lambda _: pytest.fail("a value was read back"))
    captured.go()
    monkeypatch.undo()
    assert ulps(plain.go().values(), captured.values()) <= 16


# -- groups, closures, schedulers --------------------------------------------------------------------------------------


@every_case
def test_a_group_s_own_numbers_act_as_torch_s(case, double_counts):
    def grouped(make):
        def build(params):
            groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.03}]
            if "weight_decay" in torch_arguments(case.info) and case.info.name != "AdamW":
                groups[1]["weight_decay"] = 0.3
            return make(groups)

        return Run(build, case, torch.float64, seed=5).go(10)

    mine, theirs = grouped(ours(case)), grouped(torchs(case))
    for own, other in zip(mine.optimizer.param_groups, theirs.optimizer.param_groups):
        assert set(own) >= set(other)
        assert all(own[name] == value for name, value in other.items() if name != "params")
    assert (mine.values() - theirs.values()).abs().max() < (0.02 if case.info.name == "Muon" else 1e-12)


@every_class
def test_all_groups_of_schedulers_that_torch_tries_steer_ours_as_its_own(info):
    case = next(c for c in CASES if c.info is info)
    for constructors in info.scheduler_inputs:
        runs = []
        for make in (ours(case), torchs(case)):
            run = Run(make, case, torch.float64, seed=6)
            schedulers = [constructor(run.optimizer) for constructor in constructors]
            rates = []
            for step in range(15):
                run.go(1)
                for each in schedulers:
                    each.step(*([1.0] if isinstance(each, torch.optim.lr_scheduler.ReduceLROnPlateau) else []))
                rates.append(float(run.optimizer.param_groups[0]["lr"]))
                assert run.optimizer.param_groups[0]["lr"] is not None, step
            runs.append((rates, run.values()))
        assert runs[0][0] == runs[1][0]
        assert (runs[0][1] - runs[1][1]).abs().max() < (0.02 if info.name == "Muon" else 1e-6)


@every_class
def test_closures_and_hooks_are_called_as_torch_calls_them(info):
    case = next(c for c in CASES if c.info is info)
    heard = []
    for make in (ours(case), torchs(case)):
        run = Run(make, case, torch.float64, seed=7).go(1)
        calls = []
        run.optimizer.register_step_pre_hook(lambda o, args, kwargs, calls=calls: calls.append("before"))
        run.optimizer.register_step_post_hook(lambda o, args, kwargs, calls=calls: calls.append("after"))
        run.optimizer.register_state_dict_pre_hook(lambda o, calls=calls: calls.append("save"))
        run.optimizer.register_state_dict_post_hook(lambda o, saved, calls=calls: calls.append(sorted(saved)))
        run.optimizer.register_load_state_dict_pre_hook(lambda o, saved, calls=calls: calls.append("load"))
        run.optimizer.register_load_state_dict_post_hook(lambda o, calls=calls: calls.append("loaded"))

        def closure(calls=calls):
            calls.append(torch.is_grad_enabled())
            return torch.tensor(3.0)

        calls.append(run.optimizer.step(closure).item())
        run.optimizer.load_state_dict(run.optimizer.state_dict())
        heard.append(calls)
    assert heard[0] == heard[1] and len(heard[0]) == 8


@every_class
def test_parameters_without_gradients_and_empty_ones_are_left_alone(info):
    case = next(c for c in CASES if c.info is info)
    empty = nn.Parameter(torch.zeros(0, 3))
    run = Run(lambda params: case.ours([*params, empty]), case, torch.float32, seed=8)
    before = run.values()
    run.optimizer.step()
    assert torch.equal(run.values(), before)
    empty.grad = torch.zeros(0, 3)
    run.go(2)
    assert not torch.equal(run.values(), before) and run.values().isfinite().all()


# -- checkpoints -------------------------------------------------------------------------------------------------------

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16, torch.complex64]


def saved(optimizer):
    """Its checkpoint after a way through a file that may hold plain values and tensors only."""
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@every_case
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: str(dtype)[6:])
def test_a_resumed_run_repeats_every_bit_in_every_dtype(case, dtype):
    if dtype.is_complex and not case.info.supports_complex:
        pytest.skip("refused by torch and by us")
    run = Run(ours(case), case, dtype, seed=9).go(7)
    resumed = run.fork(ours(case))
    resumed.optimizer.load_state_dict(saved(run.optimizer))
    assert torch.equal(resumed.go(7).values(), run.go(7).values())


@every_case
@pytest.mark.parametrize("dtype", DTYPES[:3], ids=lambda dtype: str(dtype)[6:])
def test_checkpoints_go_both_ways_between_torch_and_us(case, dtype):
    for first, second in ((ours, torchs), (torchs, ours)):
        run = Run(first(case), case, dtype, seed=10).go(6)
        other = run.fork(second(case))
        other.optimizer.load_state_dict(saved(run.optimizer))
        one, two = run.go(6).values(), other.go(6).values()
        assert (one - two).abs().max() <= (1e-5 if dtype != torch.bfloat16 else 0.06) * one.abs().max()


@every_case
def test_states_bear_torch_s_names_and_shapes(case):
    runs = [Run(make(case), case, torch.float32, seed=11).go(3) for make in (ours, torchs)]
    mine, theirs = (run.optimizer.state_dict() for run in runs)
    assert set(mine["state"]) == set(theirs["state"])
    for index, state in theirs["state"].items():
        extra = {"step"} if case.info.name == "Muon" else set()
        assert set(mine["state"][index]) - extra == set(state)
        for name, value in state.items():
            assert mine["state"][index][name].shape == value.shape, name
            if name not in ("mu_product", "eta", "mu"):  # float64 here, that a resumed run repeats them
                assert mine["state"][index][name].dtype == value.dtype, name
    for own, other in zip(mine["param_groups"], theirs["param_groups"]):
        assert {name: own[name] for name in other} == other


@every_class
def test_checkpoints_of_older_torches_are_read(info):
    """Without the options that came later, and with step counts that are plain numbers."""
    case = next(c for c in CASES if c.info is info)
    run = Run(ours(case), case, torch.float32, seed=12).go(3)
    old = copy.deepcopy(run.optimizer.state_dict())
    for group in old["param_groups"]:
        for name in [*EXECUTION, "maximize", "amsgrad", "decoupled_weight_decay"]:
            group.pop(name, None)
    for state in old["state"].values():
        if "step" in state:
            state["step"] = state["step"].item()
    resumed = run.fork(ours(case))
    resumed.optimizer.load_state_dict(old)
    assert torch.equal(resumed.go(3).values(), run.go(3).values())


@every_class
@pytest.mark.parametrize("through", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["copied", "pickled"])
def test_a_copy_goes_on_alone(info, through):
    case = next(c for c in CASES if c.info is info)
    run = Run(ours(case), case, torch.float64, seed=13).go(3)
    other = copy.copy(run)
    other.optimizer = through(run.optimizer)
    other.params = [p for group in other.optimizer.param_groups for p in group["params"]]
    kept = run.values()
    ahead = other.go(4).values()
    assert torch.equal(run.values(), kept) and torch.equal(run.go(4).values(), ahead)


# -- what is refused ---------------------------------------------------------------------------------------------------

WRONG = [
    pytest.param(info.name, each, id=f"{info.name}-{each.optimizer_error_input.desc.replace(' ', '_')}")
    for info in optim_db
    for each in info.optim_error_inputs_func(device=CPU, dtype=torch.float32)
    # Ours steps what is not a matrix too, by AdamW.
    if not (info.name == "Muon" and "2D" in each.error_regex)
]


@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_what_torch_refuses_is_refused_by_its_kind_of_error_in_its_words(name, wrong):
    given = wrong.optimizer_error_input
    params = given.params if given.params is not None else [nn.Parameter(torch.randn(2, 3))]
    make = partial(getattr(optim, name), params, **given.kwargs)
    if wrong.error_type is UserWarning:
        with pytest.warns(UserWarning, match=wrong.error_regex):
            make()
        return
    with pytest.raises(wrong.error_type, match=wrong.error_regex) as caught, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimizer = make()
        if wrong.error_on is OptimizerErrorEnum.STEP_ERROR:
            optimizer.step(lambda: torch.tensor(0.0))
    if isinstance(caught.value, SteepestError):
        assert re.search(wrong.error_regex, caught.value.seen) and caught.value.repair
