"""Param groups: weight decay lands on the matrices of every architecture, and each parameter in exactly one group."""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from fnmatch import fnmatchcase

import pytest
import torch
from architectures import ARCHITECTURES, Holder, raw, resnet18
from torch import nn

import steepest as st
from steepest.core.errors import DomainError, ModelError, UsageError
from steepest.optim.roles import roles

every_architecture = pytest.mark.parametrize("make", ARCHITECTURES, ids=lambda make: make.__name__)
DECAYING = ("matrix",)


def labels(model, patterns):
    """The hand's label of each parameter; each has one, and each pattern is needed."""
    found, used = {}, set()
    for name, _ in model.named_parameters():
        fitting = [pattern for pattern in patterns if fnmatchcase(name, pattern)]
        assert fitting, f"{name} has no label"
        found[name] = patterns[fitting[0]]
        used.add(fitting[0])
    assert used == set(patterns), f"labels of nothing: {set(patterns) - used}"
    return found


def decay_of(model, groups):
    """Name -> weight decay, from the groups as an optimizer takes them."""
    names = {id(p): name for name, p in model.named_parameters()}
    found = [(names[id(p)], group["weight_decay"]) for group in groups for p in group["params"]]
    assert max(Counter(name for name, _ in found).values()) == 1
    return dict(found)


@every_architecture
def test_every_parameter_has_the_role_that_the_hand_gave_it(make):
    model, patterns = make()
    assert roles(model) == labels(model, patterns)


@every_architecture
def test_only_matrices_decay_and_every_parameter_is_in_one_group(make):
    model, patterns = make()
    hand = labels(model, patterns)
    decay = decay_of(model, st.groups(model, weight_decay=0.1))
    assert decay == {name: 0.1 if role in DECAYING else 0.0 for name, role in hand.items()}
    with_embeddings = decay_of(model, st.groups(model, weight_decay=0.1, decay_embeddings=True))
    assert with_embeddings == {n: 0.1 if role in (*DECAYING, "embedding") else 0.0 for n, role in hand.items()}


# What the parameters of every layer of torch.nn are, by hand: those that multiply, and those that do not.
LAYERS = {
    "AdaptiveLogSoftmaxWithLoss": ((32, 20, [4, 10]), "all weights"),
    "BatchNorm1d": ((4,), "none"),
    "BatchNorm2d": ((4,), "none"),
    "BatchNorm3d": ((4,), "none"),
    "Bilinear": ((3, 4, 5), "weight"),
    "Conv1d": ((4, 4, 3), "weight"),
    "Conv2d": ((4, 4, 3), "weight"),
    "Conv3d": ((4, 4, 3), "weight"),
    "ConvTranspose1d": ((4, 4, 3), "weight"),
    "ConvTranspose2d": ((4, 4, 3), "weight"),
    "ConvTranspose3d": ((4, 4, 3), "weight"),
    "Embedding": ((9, 4), "none"),
    "EmbeddingBag": ((9, 4), "none"),
    "GRU": ((4, 4, 2), "all weights"),
    "GRUCell": ((4, 4), "all weights"),
    "GroupNorm": ((2, 4), "none"),
    "InstanceNorm1d": ((4, 1e-5, 0.1, True), "none"),
    "InstanceNorm2d": ((4, 1e-5, 0.1, True), "none"),
    "InstanceNorm3d": ((4, 1e-5, 0.1, True), "none"),
    "LSTM": ((4, 4, 2), "all weights"),
    "LSTMCell": ((4, 4), "all weights"),
    "LayerNorm": (((4, 4),), "none"),
    "LazyBatchNorm1d": ((), "none"),
    "LazyBatchNorm2d": ((), "none"),
    "LazyBatchNorm3d": ((), "none"),
    "LazyConv1d": ((4, 3), "weight"),
    "LazyConv2d": ((4, 3), "weight"),
    "LazyConv3d": ((4, 3), "weight"),
    "LazyConvTranspose1d": ((4, 3), "weight"),
    "LazyConvTranspose2d": ((4, 3), "weight"),
    "LazyConvTranspose3d": ((4, 3), "weight"),
    "LazyInstanceNorm1d": ((1e-5, 0.1, True), "none"),
    "LazyInstanceNorm2d": ((1e-5, 0.1, True), "none"),
    "LazyInstanceNorm3d": ((1e-5, 0.1, True), "none"),
    "LazyLinear": ((4,), "weight"),
    "Linear": ((4, 4), "weight"),
    "LinearCrossEntropyLoss": ((4, 4), "linear.weight"),
    "MultiheadAttention": ((4, 2), "in_proj_weight out_proj.weight"),
    "PReLU": ((4,), "none"),
    "RMSNorm": (((4, 4),), "none"),
    "RNN": ((4, 4, 2), "all weights"),
    "RNNCell": ((4, 4), "all weights"),
    "RNNCellBase": ((4, 4, True, 4), "all weights"),
    "SyncBatchNorm": ((4,), "none"),
    "Transformer": ((8, 2, 1, 1, 8), "not norm"),
    "TransformerDecoderLayer": ((8, 2, 8), "not norm"),
    "TransformerEncoderLayer": ((8, 2, 8), "not norm"),
}


