"""Training and evaluation mode: which layers behave differently, and which calls evaluate."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from .graph import ancestors
from .record import ModelCall, Run


def switched(module: nn.Module, training: bool = True) -> list[str]:
    """The kinds of layers in the model that act by their mode, and are in the given mode."""
    found = set()
    for m in module.modules():
        acts = (isinstance(m, _DropoutNd) and m.p > 0) or isinstance(m, _BatchNorm)
        acts = acts or (isinstance(m, nn.RNNBase) and m.dropout > 0 and m.num_layers > 1)
        if acts and m.training is training:
            found.add(type(m).__name__)
    return sorted(found)


def is_evaluation(call: ModelCall, run: Run) -> bool:
    """Its output is compared with targets, and nothing is learned from it. Dropout kept on by choice is no mistake."""
    steps = [e.at for e in run.events if e.kind == "step" and e.at <= call.first_op]
    if not steps:
        return False
    if any(e.kind == "train" and steps[-1] < e.at <= call.first_op for e in run.events):
        return False
    made = set(map(id, call.outputs_ops))
    users = [op for op in run.compares if op.index >= call.last_op] + [
        c.op for c in run.losses if c.op.index >= call.last_op
    ]
    return any(id(a) in made for op in users for a in ancestors(op))


def evaluated_before(call: ModelCall, run: Run) -> bool:
    """The same model was evaluated earlier, and nobody asked for evaluation mode since."""
    earlier = [
        c
        for c in run.calls
        if c.module is call.module and not c.learned and not c.training and c.first_op < call.first_op
    ]
    if not earlier:
        return False
    return not any(e.kind == "eval" and earlier[-1].first_op < e.at <= call.first_op for e in run.events)
