"""Optimizers that ask for more than a dense gradient: SparseAdam, LBFGS, and sparse gradients for SGD and Adagrad."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import nn
from torch.testing._internal.common_optimizers import optim_db

from steepest import optim
from steepest.core.errors import Unsupported

CPU = torch.device("cpu")
BY_NAME = {info.name: info for info in optim_db}
SPARSE = ["SGD", "Adagrad", "SparseAdam"]


def options_of(name):
    """Torch's configurations, and those that it tunes for sparse gradients."""
    found = [each.kwargs for each in BY_NAME[name].optim_inputs_func(device=CPU)]
    return found + [dict(each) for each in BY_NAME[name].metadata_for_sparse[:1]]


CASES = [pytest.param(name, options, id=f"{name}-{i}") for name in SPARSE for i, options in enumerate(options_of(name))]


class Tables:
    """Two tables of embeddings of which each step touches some rows, some of them twice."""

    def __init__(self, make, dtype=torch.float64):
        source = torch.Generator().manual_seed(0)
        self.tables = [nn.Embedding(9, 3, sparse=True, dtype=dtype), nn.Embedding(4, 2, sparse=True, dtype=dtype)]
        for table in self.tables:
            table.weight.data = torch.randn(table.weight.shape, generator=source, dtype=torch.float64).to(dtype)
        self.optimizer = make([table.weight for table in self.tables])
        self.n_steps = 0

    def go(self, n_steps):
        for _ in range(n_steps):
            source = torch.Generator().manual_seed(100 + self.n_steps)
            self.optimizer.zero_grad()
            for table in self.tables:
                rows = torch.randint(len(table.weight), (5,), generator=source)
                (table(rows).sin() * torch.arange(1, 6).unsqueeze(1)).sum().backward()
            self.optimizer.step()
            self.n_steps += 1
        return self

    def values(self):
        return torch.cat([table.weight.detach().flatten() for table in self.tables])


def as_torch_can(options):
    """Torch refuses weight decay with sparse gradients in some classes; ours make the gradient dense for it."""
    return {name: value for name, value in options.items() if name != "weight_decay"}


@pytest.mark.parametrize(("name", "options"), CASES)
def test_sparse_gradients_lead_where_torch_goes(name, options):
    options = as_torch_can(options)
    if options.get("nesterov") or options.get("momentum"):
        pytest.skip("torch keeps a sparse momentum; test_weight_decay_and_momentum has ours")
    mine = Tables(lambda params: getattr(optim, name)(params, **copy.deepcopy(options))).go(20)
    theirs = Tables(lambda params: getattr(torch.optim, name)(params, **copy.deepcopy(options))).go(20)
    exact = not isinstance(options.get("lr"), torch.Tensor)  # torch computes with a tensor in its own dtype, float32
    assert (mine.values() - theirs.values()).abs().max() < (1e-13 if exact else 1e-8)


@pytest.mark.parametrize("name", ["SGD", "Adagrad"])
@pytest.mark.parametrize("more", [{"weight_decay": 0.1}, {"momentum": 0.9, "nesterov": True}, {"maximize": True}])
def test_weight_decay_and_momentum_move_what_dense_gradients_move(name, more):
    if name == "Adagrad" and "momentum" in more:
        pytest.skip("Adagrad has no momentum")
    sparse = Tables(lambda params: getattr(optim, name)(params, lr=0.1, **more))
    dense = Tables(lambda params: getattr(optim, name)(params, lr=0.1, **more))
    for table in dense.tables:
        table.sparse = False
    assert (sparse.go(9).values() - dense.go(9).values()).abs().max() < 1e-15


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_sparse_adam_goes_on_from_its_own_and_from_torch_s_checkpoint(dtype):
    for first in (optim.SparseAdam, torch.optim.SparseAdam):
        run = Tables(lambda params, first=first: first(params, lr=0.02), dtype).go(6)
        file = io.BytesIO()
        torch.save(run.optimizer.state_dict(), file)
        file.seek(0)
        saved = torch.load(file, weights_only=True)
        for second in (optim.SparseAdam, torch.optim.SparseAdam):
            other = Tables(lambda params, second=second: second(params, lr=0.5), dtype)
            for mine, theirs in zip(run.tables, other.tables):
                theirs.weight.data.copy_(mine.weight.data)
            other.n_steps = run.n_steps
            other.optimizer.load_state_dict(copy.deepcopy(saved))
            ahead = copy.deepcopy(run)
            one, two = ahead.go(6).values(), other.go(6).values()
            if first is second:
                assert torch.equal(one, two)
            assert (one - two).abs().max() <= (0.05 if dtype == torch.bfloat16 else 1e-6)


def test_sparse_adam_leaves_untouched_rows_and_refuses_dense_gradients():
    run = Tables(lambda params: optim.SparseAdam(params))
    before = run.tables[0].weight.detach().clone()
    run.optimizer.zero_grad()
    run.tables[0](torch.tensor([2, 2, 5])).sum().backward()
    run.optimizer.step()
    moved = (run.tables[0].weight != before).any(1)
    assert moved.nonzero().flatten().tolist() == [2, 5]
    run.tables[0].weight.grad = torch.ones(9, 3, dtype=torch.float64)
    with pytest.raises(Unsupported, match="SparseAdam does not support dense gradients, please consider Adam instead"):
        run.optimizer.step()


# -- LBFGS -------------------------------------------------------------------------------------------------------------


def minimise(cls, options, n_steps, start=(1.5, 1.5)):
    """Rosenbrock's valley; the closure is called as often as the line search asks."""
    place = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer, calls = cls([place], **options), []

    def closure():
        optimizer.zero_grad()
        loss = (1 - place[0]) ** 2 + 100 * (place[1] - place[0] ** 2) ** 2
        loss.backward()
        calls.append(loss.item())
        return loss

    losses = [optimizer.step(closure).item() for _ in range(n_steps)]
    return place.detach(), losses, calls, optimizer


@pytest.mark.parametrize("options", [each.kwargs for each in BY_NAME["LBFGS"].optim_inputs_func(device=CPU)], ids=str)
def test_lbfgs_is_torch_s_step_by_step(options):
    mine, theirs = (minimise(cls, copy.deepcopy(options), 5) for cls in (optim.LBFGS, torch.optim.LBFGS))
    assert torch.equal(mine[0], theirs[0]) and mine[1:3] == theirs[1:3] and len(mine[2]) > 5
    assert mine[1][-1] < mine[1][0]


def test_lbfgs_reaches_the_minimum_and_its_checkpoint_is_torch_s():
    place, *_, optimizer = minimise(optim.LBFGS, {"line_search_fn": "strong_wolfe"}, 9)
    assert (place - 1).abs().max() < 1e-5  # where its own tolerances stop it
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    torch.optim.LBFGS([nn.Parameter(place.clone())]).load_state_dict(saved)
    optim.LBFGS([nn.Parameter(place.clone())]).load_state_dict(saved)
    assert optim.LBFGS.rule is optim.lbfgs and issubclass(optim.LBFGS, torch.optim.LBFGS)