def multiplies(name, said):
    if said == "all weights":
        return "weight" in name
    return "weight" in name and "norm" not in name if said == "not norm" else name in said.split()


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.filterwarnings("ignore:Lazy modules", "ignore:enable_nested_tensor")
def test_the_parameters_of_every_layer_of_torch_are_told_apart(name):
    args, said = LAYERS[name]
    if not hasattr(nn, name):
        pytest.skip(f"this torch has no {name}")
    layer = getattr(nn, name)(*args)
    assert list(layer.parameters())
    decay = decay_of(layer, st.groups(layer, weight_decay=0.1))
    assert decay == {n: 0.1 if multiplies(n, said) else 0.0 for n, _ in layer.named_parameters()}


def test_no_layer_of_torch_with_parameters_is_missing_above():
    tried = ((), (4,), (4, 4), (4, 4, 4), (2, 4), (4, 1e-5, 0.1, True), (8, 20, [4]))
    for name, layer in vars(nn).items():
        if not inspect.isclass(layer) or not issubclass(layer, nn.Module) or name in LAYERS:
            continue
        for args in tried:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    made = layer(*args)
            except Exception:
                continue
            assert not list(made.parameters()), f"{name}{args} has parameters and no label"


# -- what the model says itself ------------------------------------------------------------------------


class Says(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = raw(6, 6)
        self.bank = nn.Linear(4, 4)
        self.out = nn.Linear(4, 4)
        self.marked = raw(5, 5)
        self.marked._no_weight_decay = True

    def no_weight_decay(self):
        return {"table", "bank"}

    def no_weight_decay_keywords(self):
        return {"ut.we"}


def test_what_the_model_exempts_does_not_decay_also_inside_a_wrapper():
    for model in (Says(), nn.ModuleDict({"module": Says()})):  # as DistributedDataParallel wraps it
        decay = decay_of(model, st.groups(model, weight_decay=0.1))
        assert not any(decay.values()) and len(decay) == 6


def test_a_parameter_in_a_plain_list_is_an_error_unless_it_is_frozen():
    model = nn.Linear(2, 2)
    model.blocks = [nn.Linear(2, 2), nn.Linear(2, 2)]
    with pytest.raises(ModelError, match="blocks: a plain list holds 4 parameters.*\n.*\n.*ModuleList"):
        st.groups(model)
    for block in model.blocks:
        block.requires_grad_(False)
    assert len(st.groups(model)) == 2
    model.table = {"a": raw(3)}
    with pytest.raises(ModelError, match="ParameterDict"):
        st.groups(model)
    model.table = {"a": model.weight}  # a second name of a registered one is no loss
    assert len(st.groups(model)) == 2


def test_frozen_parameters_are_in_no_group_and_the_table_says_so():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    groups = st.groups(model, weight_decay=0.1)
    assert sum(len(g["params"]) for g in groups) == 2
    assert "in no group, not trained; 2 tensors, 6 numbers" in str(groups)


def test_a_pattern_that_matches_nothing_or_what_another_matched_is_an_error():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    groups = st.groups(model, {"1.*": {"lr": 0.5}}, lr=0.1)
    assert sorted(g["lr"] for g in groups) == [0.1, 0.1, 0.5, 0.5]
    with pytest.raises(UsageError, match="no parameter is called '2.weight'.*\n.*'1.weight'"):
        st.groups(model, {"2.weight": {"lr": 0.5}})
    with pytest.raises(UsageError, match=r"1.weight matches both '1\.\*' and '\*\.weight'"):
        st.groups(model, {"1.*": {"lr": 0.5}, "*.weight": {"lr": 0.2}})


# -- learning rates ------------------------------------------------------------------------


def rates(model, groups):
    names = {id(p): name for name, p in model.named_parameters()}
    return {names[id(p)]: group["lr"] for group in groups for p in group["params"]}


def test_layer_decay_lowers_the_rate_block_by_block_from_the_head_down():
    model, _ = next(make for make in ARCHITECTURES if make.__name__ == "vit")()
    found = rates(model, st.groups(model, lr=1.0, layer_decay=0.5))
    for name, rate in found.items():
        start = name.split(".")[0]
        expected = {"norm": 1.0, "head": 1.0, "blocks": 0.5 if "blocks.1" in name else 0.25}.get(start, 0.125)
        assert rate == expected, name
    model, _ = resnet18()
    found = rates(model, st.groups(model, lr=1.0, layer_decay=0.5))
    assert found["fc.weight"] == 1.0 and found["layer4.1.conv1.weight"] == 0.5
    assert found["layer1.0.bn1.weight"] == 0.5**8 and found["conv1.weight"] == 0.5**9
    plain = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))  # the last layer is the head
    assert rates(plain, st.groups(plain, lr=1.0, layer_decay=0.5)) == {
        "0.weight": 0.5,
        "0.bias": 0.5,
        "2.weight": 1.0,
        "2.bias": 1.0,
    }


