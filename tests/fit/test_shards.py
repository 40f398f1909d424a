"""A model in shards over processes (fully_shard) trains as one that is whole: same weights, history, checkpoints."""

from __future__ import annotations

import pytest
import torch
from test_ranks import alone, differ, run
from torch import nn

import steepest
from steepest.core.errors import ModelError, Unsupported, UsageError
from steepest.fit import lending
from steepest.fit.trained import load_trained


@pytest.mark.parametrize("kind", ["shard accumulated", pytest.param("sharded accumulated", marks=pytest.mark.slow)])
def test_two_processes_with_a_shard_each_end_with_the_weights_and_the_history_of_one(tmp_path, kind):
    """Accumulation, the length of the gradient, and averaged weights besides."""
    first, second = run(tmp_path, 2, kind)
    assert first == second
    assert differ(first, alone(tmp_path, kind.split(" ", 1)[1])) < 1e-10


KINDS = ["weighted", "loader", "ignored", "frozen part", "stopped", "best", "averaging rule", "few rows"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by", ["shard", "sharded"])
def test_shards_of_every_kind_of_run(tmp_path, by, kind):
    first, second = run(tmp_path, 2, f"{by} {kind}")
    one = alone(tmp_path, kind)
    assert first == second and first["stopped"] == one["stopped"]
    assert differ(first, one) < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("precision, near", [("bfloat16", 2e-2), ("float16", 3e-3)])
def test_half_precision_of_two_processes_is_that_of_one(tmp_path, precision, near):
    """The halves of a batch are rounded otherwise than the whole: near is a few units of the precision."""
    whole, _ = run(tmp_path, 2, "halves", precision)
    assert differ(run(tmp_path, 2, "shard halves", precision)[0], whole) < 1e-5
    assert differ(whole, alone(tmp_path, "halves", precision)) < near


@pytest.mark.slow
def test_three_processes_some_of_them_without_rows(tmp_path):
    assert differ(run(tmp_path, 3, "shard few rows")[2], alone(tmp_path, "few rows")) < 1e-10


@pytest.mark.slow
@pytest.mark.parametrize("by", ["shard", "sharded"])
def test_a_run_in_shards_that_dies_ends_with_the_bits_of_the_undisturbed_one(tmp_path, by):
    whole = run(tmp_path, 2, f"{by} resumes", str(tmp_path / "whole"))
    for step in ("4", "11"):
        out = str(tmp_path / step)
        run(tmp_path, 2, f"{by} dies", out, step)
        assert run(tmp_path, 2, f"{by} resumes", out) == whole
    left = load_trained(tmp_path / "11", model=nn.Sequential(*modules()))
    assert [p.tolist() for p in left.model.parameters()] == whole[0]["weights"]


@pytest.mark.slow
def test_a_run_in_shards_goes_on_whole_as_its_checkpoints_are(tmp_path):
    whole = run(tmp_path, 2, "resumes", str(tmp_path / "whole"))
    run(tmp_path, 2, "shard dies", str(tmp_path / "cut"), "5")
    assert differ(run(tmp_path, 2, "resumes", str(tmp_path / "cut"))[0], whole[0]) < 1e-10


@pytest.mark.slow
def test_after_errors_of_all_processes_the_model_is_whole_again(tmp_path):
    """One error before the first step, another in the tenth."""
    first, second = run(tmp_path, 2, "shard fails")
    one = alone(tmp_path, "fails")
    assert first == second and first["begun"] == one["begun"]
    assert differ(first, one) < 1e-10 and first["weights"] != first["begun"]


def modules():
    return nn.Linear(5, 8).double(), nn.Tanh(), nn.Linear(8, 3).double(), nn.Linear(3, 3).double()


# -- in this process -----------------------------------------------------------------------------------------------------


@pytest.fixture
def one_of_one(tmp_path):
    """A group of one process, in which models can be sharded."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def sharded(model, axes=(1,)):
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    return fully_shard(model, mesh=init_device_mesh("cpu", axes, mesh_dim_names=("a", "b")[: len(axes)]))


DATA = (torch.randn(40, 4, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3)
PLAIN = {"loss": "cross_entropy", "epochs": 2, "batch_size": 16, "progress": False, "device": "cpu"}


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))


OTHERS = [lambda p: steepest.optim.Lion(p, lr=1e-3), torch.optim.AdamW]


@pytest.mark.parametrize("optimizer", ["nadamw", *(pytest.param(one, marks=pytest.mark.slow) for one in OTHERS)])
def test_a_model_in_shards_trains_and_its_file_is_that_of_a_whole_one(one_of_one, tmp_path, optimizer):
    found = []
    for model in (net(), sharded(net())):
        made = optimizer if isinstance(optimizer, (str, type)) else optimizer(model.parameters())
        out = tmp_path / str(len(found))
        steepest.fit(model, DATA, optimizer=made, out=out, validation=0.2, clip_norm=0.5, ema=0.9, **PLAIN)
        found.append([*load_trained(out, model=net()).model.state_dict().values()])
    assert all(torch.allclose(a, b, rtol=1e-6, atol=1e-7) for a, b in zip(*found))  # the length is summed otherwise


def test_a_run_in_shards_that_has_ended_is_read_again(one_of_one, tmp_path):
    history = [steepest.fit(sharded(net()), DATA, out=tmp_path, **PLAIN) for _ in range(2)]
    assert history[0]["loss"] == history[1]["loss"]
    first, second = ([p.full_tensor() for p in one.model.parameters()] for one in history)
    assert all(torch.equal(a, b) for a, b in zip(first, second))


def test_a_rule_that_needs_whole_tensors_is_refused(one_of_one):
    with pytest.raises(Unsupported, match="muon looks at more than single elements"):
        steepest.fit(sharded(net()), DATA, optimizer="muon", **PLAIN)
    with pytest.raises(Unsupported, match="clip_norm=1.0 of fit"):
        steepest.fit(sharded(net()), DATA, optimizer="adamw + clip_norm(1.0)", **PLAIN)


def test_shards_along_two_axes_are_refused(one_of_one):
    with pytest.raises(ModelError, match="along one axis over all processes"):
        steepest.fit(sharded(net(), (1, 1)), DATA, **PLAIN)


@pytest.mark.filterwarnings("ignore:FSDP is switching")
def test_the_first_fsdp_is_refused_with_what_to_do(one_of_one):
    from torch.distributed.fsdp import FullyShardedDataParallel

    with pytest.raises(ModelError, match="shard=True"):
        steepest.fit(FullyShardedDataParallel(net(), device_id=torch.device("cpu")), DATA, **PLAIN)


@pytest.mark.parametrize("asked", [{"memory_format": "channels_last"}, {"threads": "auto"}])
def test_what_needs_whole_weights_is_refused(asked):
    with pytest.raises(UsageError, match="a model in shards"):
        steepest.fit(net(), DATA, shard=True, **asked, **PLAIN)


def test_an_optimizer_that_is_made_cannot_follow_its_parameters_into_shards():
    model = net()
    with pytest.raises(UsageError, match="make the optimizer afterwards"):
        steepest.fit(model, DATA, shard=True, optimizer=torch.optim.SGD(model.parameters(), lr=0.1), **PLAIN)


def test_large_blocks_are_gathered_one_by_one(monkeypatch):
    monkeypatch.setattr(lending, "BLOCK_NUMBERS", 20)
    inner = nn.Sequential(nn.Linear(4, 5), nn.ReLU())
    model = nn.Sequential(nn.ModuleList([inner, nn.Linear(2, 2)]), nn.Linear(5, 5))
    assert [id(block) for block in lending.blocks_of(model)] == [id(inner[0]), id(inner), id(model[1])]
