"""A script that says steepest.nn where it said torch.nn does the same: names, signatures, bits, files, compilers."""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import io
import pickle

import pytest
import torch
from nn_cases import CASES, each_case, value_of

from steepest import nn
from steepest.core.errors import ShapeError, UsageError

names = sorted({case.name for case in CASES})
each_class = pytest.mark.parametrize("name", names)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


def theirs_and_ours(case, **more):
    modules = []
    for space in (torch.nn, nn):
        torch.manual_seed(1)
        modules.append(getattr(space, case.name)(**{**case.options, **more}).double())
    return modules


def run(module, arguments):
    leaves = [a.clone() for a in arguments]
    leaves[0].requires_grad_()
    value = value_of(module(*leaves))
    return value.detach(), torch.autograd.grad(value.sum(), [leaves[0], *module.parameters()])


# -- names -------------------------------------------------------------------------------------------------------------


def test_everything_that_is_no_loss_is_torchs_own():
    public = [n for n in dir(torch.nn) if not n.startswith("_")]
    assert len(public) > 150
    other = [n for n in public if getattr(nn, n) is not getattr(torch.nn, n)]
    assert sorted(other) == names
    assert set(public) <= set(nn.__all__) and set(public) <= set(dir(nn))
    assert nn._reduction is torch.nn._reduction
    with pytest.raises(AttributeError, match="neither has torch.nn. Did you mean .*'Linear'"):
        nn.Linaer  # noqa: B018


@pytest.mark.parametrize(
    "module", ["functional", "init", "utils", "utils.rnn", "utils.prune", "parameter", "modules.loss", "attention.bias"]
)
def test_submodules_are_torchs_own_and_keep_their_names(module):
    ours, theirs = (importlib.import_module(f"{package}.{module}") for package in ("steepest.nn", "torch.nn"))
    assert ours is theirs
    assert theirs.__name__ == theirs.__spec__.name == f"torch.nn.{module}"
    with pytest.raises(ModuleNotFoundError, match="steepest.nn.functionals"):
        importlib.import_module("steepest.nn.functionals")


SCRIPT = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn import CrossEntropyLoss, Linear, Sequential
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pad_sequence

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.1), Linear(8, 3))
        self.criterion = CrossEntropyLoss(torch.tensor([1.0, 2.0, 0.5]), None, -100, label_smoothing=0.1)

    def forward(self, x, y):
        z = self.body(x)
        return self.criterion(z, y) + nn.MSELoss(True, False)(z, F.one_hot(y, 3).float()).mean()

torch.manual_seed(0)
net = Net()
nn.init.ones_(net.body[0].bias)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for step in range(20):
    opt.zero_grad()
    loss = net(torch.randn(16, 4), torch.randint(3, (16,)))
    loss.backward()
    clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
