"""Update rules go where other libraries' go on the same gradients: optax, timm, pytorch_optimizer and the authors' own.

Their values were written down by tools/record_peers.py, with their versions; nothing of theirs is needed here.
"""

from __future__ import annotations

import json
from pathlib import Path

import peer_gradients as given
import pytest
import torch

from steepest import optim
from steepest.optim.optimizer import class_of

RECORDS = json.loads((Path(__file__).parent / "peer_values.json").read_text(encoding="utf-8"))


def tensor(values, i):
    return torch.tensor(values, dtype=torch.float64).view(given.SHAPES[i])


@pytest.mark.parametrize("record", RECORDS, ids=[f"{r['rule']} {r['peer']} {r['version']}" for r in RECORDS])
def test_a_rule_goes_where_its_peer_goes(record):
    params = [torch.nn.Parameter(tensor(given.start(i), i)) for i in range(len(given.SHAPES))]
    ours, (error, why) = dict(record["ours"]), record["error"]
    betas = tuple(ours.pop(name) for name in ("beta1", "beta2", "beta3") if name in ours)
    rule = optim[record["rule"]]
    if rule.decay != "none":
        ours.setdefault("weight_decay", 0.0)
    packed = {f"beta{i}": beta for i, beta in enumerate(betas, 1)}
    stepper = class_of(rule)(params, **ours, **packed)
    for t in range(1, given.N_STEPS + 1):
        for i, param in enumerate(params):
            param.grad = tensor(given.gradient(i, t), i)
        stepper.step()
        for i, values in enumerate(record["values"].get(str(t), ())):
            theirs = tensor(values, i)
            assert (params[i] - theirs).abs().max() <= error * theirs.abs().max(), (t, i, why)


def test_all_rules_without_a_twin_in_torch_have_a_peer():
    alone = {rule.name for rule in optim if rule.equals is None}
    assert alone <= {r["rule"] for r in RECORDS}
