"""An optimizer of the user's own as an arm: a torch.optim.Optimizer of its own for each trial, on the trial's row."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from steepest.core.declare import Rule
from steepest.core.domains import Log
from steepest.core.errors import UsageError
from steepest.core.item import Hyper
from steepest.core.objects import user_code
from steepest.core.trees import Layout

from .own_things import OwnThing, name_for, refuse_options
from .trial import Arm

AROUND = 30.0
"""Learning rates are searched from the default over this to the default times this; the search goes on beyond an edge."""
DEFAULT_RATE = 1e-2
ASSUMED_STATES = 2
"""Rows of states that an optimizer is taken to hold, as Adam does: what it makes is seen only when it steps."""
NEEDED = "a class or function of (params, lr=...) that makes an optimizer"


class OwnRule(OwnThing, Rule):
    """own(params, lr=..., **options) -> a torch.optim.Optimizer."""

    def __init__(self, own: Callable[..., Any], name: str) -> None:
        super().__init__(_declared, use="", source="")
        self.own = self.given = own
        self.name = self.class_name = name
        rest = _options(own)
        given = next((p.default for p in rest if p.name == "lr"), None)
        rate = float(given) if isinstance(given, (int, float)) and given > 0 else DEFAULT_RATE
        self.hyper = {p.name: Hyper(p.name, p.default, None) for p in rest}
        self.hyper["lr"] = Hyper("lr", rate, None, Log(rate / AROUND, rate * AROUND))

    def made(self, params: Sequence[nn.Parameter], lr: float, options: Mapping[str, Any]) -> torch.optim.Optimizer:
        with user_code(self.name, f"{NEEDED} was needed", UsageError):
            found = self.own(params, lr=lr, **options)
        if not isinstance(found, torch.optim.Optimizer):
            seen = f"it gave a {type(found).__name__}"
            raise UsageError(
                where=self.name, seen=seen, needed=f"{NEEDED} was needed", repair="Subclass torch.optim.Optimizer."
            )
        return found

    def try_out(self, options: Mapping[str, Any]) -> None:
        """One step of two numbers: refuse what could not step in a population."""
        known = _options(self.own)
        refuse_options(self.name, "optimizer", [n for n in options if n not in ("lr", "weight_decay")], known)
        p = nn.Parameter(torch.ones(2, 2))
        place, before = p.data_ptr(), p.detach().clone()
        plain = {n: v for n, v in options.items() if n != "lr"}
        optimizer, p.grad = self.made([p], float(options.get("lr", self.hyper["lr"].default)), plain), torch.ones(2, 2)
        self.step(optimizer)
        if p.data_ptr() != place or torch.equal(p.detach(), before):
            moved = p.data_ptr() != place
            raise UsageError(
                where=self.name,
                seen="its step puts another tensor into p.data" if moved else "its step left the parameter as it was",
                needed="a step that changes the parameters where they lie was needed",
                repair="p.data.add_(...), p.copy_(...), instead of p.data = ..."
                if moved
                else "p.grad holds the gradient.",
            )

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        with user_code(self.name, "a step() without a closure was needed", UsageError), torch.no_grad():
            optimizer.step()


class OwnStepper:
    """The trials of one such rule: an optimizer for each, whose parameters are views of the trial's row."""

    def __init__(self, arms: Sequence[Arm], param: Tensor, layout: Layout) -> None:
        assert isinstance(arms[0].rule, OwnRule)
        self.rule, self._arms, self._layout = arms[0].rule, arms, layout
        self.state = {"assumed": torch.empty(ASSUMED_STATES, *param.shape, dtype=param.dtype, device="meta")}

    def bound(self, values: Tensor, gradients: Tensor) -> Callable[[Tensor], None]:
        """move(rates (k,)): one step of each trial."""
        optimizers, slopes = [], []
        for k, arm in enumerate(self._arms):
            rows = [self._layout.views(flat[k : k + 1]) for flat in (values, gradients)]
            params = [nn.Parameter(view[0].detach()) for view in rows[0].values()]
            slopes.append([(p, gradient[0]) for p, gradient in zip(params, rows[1].values())])
            decay = {} if arm.weight_decay is None else {"weight_decay": arm.weight_decay}
            known = {p.name for p in _options(self.rule.own)}
            options = {**arm.rule_hyper, **(decay if arm.weight_decay or "weight_decay" in known else {})}
            optimizers.append(self.rule.made(params, float(self.rule.hyper["lr"].default), options))

        def move(rates: Tensor) -> None:
            for optimizer, own, rate in zip(optimizers, slopes, rates.tolist()):
                for p, gradient in own:  # some set it to None
                    p.grad = gradient
                for group in optimizer.param_groups:
                    group["lr"] = rate
                self.rule.step(optimizer)

        return move


def own_rule(one: Any, name: str = "", taken: Sequence[str] = ()) -> OwnRule:
    """The rule of a class or function. name, taken: see name_for."""
    if isinstance(one, torch.optim.Optimizer):
        raise UsageError(
            where=type(one).__name__,
            seen="the optimizer of some model was given",
            needed=f"{NEEDED}, one for each trial, was needed",
            repair=f"The class itself, or functools.partial({type(one).__name__}, ...) with its options.",
        )
    return OwnRule(one, name_for(one, name, "optimizer", taken))


def _options(own: Callable[..., Any]) -> list[inspect.Parameter]:
    """The arguments behind the parameters."""
    return [p for p in list(inspect.signature(own).parameters.values())[1:] if p.kind is not p.VAR_POSITIONAL]


def _declared(grad: Tensor, *, t: float, lr: float) -> tuple[Tensor]:
    """Stands where catalogue rules have their body; nobody calls it."""
    raise NotImplementedError
