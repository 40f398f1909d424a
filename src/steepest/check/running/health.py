"""How a model is doing: gradients layer by layer, equal weights, dead units, what a copy can learn by heart."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from .probes import changed, replies, undisturbed
from .record import Backward, ModelCall, Run
from .replay import CannotReplay, outputs_in, replayed

PLAIN = frozenset(
    {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "cross_entropy", "binary_cross_entropy_with_logits"}
)
RELUS = frozenset({"relu", "relu6"})


def gradients_by_layer(run: Run) -> list[tuple[str, list[tuple[str, float]]]]:
    """(class of the model, [(name of a weight, root mean square of its gradient)]) of the first pass that reached a model."""
    found = []
    for model in run.models():
        weights = [(n, p) for n, p in model.named_parameters() if p.dim() > 1]
        ids = {id(p) for _, p in weights}
        first = next((b for b in run.backwards if ids & set(b.norms)), None)
        if first is not None:
            found.append((type(model).__name__, [(n, first.norms[id(p)]) for n, p in weights if id(p) in first.norms]))
    return found


def equal_weights(run: Run) -> list[tuple[str, list[str]]]:
    """Models with at least two layers whose weight matrices have equal rows, before and after training."""
    found = []
    for model in run.models():
        layers = [
            (n, m) for n, m in model.named_modules() if isinstance(m, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d))
        ]
        alike = [
            n or type(m).__name__ for n, m in layers if len(m.weight) > 1 and bool((m.weight == m.weight[:1]).all())
        ]
        trained = {id(p) for o in run.optimizers for p in o.params}
        owned = any(id(m.weight) in trained for _, m in layers)
        if owned and len(layers) >= 2 and len(alike) >= 1 and _hidden_alike(layers, alike):
            found.append((type(model).__name__, alike))
    return found


def _hidden_alike(layers: list[tuple[str, Any]], alike: list[str]) -> bool:
    """Not the last layer alone: a head of zeros is a sound start."""
    last = layers[-1][0] or type(layers[-1][1]).__name__
    return any(name != last for name in alike)


def dead_in(out: Tensor) -> Tensor:
    """Which units are 0 for all samples, in the output of an activation: axis 1, or the last of a sequence."""
    axis = 1 if out.dim() in (2, 4, 5) else out.dim() - 1
    return (out == 0).movedim(axis, 0).flatten(1).all(1)


def ignores_input(call: ModelCall) -> bool:
    """All rows of the output are equal though the inputs differ, and other inputs change nothing."""
    x = call.inputs[0]
    if not x.is_floating_point() or x.dim() < 2 or x.shape[0] < 4 or not call.outputs:
        return False
    out = call.outputs[0].detach()
    if out.dim() < 1 or out.shape[0] != x.shape[0] or bool((x == x[:1]).all()) or bool((out != out[:1]).any()):
        return False
    reply = replies(call)
    if reply is None:
        return False
    first, second = reply(call.inputs), reply([changed(x, (slice(None),)), *call.inputs[1:]])
    return first is not None and second is not None and first.shape == second.shape and bool((first == second).all())


def eight_by_heart(run: Run) -> tuple[float, float, int] | None:
    """(first loss, last loss, line) when a copy of a small model does not learn its first eight samples at all."""
    for seen in run.kept():
        found = outputs_in(run, seen)
        if len(found) != 1 or len(run.models()) != 1 or seen.step or len(run.optimizers) != 1:
            continue
        call, output = found[0]
        values = _overfit(call, output, seen)
        if values is not None and values[1] > 0.98 * seen.value and seen.value > 1e-3:
            return seen.value, values[1], seen.place.line
    return None


def _overfit(call: ModelCall, output: Tensor, seen: Backward) -> tuple[float, float] | None:
    """The replayed loss on the recorded batch, before and after 150 steps of Adam on a copy."""
    if call.arguments is None or sum(p.numel() for p in call.module.parameters()) > 200_000 or seen.op is None:
        return None
    if output.numel() > 20_000 or seen.value <= 0 or seen.op.name not in PLAIN or seen.op.value(-1, "label_smoothing"):
        return None
    with undisturbed():
        try:
            model = copy.deepcopy(call.module).eval()
            for p in model.parameters():
                p.requires_grad_(True)
            optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
            values = []
            with torch.enable_grad():
                for _ in range(150):
                    out = next(
                        t for t in _tensors(model(*call.arguments[0], **call.arguments[1])) if t.shape == output.shape
                    )
                    loss = replayed(seen.op, {id(output): out})
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    values.append(float(loss.detach()))
        except (CannotReplay, RuntimeError, StopIteration, TypeError, ValueError, NotImplementedError):
            return None
    return values[0], min(values[-10:])


def _tensors(out: Any) -> Any:
    from .tracer import tensors_in

    return tensors_in(out)
