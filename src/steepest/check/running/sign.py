"""Whether a recorded loss prefers wrong outputs: it is called again with a perfect output and with one for other targets."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from .record import Backward, Run
from .replay import CannotReplay, between, can_replay, outputs_in, targets_in, value_of

ENDS = ("sigmoid", "softmax", "log_softmax", "logsigmoid", "cross_entropy", "binary_cross_entropy_with_logits")
OTHER_SCALES = {
    "exp",
    "poisson_nll_loss",
    "gaussian_nll_loss",
    "kl_div",
    "soft_margin_loss",
    "hinge_embedding_loss",
    "ctc_loss",
    "cdist",
}
SURE = 8.0


DISTANCES = frozenset("sqrt norm vector_norm linalg_norm cdist pdist pairwise_distance cosine_similarity".split())
"""An output that measures how far two things are apart is no answer to be equal to the target: 0 stands for the same pair."""


def prefers_wrong(run: Run, seen: Backward) -> tuple[float, float] | None:
    """(value of a perfect output, value of a wrong one) when the wrong one is better; None when all is well or nothing can be said."""
    if seen.op is None or any(_maximizes(o) for o in run.optimizers):
        return None
    found = outputs_in(run, seen)
    if len({id(t) for _, t in found}) != 1:
        return None
    call = found[0][0]
    if any(op.name in DISTANCES for op in call.outputs_ops) or type(call.module).__module__.startswith("keras."):
        return None  # Keras brings its own losses, which clip what they are given
    output = found[0][1].detach()
    target = _only_target(seen, found[0][1])
    if target is None or not can_replay(seen, found[0][1]):
        return None
    names = {op.name for op in between(seen, found[0][1])}
    if names & OTHER_SCALES:
        return None
    right, wrong = _perfect(output, target, names), _perfect(output, _others(target), names)
    if right is None or wrong is None or torch.equal(right, wrong):
        return None
    try:
        best, worst = value_of(seen, {id(found[0][1]): right}), value_of(seen, {id(found[0][1]): wrong})
    except CannotReplay:
        return None
    margin = 1e-3 * max(1.0, abs(best), abs(worst))
    return (best, worst) if best > worst + margin else None


def _maximizes(o: object) -> bool:
    groups = getattr(getattr(o, "optimizer", None), "param_groups", [])
    return any(g.get("maximize") for g in groups)


def _only_target(seen: Backward, output: Tensor) -> Tensor | None:
    """The one tensor that varies over the samples and is no result of the model; several (weights, rewards) say nothing."""
    varying = [t for t in targets_in(seen, output) if t.numel() > 1 and bool((t != t.flatten()[0]).any())]
    kinds = {tuple(t.flatten().float().tolist()[:64]) for t in varying}
    return varying[0] if len(kinds) == 1 else None


def _others(target: Tensor) -> Tensor:
    """Targets that are wrong everywhere where that is possible: 0 for 1, the next class, the mirrored number."""
    if not target.is_floating_point():
        return (target + 1) % (int(target.max()) + 1)
    if bool(((target == 0) | (target == 1)).all()):
        return 1 - target
    return 2 * target.mean() - target


def _perfect(output: Tensor, target: Tensor, names: set[str]) -> Tensor | None:
    """The output that says exactly the target, as logits where the loss squashes it."""
    logits = any(n in names for n in ENDS)
    if target.is_floating_point() or target.dtype == torch.bool:
        if target.numel() != output.numel():
            return None
        answer = target.reshape(output.shape).to(output.dtype)
        zero_one = bool(((answer == 0) | (answer == 1)).all())
        return (2 * answer - 1) * SURE if logits and zero_one else None if logits else answer
    if (
        output.dim() < 2
        or target.dim() != output.dim() - 1
        or int(target.max()) >= output.shape[1]
        or int(target.min()) < 0
    ):
        if target.numel() == output.numel() and int(target.max()) <= 1 and int(target.min()) >= 0:
            answer = target.reshape(output.shape).to(output.dtype)
            return (2 * answer - 1) * SURE if logits else answer
        return None
    hot = F.one_hot(target, output.shape[1]).movedim(-1, 1).to(output.dtype)
    if "nll_loss" in names and "log_softmax" not in names:
        return (hot * SURE).log_softmax(1)
    return hot * SURE if logits else hot
