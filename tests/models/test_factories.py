"""From what a user calls a model to fresh modules: built-in names, files, modules, classes, functions and objects."""

from __future__ import annotations

import pickle
import sys
from functools import partial

import pytest
import torch
from torch import nn

from steepest import models
from steepest.core.errors import DomainError, ModelError, UnknownName, UsageError
from steepest.models import Facts, factory_of

TABLE = Facts(n_features=5, n_outputs=3, shape=(5,), n_classes=3)
REGRESSION = Facts(n_features=5, n_outputs=1, shape=(5,))
DIGITS = Facts(n_features=64, n_outputs=10, shape=(64,), n_classes=10)

NET = """
import torch
from torch import nn
from dataclasses import dataclass
import beside

@dataclass
class Sizes:
    hidden: int = 8

class Net(nn.Module):
    def __init__(self, n_features, n_classes, hidden=8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_features, hidden), nn.ReLU(), nn.Linear(hidden, n_classes))
    def forward(self, x):
        return self.body(x)

class Broken(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.layer = nn.Linear(n_feature, 3)

def build(shape, n_outputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0], n_outputs))

def forgets(n_features):
    nn.Linear(n_features, 2)

object_ = nn.Linear(5, 3)
number = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a user's net.py, as the current one."""
    (tmp_path / "net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "beside.py").write_text("hidden = 8\n", encoding="utf-8")
    (tmp_path / "ends.py").write_text("import sys\nsys.exit('usage: ends.py DATA')\n", encoding="utf-8")
    (tmp_path / "typo.py").write_text("import torch\nclass Net(torch.nn.Module\n    pass\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("beside", None)


def out(model, facts, n=4):
    return model(torch.zeros(n, *facts.shape)).shape


def refusal(error, call, *args):
    with pytest.raises(error) as caught:
        call(*args)
    assert caught.value.repair and caught.value.needed
    return caught.value


# -- built-in -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["linear", "mlp"])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (1, 4, 4)])
def test_tables_and_images_fit_the_built_in_models(name, shape):
    facts = Facts(torch.Size(shape).numel(), 3, shape, 3)
    assert out(factory_of(name)(facts), facts) == (4, 3)


@pytest.mark.parametrize("shape", [(64,), (784,), (8, 8), (28, 28), (1, 8, 8), (3, 32, 32), (1, 9, 13)])
def test_images_in_every_layout_fit_the_cnn(shape):
    facts = Facts(torch.Size(shape).numel(), 10, shape, 10)
    assert out(factory_of("cnn(width=4, norm='batch', dropout=0.1)")(facts), facts) == (4, 10)


def test_a_flat_image_is_seen_row_by_row():
    """A single lit pixel in the first convolution lights the 3 x 3 pixels around it, in the row below too."""
    net = models.cnn((64,), 2, width=1)
    with torch.no_grad():
        net[1].weight.fill_(1.0)
        net[1].bias.zero_()
        lit = net[1](net[0](torch.eye(64)[3 * 8 + 5].unsqueeze(0)))[0, 0].nonzero().tolist()
    assert lit == [[r, c] for r in (2, 3, 4) for c in (4, 5, 6)]


@pytest.mark.parametrize(("shape", "repair"), [((30,), "mlp"), ((16,), "mlp"), ((2, 3, 4, 5), "mlp"), ((32, 32, 3), "movedim(-1, 1)"), ((3, 3), "depth=1")])
def test_the_cnn_refuses_what_is_no_image(shape, repair):
    assert repair in refusal(ModelError, factory_of("cnn"), Facts(torch.Size(shape).numel(), 2, shape, 2)).repair


def test_options_set_width_depth_norm_and_dropout():
    net = factory_of("mlp(width=128, depth=3, dropout=0.25, norm='layer')")(DIGITS)
    kinds = [type(part).__name__ for part in net]
    assert kinds == ["Flatten"] + ["Linear", "LayerNorm", "ReLU", "Dropout"] * 3 + ["Linear"]
    assert [p.out_features for p in net if isinstance(p, nn.Linear)] == [128, 128, 128, 10] and net[4].p == 0.25


def test_the_default_mlp_is_the_64_64_64_10_of_digits():
    assert [tuple(p.weight.shape) for p in factory_of("mlp")(DIGITS) if isinstance(p, nn.Linear)] == [(64, 64), (64, 64), (10, 64)]


@pytest.mark.parametrize("spec", ["mlp", models.mlp, partial(models.mlp, width=8)], ids=str)
def test_a_built_in_model_may_be_named_or_handed_over(spec):
    assert out(factory_of(spec)(TABLE), TABLE) == (4, 3)


@pytest.mark.parametrize(
    ("spec", "error", "repair"),
    [
        ("mlpp", UnknownName, "'mlp'"), ("mlp(widht=3)", UsageError, "'width'"), ("mlp(width=0)", DomainError, "width"),
        ("mlp(width=2.5)", DomainError, "width"), ("mlp(dropout=1.0)", DomainError, "dropout"), ("mlp(norm='group')", DomainError, "norm"),
        ("mlp(3)", ModelError, "by name"), ("mlp(width=open('x'))", ModelError, "plain numbers"), (3, ModelError, "file.py:Net"),
        (None, ModelError, "mlp"), ("", UnknownName, "mlp"),
    ],
)
def test_a_model_that_is_none_is_refused_with_the_repair(spec, error, repair):
    assert repair in str(refusal(error, factory_of, spec))


@pytest.mark.parametrize("name", models.names())
def test_the_same_seed_builds_the_same_model_and_another_seed_another(name):
    def flat(seed):
        torch.manual_seed(seed)
        return torch.cat([p.flatten() for p in factory_of(name)(DIGITS).parameters()])

    with torch.random.fork_rng():
        assert torch.equal(flat(1), flat(1)) and not torch.equal(flat(1), flat(2))


# -- the user's own -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["net.py:Net", "net:Net", "./net.py:Net", "net.py:Net(hidden=3)", "net.py:build", "net.py:object_"])
def test_a_file_of_the_user_gives_models(folder, spec):
    factory = factory_of(spec)
    assert out(factory(TABLE), TABLE) == (4, 3) and factory.name == spec


def test_an_absolute_path_with_brackets_and_colons_is_read(folder):
    odd = folder / "my (old): nets"
    odd.mkdir()
    (odd / "net.py").write_text("from torch.nn import Linear\ndef f(n_features, n_outputs, k=1):\n    return Linear(n_features, n_outputs)\n")
    assert out(factory_of(f"{odd / 'net.py'}:f(k=2)")(TABLE), TABLE) == (4, 3)


def test_importing_leaves_the_search_path_as_it_was(folder):
    before = list(sys.path)
    factory_of("net.py:Net")(TABLE)
    assert sys.path == before


def test_a_model_of_a_file_can_be_pickled(folder):
    model = factory_of("net.py:Net")(TABLE)
    assert torch.equal(flat(pickle.loads(pickle.dumps(model))), flat(model))


def test_an_edited_file_is_read_anew(folder):
    (folder / "net.py").write_text("from torch import nn\ndef Net(n_features): return nn.Linear(n_features, 7)\n")
    assert out(factory_of("net.py:Net")(TABLE), TABLE) == (4, 7)
    (folder / "net.py").write_text("from torch import nn\ndef Net(n_features): return nn.Linear(n_features, 9)\n")
    assert out(factory_of("net.py:Net")(TABLE), TABLE) == (4, 9)


@pytest.mark.parametrize(
    ("spec", "seen", "repair"),
    [
        ("nett.py:Net", "no such file", "'net.py'"), ("net.py:Nett", "Nett", "'Net'"), ("net.py", "no name", "net.py:Net"),
        ("nett:Net", "no module 'nett'", "nett.py:Net"), ("net.py:number", "int", "class of your model"),
        ("ends.py:Net", "ends.py line 2: `sys.exit('usage: ends.py DATA')` raised SystemExit", "__main__"),
        ("typo.py:Net", "typo.py line 2", "typo.py line 2"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_repair(folder, spec, seen, repair):
    error = refusal(ModelError, factory_of, spec)
    assert seen in error.seen and repair in error.repair


def test_an_error_in_the_users_class_is_shown_with_its_own_line_and_chained(folder):
    error = refusal(ModelError, factory_of("net.py:Broken"), TABLE)
    assert "net.py line 21" in error.seen and "self.layer = nn.Linear(n_feature, 3)" in error.seen and "NameError" in error.seen
    assert isinstance(error.__cause__, NameError)


def test_an_error_inside_torch_points_at_the_users_line():
    def build(n_features):
        return nn.Linear(n_features, "three")

    assert "test_factories.py line" in refusal(ModelError, factory_of(build), TABLE).seen


def test_an_unknown_option_of_the_users_class_is_refused(folder):
    assert "'hidden'" in refusal(UsageError, factory_of, "net.py:Net(hiden=3)").repair


def test_a_factory_that_returns_nothing_says_so(folder):
    assert "return model" in refusal(ModelError, factory_of("net.py:forgets"), TABLE).repair


@pytest.mark.parametrize(
    ("make", "repair"),
    [
        (lambda num_classes: None, "n_classes for num_classes"), (nn.Linear, "n_features for in_features"),
        (lambda n_features, hidden: None, "Give hidden a default"), (lambda n_features, /: None, "n_features"),
    ],
)
def test_an_argument_that_nobody_can_fill_is_refused_before_any_training(make, repair):
    assert repair in refusal(ModelError, factory_of, make).repair


def test_n_classes_in_a_regression_is_refused_unless_it_has_a_default():
    assert "n_outputs" in refusal(ModelError, factory_of(lambda n_features, n_classes: nn.Linear(n_features, n_classes)), REGRESSION).repair
    assert out(factory_of(lambda n_features, n_classes=1: nn.Linear(n_features, n_classes))(REGRESSION), REGRESSION) == (4, 1)


@pytest.mark.parametrize("module", [nn.ReLU(), nn.Linear(5, 3).requires_grad_(False)], ids=["none", "frozen"])
def test_a_model_with_nothing_to_train_is_refused(module):
    assert refusal(ModelError, factory_of(lambda: module), TABLE).needed == "something to train was needed"


def test_facts_are_read_from_data():
    class Images:
        x, y, n_classes = torch.zeros(6, 3, 4, 5), torch.zeros(6, dtype=torch.long), 7

    class Numbers:
        x, y, n_classes = torch.zeros(6, 5), torch.zeros(6, 2), None

    assert Facts.of(Images) == Facts(60, 7, (3, 4, 5), 7)
    assert Facts.of(Numbers) == Facts(5, 2, (5,), None)


# -- objects --------------------------------------------------------------------------------------------------------------


def flat(model):
    return torch.cat([t.flatten() for t in model.state_dict().values()])


PARTS = nn.ModuleDict({
    "conv": nn.Conv2d(1, 2, 3), "norm": nn.BatchNorm2d(2, affine=False), "layer": nn.LayerNorm(4), "rnn": nn.GRU(3, 4), "words": nn.Embedding(5, 4),
    "attention": nn.MultiheadAttention(8, 2), "encoder": nn.TransformerEncoderLayer(8, 2, 16), "bilinear": nn.Bilinear(2, 3, 4), "slope": nn.PReLU(),
})


@pytest.mark.parametrize("name", PARTS)
def test_each_copy_of_an_object_starts_where_its_construction_would(name):
    """Every distribution is that of a newly constructed module: same seed, same spread; and no trained number is left."""
    part = PARTS[name]
    with torch.random.fork_rng():
        with torch.no_grad():
            trained = nn.Sequential(part, nn.Linear(1, 1))
            for t in trained.state_dict().values():
                t.fill_(7) if t.is_floating_point() else t.zero_()
        factory = factory_of(trained)
        torch.manual_seed(1)
        first = factory(TABLE)
        torch.manual_seed(2)
        second = factory(TABLE)
        torch.manual_seed(1)
        again = factory(TABLE)
    assert torch.equal(flat(first), flat(again)) and not torch.equal(flat(first), flat(second))
    assert not (flat(first) == 7).any()
    assert (flat(trained)[flat(trained) != 0] == 7).all(), "the user's object was touched"


def test_a_frozen_backbone_keeps_its_numbers_and_the_head_is_initialised_anew():
    net = nn.Sequential(nn.Linear(5, 4).requires_grad_(False), nn.ReLU(), nn.Linear(4, 3))
    fresh = factory_of(net)(TABLE)
    assert torch.equal(fresh[0].weight, net[0].weight) and not torch.equal(fresh[2].weight, net[2].weight)
    assert not fresh[0].weight.requires_grad


def test_what_happens_to_the_object_later_does_not_matter():
    net = nn.Sequential(nn.Linear(5, 4).requires_grad_(False), nn.Linear(4, 3))
    before, factory = net[0].weight.clone(), factory_of(net)
    net[0].weight.data.zero_()
    assert torch.equal(factory(TABLE)[0].weight, before)


def test_attention_is_initialised_from_the_outside_in_as_its_construction_does():
    fresh = factory_of(nn.Sequential(nn.MultiheadAttention(8, 2), nn.Linear(1, 1)))(TABLE)
    assert (fresh[0].out_proj.bias == 0).all() and (fresh[0].in_proj_bias == 0).all()


def test_an_object_with_a_parameter_that_cannot_be_reset_is_refused():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.scale = nn.Linear(5, 3), nn.Parameter(torch.ones(3))

    error = refusal(ModelError, factory_of, Scaled())
    assert "reset_parameters" in error.seen and error.repair.startswith("Pass a class or factory") and "same numbers" in error.consequence
    assert isinstance(factory_of(Scaled)(TABLE), Scaled)
