"""A loss of the user's own as an arm: a function or module of (output, target), called for one trial after the other."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from steepest.core.errors import SteepestError, UsageError
from steepest.core.loss import Loss
from steepest.core.objects import user_code
from steepest.core.targets import TargetKind

from .own_things import OwnThing, name_for, refuse_options

AS_THE_DATA = TargetKind("own", "one target per sample, as the data hold it")
NEEDED = "a function or module of (output, target)"


class OwnLoss(OwnThing, Loss):
    """own(output, target, **options) -> a number, the mean over the batch, or one number per sample, whose mean is taken.

    output and target are those of one trial: (N, C) and (N,) class indices; for regressions (standardised), several labels
    and one logit both of the output's shape.
    """

    def __init__(self, own: Callable[..., Any], name: str) -> None:
        super().__init__(_declared, target=AS_THE_DATA, task=(), use="", source="")
        self.own, self.given, self.name = copy.deepcopy(own) if isinstance(own, nn.Module) else own, own, name

    def __call__(self, input: Tensor, target: Any = None, **options: Any) -> Tensor:  # type: ignore[override]
        """The mean; UsageError where no gradient leads to the input, though one is wanted."""
        value = self.value(input, target, options)
        if input.requires_grad and not value.requires_grad:
            raise self._wrong("no gradient leads from its value to the output", "a differentiable value was needed")
        return value

    def value(self, input: Tensor, target: Any, options: Mapping[str, Any]) -> Tensor:
        """The mean. It may be a constant: some losses have nothing to say of some batches."""
        own = self.own.to(input.device) if isinstance(self.own, nn.Module) else self.own
        with user_code(self.name, f"{NEEDED} was needed", UsageError):
            value = own(input, target, **options)
        is_tensor = isinstance(value, Tensor)
        if not is_tensor or value.numel() != 1 and value.shape[:1] != input.shape[:1]:
            seen = f"a tensor of shape {tuple(value.shape)}" if is_tensor else f"a {type(value).__name__}"
            raise self._wrong(f"{seen} came back", "a tensor, one number or one per sample, was needed")
        return value.mean()

    def _wrong(self, seen: str, needed: str) -> UsageError:
        repair = "No .item(), .detach() or numpy inside; return value.mean(), or a value for each sample."
        return UsageError(where=self.name, seen=seen, needed=needed, repair=repair)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Refuse an option that the function does not take."""
        call = self.own.forward if isinstance(self.own, nn.Module) else self.own
        refuse_options(self.name, "loss", options, list(inspect.signature(call).parameters.values())[2:])


def _declared(input: Tensor, target: Tensor) -> Tensor:
    """Stands where catalogue losses have their body; nobody calls it."""
    raise NotImplementedError


def own_loss(one: Any, name: str = "", taken: Sequence[str] = ()) -> OwnLoss:
    """The loss of an object. name: what the user calls it. taken: names of the catalogue, which it does not get."""
    if isinstance(one, type):
        raise _refused(
            one.__name__,
            "the class was given, not a loss of this class",
            "an object was needed",
            f"{one.__name__}(), with its arguments.",
        )
    if isinstance(one, nn.Module) and any(True for _ in one.parameters()):
        raise _refused(
            type(one).__name__,
            "it has weights of its own, which no trial would train",
            "a loss without parameters was needed",
            "Put them into the model, or make them buffers if they are fixed.",
        )
    return OwnLoss(one, name_for(one, name, "loss", taken))


def _refused(where: str, seen: str, needed: str, repair: str) -> SteepestError:
    return UsageError(where=where, seen=seen, needed=needed, repair=repair)


def own_slope(loss: OwnLoss, options: Sequence[Mapping[str, Any]]) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """(outputs (k, C, N), targets) -> losses (k,) and gradients, trial by trial, each with its own options."""

    def slope(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaf = _samples_first(outputs.detach()).contiguous().requires_grad_()
            each = zip(leaf.unbind(), _samples_first(targets).contiguous().unbind(), options)
            losses = torch.stack([loss.value(output, target, own) for output, target, own in each])
            gradient = torch.autograd.grad(losses.sum(), leaf)[0] if losses.requires_grad else torch.zeros_like(leaf)
        return losses.detach(), _samples_first(gradient)

    return slope


def _samples_first(values: Tensor) -> Tensor:
    """(k, C, N) as (k, N, C), as the model gives it, and back."""
    return values.transpose(1, 2) if values.dim() == 3 else values
