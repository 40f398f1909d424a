"""A step keeps what the options of its groups come to; whatever is changed between two steps counts in the next."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from steepest import optim
from steepest.optim import usual
from steepest.optim.optimizer import RuleOptimizer

Edit = Callable[[RuleOptimizer], RuleOptimizer | None]


def first(optimizer: RuleOptimizer) -> Tensor:
    return optimizer.param_groups[0]["params"][0]


def of_group(**options: object) -> Edit:
    return lambda optimizer: optimizer.param_groups[0].update(options)


def other_memory(optimizer: RuleOptimizer) -> None:
    first(optimizer).data = first(optimizer).data.clone()


def without_gradient(optimizer: RuleOptimizer) -> None:
    first(optimizer).grad = None


def other_state(optimizer: RuleOptimizer) -> None:
    state = optimizer.state[first(optimizer)]
    optimizer.state[first(optimizer)] = {name: value.clone() for name, value in state.items()}


def states_in_other_memory(optimizer: RuleOptimizer) -> None:
    for name, value in optimizer.state[first(optimizer)].items():
        if name != "step":
            value.data = torch.full_like(value, 0.25)


def without_state(optimizer: RuleOptimizer) -> None:
    del optimizer.state[first(optimizer)]


def other_age(optimizer: RuleOptimizer) -> None:
    optimizer.state[first(optimizer)].get("step", torch.zeros(())).add_(3)


def all_of_other_age(optimizer: RuleOptimizer) -> None:
    for state in optimizer.state.values():
        state.get("step", torch.zeros(())).fill_(40)


def reloaded(optimizer: RuleOptimizer) -> None:
    optimizer.load_state_dict(copy.deepcopy(optimizer.state_dict()))


def fewer_parameters(optimizer: RuleOptimizer) -> None:
    optimizer.param_groups[0]["params"].pop()


def one_more_group(optimizer: RuleOptimizer) -> None:
    torch.manual_seed(3)
    more = torch.randn(80, 80, dtype=first(optimizer).dtype).requires_grad_()
    more.grad = torch.randn_like(more)
    optimizer.add_param_group({"params": [more], "lr": 0.03})


def groups_turned(optimizer: RuleOptimizer) -> None:
    one_more_group(optimizer)
    optimizer.step()
    optimizer.param_groups.reverse()


def turned_gradient(optimizer: RuleOptimizer) -> None:
    grad = first(optimizer).grad
    assert grad is not None
    first(optimizer).grad = grad.t().contiguous().t()


def keeps_gradients(optimizer: RuleOptimizer, made: RuleOptimizer) -> RuleOptimizer:
    for old, new in zip(optimizer.param_groups[0]["params"], made.param_groups[0]["params"]):
        new.grad = old.grad
    return made


EDITS: dict[str, Edit] = {
    "lr": of_group(lr=0.5),
    "lr as a tensor": of_group(lr=torch.tensor(0.5)),
    "weight decay": of_group(weight_decay=0.3),
    "maximize": of_group(maximize=True),
    "another executor": of_group(foreach=False, fused=False),
    "memory of a parameter": other_memory,
    "no gradient": without_gradient,
    "state": other_state,
    "memory of a state": states_in_other_memory,
    "no state": without_state,
    "age of one": other_age,
    "age of all": all_of_other_age,
    "a checkpoint": reloaded,
    "fewer parameters": fewer_parameters,
    "one more group": one_more_group,
    "order of groups": groups_turned,
    "order in memory": turned_gradient,
    "a copy": lambda optimizer: keeps_gradients(optimizer, copy.deepcopy(optimizer)),
    "a pickle": lambda optimizer: keeps_gradients(optimizer, pickle.loads(pickle.dumps(optimizer))),
}
RULES = {"sgd": {"momentum": 0.9}, "adamw": {}, "asgd": {"lambd": 0.1, "t0": 2}, "schedule_free_sgd": {}, "lars": {}}


@pytest.fixture
def taken(monkeypatch) -> list[int]:
    """How many steps of groups were usual."""
    found: list[int] = []
    move = usual.ReadyToMove.move

    def counted(step: usual.ReadyToMove) -> None:
        found.append(1)
        move(step)

    monkeypatch.setattr(usual.ReadyToMove, "move", counted)
    return found


def after(rule: str, edit: Edit, dtype: torch.dtype) -> list[Tensor]:
    torch.manual_seed(1)
    params = [torch.randn(shape, dtype=dtype).requires_grad_() for shape in ((70, 70), (70,), (9, 9))]
    for param in params:
        param.grad = torch.randn_like(param)
    optimizer = getattr(optim, {r.name: r.class_name for r in optim}[rule])(params, lr=0.1, **RULES[rule])
    for _ in range(3):
        optimizer.step()
    optimizer = edit(optimizer) or optimizer
    for _ in range(3):
        optimizer.step()
    moved = [param for group in optimizer.param_groups for param in group["params"]]
    states = [optimizer.state[param] for param in moved if param in optimizer.state]
    return [*params, *moved, *(state[name] for state in states for name in sorted(state))]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("edit", EDITS)
def test_what_is_changed_between_steps_counts_in_the_next(rule, edit, monkeypatch, taken):
    for dtype in (torch.float32, torch.float64):
        ours = after(rule, EDITS[edit], dtype)
        n_usual = len(taken)
        with monkeypatch.context() as without:
            without.setattr(usual, "ready_steps", lambda: None)
            one_by_one = after(rule, EDITS[edit], dtype)
        assert len(taken) == n_usual > 0
        assert len(ours) == len(one_by_one)
        assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(ours, one_by_one))
        taken.clear()


def test_a_learning_rate_in_a_tensor_is_read_in_every_step(taken):
    rate = torch.tensor(0.1)
    param = torch.zeros(100, 100, requires_grad=True)
    optimizer = optim.SGD([param], lr=rate)
    for _ in range(3):
        param.grad = torch.ones_like(param)
        optimizer.step()
        rate.mul_(10)
    torch.testing.assert_close(param.detach(), torch.full((100, 100), -11.1))
    assert len(taken) == 3


def test_a_count_beyond_what_its_dtype_counts_to_stands_still(taken):
    param = torch.ones(100, 100, requires_grad=True)
    optimizer = optim.Adam([param])
    param.grad = torch.ones_like(param)
    optimizer.step()
    optimizer.state[param]["step"].fill_(2.0**24 - 1)
    for _ in range(2):
        optimizer.step()
    assert optimizer.state[param]["step"].item() == 2.0**24
    assert len(taken) == 1
