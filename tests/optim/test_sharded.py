"""Parameters in shards (torch's fully_shard): the step of whole ones, or a refusal."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from steepest import optim
from steepest.core.declare import Rule
from steepest.core.errors import Unsupported
from steepest.optim.optimizer import class_of

RULES = [item for item in optim if isinstance(item, Rule) and item.name != "sparse_adam"]
BY_ELEMENT = [rule for rule in RULES if rule.looks_at == "elementwise" and not rule.solo_only]


@pytest.fixture(scope="module", autouse=True)
def one_of_one(tmp_path_factory):
    """A group of one process, in which a shard is the whole and all that is sharded takes the sharded way."""
    meet = tmp_path_factory.mktemp("group") / "meet"
    torch.distributed.init_process_group("gloo", init_method=f"file://{meet}", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def twins():
    """A model, and the same one sharded."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))
    return model, fully_shard(copy.deepcopy(model), mesh=init_device_mesh("cpu", (1,)))


def trained(model, optimizer, n=3):
    draw = torch.Generator().manual_seed(1)
    for _ in range(n):
        optimizer.zero_grad()
        model(torch.randn(6, 5, generator=draw)).square().sum().backward()
        optimizer.step()


def weights(model):
    return [getattr(p, "full_tensor", lambda p=p: p)().detach() for p in model.parameters()]


@pytest.mark.parametrize("transforms", [None, "nesterov + clip_value(0.1) + ema(decay=0.9)"])
@pytest.mark.parametrize("rule", BY_ELEMENT, ids=lambda rule: rule.name)
def test_shards_move_as_whole_parameters_do(rule, transforms):
    optimizers = []
    for model in twins():
        optimizers.append(class_of(rule)(model.parameters(), lr=0.01, transforms=transforms))
        trained(model, optimizers[-1])
        optimizers[-1].eval()
        judged = weights(model)
        optimizers[-1].train()
        if len(optimizers) == 1:
            expected, judged_there = weights(model), judged
    assert all(torch.equal(a, b) for a, b in zip(judged, judged_there))
    assert all(torch.equal(a, b) for a, b in zip(weights(model), expected))


def test_states_are_shards_too_so_that_torch_saves_them_whole():
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict

    whole, sharded = twins()
    optimizers = [optim.AdamW(model.parameters(), lr=0.01) for model in (whole, sharded)]
    for model, optimizer in zip((whole, sharded), optimizers):
        trained(model, optimizer)
    assert all(hasattr(state["exp_avg"], "device_mesh") for state in optimizers[1].state.values())
    saved = get_optimizer_state_dict(sharded, optimizers[1], options=StateDictOptions(full_state_dict=True))["state"]
    for (name, _), state in zip(whole.named_parameters(), optimizers[0].state.values()):
        assert torch.equal(saved[name]["exp_avg"], state["exp_avg"]) and float(saved[name]["step"]) == 3


@pytest.mark.parametrize("rule", [one for one in RULES if one.looks_at != "elementwise"], ids=lambda rule: rule.name)
def test_a_rule_that_looks_at_more_than_elements_refuses_shards(rule):
    with pytest.raises(Unsupported, match=f"{rule.name} looks at more than single elements"):
        class_of(rule)(twins()[1].parameters(), lr=0.01)


@pytest.mark.parametrize("transform", ["clip_norm(1.0)", "cautious", "centralise", "sam"])
def test_a_transform_that_looks_at_more_than_elements_refuses_shards(transform):
    with pytest.raises(Unsupported, match="looks at more than single elements"):
        optim.SGD(twins()[1].parameters(), lr=0.01, transforms=transform)
