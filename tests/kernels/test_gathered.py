"""What a step gathers in one call is what each object says by itself, and what is unusual is refused."""

from __future__ import annotations

import ctypes
from collections import defaultdict
from typing import Any

import pytest
import torch
from torch import Tensor

from steepest.kernels.gathered import gather_of

States = dict[Tensor, Any]


@pytest.fixture(autouse=True, scope="module")
def compiler():
    if gather_of(["m"], 0) is None:
        pytest.skip("no C++ compiler, or a torch without the table")


def group(n: int = 5) -> tuple[list[Tensor], States]:
    params = [torch.randn(k + 1, 3).requires_grad_() for k in range(n)]
    states: States = defaultdict(dict)
    for param in params:
        param.grad = torch.randn_like(param)
        states[param] = {"m": torch.randn(param.shape), "step": torch.tensor(4.0), "mu": torch.tensor(0.5).double()}
    return params, states


def gathered(params: list[Tensor], states: States) -> Any:
    gather = gather_of(["m", "step", "mu"], 2)
    assert gather is not None
    return gather(params, states, 32)


def addresses(params: list[Tensor], states: States) -> list[int]:
    own = [states[param] for param in params]
    columns = [params, [p.grad for p in params], *([one[name] for one in own] for name in ("m", "step", "mu"))]
    return [tensor.data_ptr() for column in columns for tensor in column]


def test_addresses_sizes_and_numbers_are_those_of_the_tensors():
    params, states = group()
    found = gathered(params, states)
    assert list(found.places) == addresses(params, states)
    assert list(found.sizes) == [3, 6, 9, 12, 15]
    assert (found.n, found.total, list(found.numbers)) == (5, 45, [4.0, 0.5])


def test_the_order_of_the_states_does_not_matter_nor_what_lies_among_them():
    params, states = group()
    others, more = group(2)
    for order in ([4, 3, 2, 1, 0], [2, 0, 1, 4, 3]):
        mixed = {**more, **{params[k]: states[params[k]] for k in order}}
        assert list(gathered(params, mixed).places) == addresses(params, states)
        assert list(gathered(others, mixed).places) == addresses(others, more)


def test_the_same_gatherer_follows_what_has_changed_since_the_last_call():
    params, states = group()
    gather = gather_of(["m", "step", "mu"], 2)
    assert gather is not None
    for _ in range(2):
        assert list(gather(params, states, 32).places) == addresses(params, states)
    states[params[1]] = states.pop(params[1])  # now the last
    states[params[2]]["m"].data = torch.zeros(3, 3)
    params[0].grad = torch.ones(1, 3)
    assert list(gather(params, states, 32).places) == addresses(params, states)
    more, others = group(3)
    assert list(gather(more, {**others, **states}, 32).places) == addresses(more, others)


def test_parameters_without_a_gradient_are_left_out():
    params, states = group()
    params[0].grad = params[3].grad = None
    del states[params[3]]
    found = gathered(params, states)
    moved = [params[k] for k in (1, 2, 4)]
    assert all(a is b for a, b in zip(found.params, moved, strict=True))
    assert list(found.places)[:15] == addresses(moved, states)
    found.put(3, [5.0, 0.25])
    assert [states[param]["step"].item() for param in params[:3]] == [4.0, 5.0, 5.0]
    assert [states[param]["mu"].item() for param in params[:3]] == [0.5, 0.25, 0.25]


UNUSUAL = {
    "no gradient at all": lambda params, states: [setattr(param, "grad", None) for param in params],
    "no state": lambda params, states: states.pop(params[2]),
    "a state that is no dict": lambda params, states: states.update({params[2]: [1]}),
    "a name that is missing": lambda params, states: states[params[2]].pop("m"),
    "a number that is no tensor": lambda params, states: states[params[2]].update(step=4.0),
    "another count": lambda params, states: states[params[2]]["step"].fill_(5),
    "a count that is no number": lambda params, states: [states[p]["step"].fill_(torch.nan) for p in params],
    "a count of another width": lambda params, states: states[params[2]].update(step=torch.tensor(4.0).double()),
    "a whole count": lambda params, states: states[params[2]].update(step=torch.tensor(4)),
    "another size": lambda params, states: states[params[2]].update(m=torch.zeros(2, 3)),
    "another dtype": lambda params, states: states[params[2]].update(m=torch.zeros(3, 3).double()),
    "a turned gradient": lambda params, states: setattr(params[2], "grad", torch.ones(3, 3).triu().t()),
    "a sparse gradient": lambda params, states: setattr(params[2], "grad", torch.ones(3, 3).to_sparse()),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_unusual_is_refused(name):
    params, states = group()
    UNUSUAL[name](params, states)
    assert gathered(params, states) is None


def test_all_that_was_gathered_stays_alive():
    params, states = group(1)
    before = states[params[0]]["m"].clone()
    found = gathered(params, states)
    place = found.places[2]
    states.clear()
    for _ in range(20):
        torch.full((1, 3), 7.0)  # would take the memory
    assert [*(ctypes.c_float * 3).from_address(place)] == before.flatten().tolist()
