"""Checkpoints of an optimizer: those of the torch class of the same rule are read, and ours can be read by it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.errors import UsageError

from .around import refuse_other_transforms
from .chain import Chain
from .options import EXECUTION, Interface, interface_of, twin_of
from .states import count_dtype

Options = dict[str, Any]


class Interchanging(torch.optim.Optimizer):
    """An optimizer of a rule, with transforms around it, as far as it is saved, loaded, copied and pickled."""

    rule: ClassVar[Rule]
    _chain = Chain(())

    @property
    def _interface(self) -> Interface:
        return interface_of(self.rule)

    def state_dict(self) -> Options:
        """As torch's, and loadable by the torch class of the same rule."""
        saved = super().state_dict()
        saved["param_groups"] = [{**self._torch_only(), **group} for group in saved["param_groups"]]
        if self._chain:
            saved["transforms"] = self._chain.text
        return saved

    def load_state_dict(self, state_dict: Options) -> None:
        """Continue from a checkpoint of this class, or of the torch class of the same rule."""
        refuse_other_transforms(self._chain, state_dict.get("transforms", ""))
        hook = self.register_load_state_dict_pre_hook(self._prepared)
        try:
            super().load_state_dict(state_dict)
        finally:
            hook.remove()

    def _prepared(self, _: Any, state_dict: Options) -> Options:
        """A checkpoint with the options that this class has, and with copies of its tensors.

        Scalar states become plain numbers: torch would round those that are tensors to the parameter's dtype.
        """
        scalars = {"step", *self.rule.scalar_states}
        states = {
            key: {
                name: value.item() if name in scalars and isinstance(value, Tensor) else _copied(value)
                for name, value in state.items()
            }
            if isinstance(state, dict)
            else state
            for key, state in state_dict["state"].items()
        }
        groups = [self._own_options(group) for group in state_dict["param_groups"]]
        return {**state_dict, "state": states, "param_groups": groups}

    def __getstate__(self) -> Options:
        """As torch's, with the transforms."""
        return {**super().__getstate__(), **({"_chain": self._chain} if self._chain else {})}

    def __setstate__(self, state: Options) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self._torch_defaults().items():
                group.setdefault(name, value)
            if self._interface.namesake is torch.optim.AdamW:
                group["decoupled_weight_decay"] = True
            for param in group["params"]:
                own = self.state.get(param, {})
                device = param.device if group.get("capturable") else torch.device("cpu")
                for name in {"step", *self.rule.scalar_states} & set(own):
                    dtype = count_dtype() if name == "step" else torch.float64
                    if not isinstance(own[name], Tensor):
                        own[name] = torch.tensor(float(own[name]), dtype=dtype, device=device)

    def _torch_defaults(self) -> Options:
        """What an option was before checkpoints knew it."""
        common = {"maximize": False, **EXECUTION, "amsgrad": False, "centered": False, "decoupled_weight_decay": False}
        return {name: value for name, value in common.items() if self._has_option(name)}

    def _has_option(self, name: str) -> bool:
        """Torch gives every loaded optimizer a default for `differentiable`, also where the class has none."""
        return name in self.defaults and (name != "differentiable" or name in self._interface.names)

    def _torch_only(self) -> Mapping[str, Any]:
        """The options that torch's class of the same rule has and ours has not, at the values of the same rule."""
        return {name: value for name, value in _twin_options(self.rule).items() if name not in self.defaults}

    def _own_options(self, saved: Options) -> Options:
        """A saved group without the options that only torch has; one that would change the rule is refused."""
        torch_only = self._torch_only()
        known = _twin_options(self.rule)
        group = {n: v for n, v in self.defaults.items() if n not in known and self._has_option(n)} if known else {}
        for name, value in saved.items():
            if name not in torch_only:
                group[name] = value
            elif value != torch_only[name]:
                raise UsageError(
                    where=f"{self.rule.class_name}.load_state_dict",
                    seen=f"the checkpoint was made with {name}={value!r}",
                    needed=f"this rule has {name}={torch_only[name]!r} only",
                    repair=f"Go on with steepest.optim.{(self.rule.equals or '').rpartition('.')[2]}.",
                )
        return group


@cache
def _twin_options(rule: Rule) -> Mapping[str, Any]:
    """The options of torch's class of the same rule, with the values that make it the same; none without a twin."""
    twin: Any = twin_of(rule)
    return {} if twin is None else {**twin([torch.zeros(1, 1)]).defaults, **rule.equals_with}


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value