assert isinstance(net.criterion, nn.Module) and isinstance(net.criterion, nn.modules.loss._Loss)
print(loss.item().hex(), net, sorted(net.state_dict()), sum(p.sum() for p in net.parameters()).item().hex())
"""


def said_by(script):
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(script, {"__name__": "script"})
    return said.getvalue()


def test_a_script_with_torch_nn_replaced_by_steepest_nn_prints_the_same():
    replaced = SCRIPT.replace("torch.nn", "steepest.nn")
    assert replaced.count("steepest.nn") == 5 and "criterion" in said_by(SCRIPT)
    assert said_by(replaced) == said_by(SCRIPT)


# -- signatures --------------------------------------------------------------------------------------------------------


@each_class
def test_signatures_are_torchs_with_weight_and_mask_added_by_keyword(name):
    for method in ("__init__", "forward"):
        theirs = inspect.signature(getattr(getattr(torch.nn, name), method)).parameters
        ours = inspect.signature(getattr(getattr(nn, name), method)).parameters
        added = [p for n, p in ours.items() if n not in theirs]
        assert [(n, p.kind, p.default) for n, p in ours.items() if n in theirs] == [
            (n, p.kind, p.default) for n, p in theirs.items()
        ]
        assert all(p.kind is p.KEYWORD_ONLY and p.default is None for p in added)
        assert {p.name for p in added} <= {"weight", "mask"}
    assert {"weight", "mask"} <= set(inspect.signature(getattr(nn, name).forward).parameters)


@each_class
def test_every_docstring_says_what_a_mean_divides_by(name):
    own = inspect.getdoc(getattr(nn, name))
    assert own != inspect.getdoc(getattr(torch.nn, name))
    assert own.startswith(f"torch.nn.{name}") and "divide" in own.replace("\n", " ")


# -- values ------------------------------------------------------------------------------------------------------------


@each_case
def test_without_additions_every_bit_is_torchs(case):
    for reduction in case.reductions:
        more = {"reduction": reduction} if len(case.reductions) > 1 else {}
        theirs, ours = theirs_and_ours(case, **more)
        value, gradients = run(theirs, case.batch())
        found, own = run(ours, case.batch())
        assert torch.equal(found, value) and all(torch.equal(a, b) for a, b in zip(own, gradients))


@pytest.mark.parametrize(
    "name", [n for n in names if "size_average" in inspect.signature(getattr(torch.nn, n)).parameters]
)
@pytest.mark.parametrize("flags", [(True, True), (False, True), (None, False), (False, None)], ids=str)
def test_the_deprecated_flags_mean_what_they_mean_in_torch(name, flags):
    options = dict(zip(("size_average", "reduce"), flags))
    assert getattr(nn, name)(**options).reduction == getattr(torch.nn, name)(**options).reduction


@each_case
def test_an_unknown_reduction_is_an_error_as_in_torch_and_with_a_weight_too(case):
    if len(case.reductions) == 1:
        return
    theirs, ours = theirs_and_ours(case, reduction="average")
    arguments = case.batch()
    with_weight = {"weight": torch.ones(6)}
    try:
        theirs(*arguments)
    except ValueError as error:
        with pytest.raises(ValueError, match="average") as found:
            ours(*arguments)
        assert str(found.value) == str(error)
    else:
        ours(*arguments)
    with pytest.raises(UsageError, match="reduction is 'average'"):
        ours(*arguments, **with_weight)


# -- life --------------------------------------------------------------------------------------------------------------


@each_case
def test_a_loss_is_shown_saved_copied_and_moved_like_torchs(case):
    theirs, ours = theirs_and_ours(case)
    assert isinstance(ours, getattr(torch.nn, case.name))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.load_state_dict(theirs.state_dict()) and theirs.load_state_dict(ours.state_dict())
    value, _ = run(theirs, case.batch())
    file = io.BytesIO()
    torch.save(ours, file)
    file.seek(0)
    for module in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours)), torch.load(file, weights_only=False)):
        assert type(module) is type(ours) and torch.equal(run(module, case.batch())[0], value)
        assert torch.equal(run(module.float().double(), case.batch())[0], value) or list(module.parameters())


def test_a_weight_moves_and_is_saved_with_its_loss():
    loss = nn.MSELoss(weight=torch.ones(3, dtype=torch.float64))
    assert list(loss.state_dict()) == ["weight"] and loss.half().weight.dtype == torch.float16
    loss.load_state_dict({"weight": torch.tensor([0.0, 1.0, 1.0])})
    assert loss(torch.tensor([9.0, 1.0, 1.0]), torch.zeros(3)) == 1
    assert torch.equal(pickle.loads(pickle.dumps(loss)).weight, loss.weight)
    assert nn.MSELoss(weight=[1, 0.5, 2]).weight.dtype == torch.float32


def test_hooks_and_subclasses_see_what_they_see_in_torch():
    seen = []

    class Doubled(nn.MSELoss):
        def forward(self, input, target):
            return 2 * super().forward(input, target)

    loss = Doubled(reduction="sum")
    loss.register_forward_hook(lambda module, args, output: seen.append((len(args), output.item())))
    assert loss(torch.ones(2), torch.zeros(2)) == 4 and seen == [(2, 4.0)]


# One of each way through our code: elements, by count, classes, rows, a user's function. Each takes up to a second.
COMPILED = ("MSELoss-rows", "BCEWithLogitsLoss-rows", "CrossEntropyLoss-hard", "TripletMarginWithDistanceLoss")


# -- compilers ---------------------------------------------------------------------------------------------------------


@each_case
def test_torchscript_gets_torchs_own_class(case):
    theirs, ours = theirs_and_ours(case)
    arguments = case.batch()
    try:
        scripted = torch.jit.script(theirs)
    except Exception:
        return  # torch cannot script it either
    assert torch.equal(torch.jit.script(ours)(*arguments), scripted(*arguments))


def test_a_weight_would_be_lost_in_torchscript_so_it_is_refused():
    with pytest.raises(UsageError, match="torch.compile takes it"):
        torch.jit.script(nn.MSELoss(weight=torch.ones(3)))


@pytest.mark.parametrize("case", [c for c in CASES if str(c) in COMPILED], ids=str)
def test_compiled_in_one_graph_where_torchs_class_is(case):
    theirs, ours = theirs_and_ours(case)
    arguments, keep = case.batch(), torch.tensor([True, False, True, True, True, False])
    torch._dynamo.reset()
    try:
        torch.compile(theirs, fullgraph=True, backend="eager")(*arguments)
    except Exception:
        return  # it looks at values
    compiled = torch.compile(ours, fullgraph=True, backend="eager")
    assert torch.equal(value_of(compiled(*arguments)), value_of(ours(*arguments)))
    weighted = {"mask": keep, "weight": torch.arange(6.0)}
    assert torch.equal(value_of(compiled(*arguments, **weighted)), value_of(ours(*arguments, **weighted)))


def test_fx_traces_a_model_with_a_loss_inside():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.loss = nn.Linear(2, 2), nn.MSELoss()

        def forward(self, x, y):
            return self.loss(self.layer(x), y)

    net, x = Net(), torch.ones(3, 2)
    assert torch.equal(torch.fx.symbolic_trace(net)(x, x), net(x, x))


# -- shapes of weights -------------------------------------------------------------------------------------------------


def test_a_bound_weight_that_could_be_per_row_or_per_column_is_refused_with_both_repairs():
    x, y = torch.randn(3, 3), torch.randn(3, 3)
    w = torch.tensor([1.0, 0.5, 2.0])
    with pytest.raises(ShapeError, match=r"Per row: weight\[:, None\]. Per column: weight\[None, :\]"):
        nn.MSELoss(weight=w)(x, y)
    assert nn.MSELoss(weight=w[:, None])(x, y) == nn.MSELoss()(x, y, weight=w)
    torch.testing.assert_close(nn.MSELoss(weight=w[None, :])(x, y), nn.MSELoss(weight=w[:, None])(x.T, y.T))
    images = torch.randn(2, 3, 2, 3)
    with pytest.raises(ShapeError, match="in one way only"):
        nn.L1Loss(weight=torch.ones(2, 3))(images, images)