def wide(n):
    """Vocabulary and classes stay, the width n grows."""
    return Holder(
        table=nn.Embedding(11, n),
        inner=nn.Linear(n, 4 * n),
        norm=nn.LayerNorm(n),
        up=nn.ConvTranspose1d(4 * n, 3, 2),
        first=nn.Conv1d(3, n, 5),
        head=nn.Linear(n, 7),
    )


def test_mup_scales_the_rates_as_table_3_of_tensor_programs_v():
    model, base = wide(32), wide(8)
    adam = rates(model, st.groups(model, lr=1.0, mup_base=base))
    assert {name for name, rate in adam.items() if rate == 0.25} == {"inner.weight", "up.weight", "head.weight"}
    assert {rate for rate in adam.values()} == {0.25, 1.0}
    sgd = rates(model, st.groups(model, lr=1.0, mup_base=base, mup_rule="sgd"))
    assert sgd == {
        **dict.fromkeys(("table.weight", "inner.bias", "norm.weight", "norm.bias", "first.weight", "first.bias"), 4.0),
        **dict.fromkeys(("inner.weight", "up.bias", "head.bias"), 1.0),
        **dict.fromkeys(("up.weight", "head.weight"), 0.25),
    }
    with pytest.raises(ModelError, match="only one of model and mup_base"):
        st.groups(model, lr=1.0, mup_base=nn.Linear(2, 2))


def test_rates_that_are_scaled_need_a_rate_and_numbers_a_domain():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with pytest.raises(UsageError, match="layer_decay without lr"):
        st.groups(model, layer_decay=0.5)
    with pytest.raises(ModelError, match="no nn.ModuleList"):
        st.groups(nn.Linear(2, 2), lr=1.0, layer_decay=0.5)
    for bad in ({"weight_decay": -1.0}, {"layer_decay": 0.0}, {"lr": float("nan")}):
        with pytest.raises(DomainError):
            st.groups(model, **bad)


# -- as optimizers take them ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (nn.Linear(2, 2).parameters(), "a generator"),
        ([nn.Parameter(torch.ones(2))], "a list"),
        (torch.ones(3), "a Tensor"),
        (None, "a NoneType"),
        (nn.Linear, "the class Linear"),
        (nn.ReLU(), "ReLU has no parameter"),
    ],
)
def test_what_is_no_model_is_refused_with_the_call_that_was_meant(given, says):
    with pytest.raises(UsageError, match=says):
        st.groups(given)
    with pytest.raises(UsageError, match="mup_base: a dict"):
        st.groups(nn.Linear(2, 2), lr=0.1, mup_base={})


@pytest.mark.parametrize("library", [torch.optim, st.optim], ids=["torch", "steepest"])
def test_an_optimizer_trains_with_the_groups_and_decays_the_matrix_alone(library):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3))
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = library.AdamW(st.groups(model), lr=0.1, weight_decay=0.5)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for name, p in model.named_parameters():
        shrunk = 1 - 0.1 * 0.5 if name == "0.weight" else 1.0
        assert torch.allclose(p, shrunk * before[name]), name


def test_the_printed_table_counts_every_parameter_and_folds_equal_blocks():
    model, _ = resnet18()
    text = str(st.groups(model, weight_decay=0.1))
    assert text.splitlines()[0] == "group 0: weight_decay 0.1; 21 tensors, 11,678,912 numbers"
    assert "layer*.*.conv*.weight  x 4" in text and text.count("\n") < 40
    assert repr(st.groups(model)) == "<2 param groups, 62 tensors, 11,689,512 numbers; print them for a table>"
    lazy = st.groups(nn.LazyLinear(3))
    assert "1 not yet of any size" in str(lazy) and "not yet known" in str(lazy)
    with_muon = st.groups(model, muon=True)
    assert {g["orthogonalise"] for g in with_muon} == {True, False}
