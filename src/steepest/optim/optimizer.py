"""A rule as a torch.optim.Optimizer: `optim.AdamW(model.parameters(), lr=1e-3)` stands where torch's own stood.

Param groups, closures, hooks, schedulers and pickling are torch's. Where torch has the rule, options and states bear
torch's names (beta1 and beta2 lie in a group as `betas`), so that checkpoints interchange both ways.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.errors import DtypeError, UsageError

from .apply import Scratch, apply_block, blocks
from .program import program_of
from .settings import accept_settings

Options = dict[str, Any]
# Options of torch that say how it computes, not what.
EXECUTION = ("foreach", "fused", "capturable", "differentiable")


class RuleOptimizer(torch.optim.Optimizer):
    """What all optimizers have in common; `class_of(rule)` gives the class of one rule."""

    rule: ClassVar[Rule]

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor | None = None,
        *,
        weight_decay: float | None = None,
        betas: tuple[float, ...] | None = None,
        maximize: bool = False,
        **hyper: Any,
    ) -> None:
        """None stands for the rule's default; betas=(0.9, 0.999) says beta1=0.9, beta2=0.999 in torch's way."""
        program_of(self.rule)  # refuses what cannot be run before anything is set up
        given = {**hyper, "lr": lr, "weight_decay": weight_decay, "betas": betas}
        super().__init__(params, {**self._settled(given), "maximize": maximize})

    def _settled(self, given: Mapping[str, Any]) -> Options:
        """All hyperparameters as a group keeps them; what is not given has the rule's default."""
        settings = accept_settings(self.rule, _unpacked(given))
        for name, value in settings.items():
            if isinstance(value, Tensor) and value.numel() != 1:
                raise UsageError(
                    where=self.rule.class_name,
                    seen=f"{name} has {value.numel()} values",
                    needed="an optimizer takes one number",
                    repair="For one per trial: steepest.optim.stacked.StackedRule, or st.Population for whole models.",
                )
        return _packed(settings)

    def add_param_group(self, param_group: Options) -> None:
        """Add parameters; hyperparameters that the group does not name are the optimizer's."""
        if isinstance(param_group, dict):
            names = {*self.rule.hyper, "weight_decay", "betas"}
            own = {name: param_group.pop(name) for name in names & set(param_group)}
            common = {name: value for name, value in self.defaults.items() if name in names}
            param_group.update(self._settled({**_unpacked(common), **_unpacked(own)}))
        super().add_param_group(param_group)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """One step along all gradients; returns the closure's loss if there is a closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        scratch = Scratch()
        with torch.no_grad():
            for group in self.param_groups:
                self._step_group(group, scratch)
        return loss

    def _step_group(self, group: Options, scratch: Scratch) -> None:
        settings = {n: value.item() if isinstance(value, Tensor) else value for n, value in _unpacked(group).items()}
        steps: dict[tuple[float, ...], Options] = {}  # parameters of the same age share their numbers
        for param in group["params"]:
            grad = param.grad
            if grad is None:
                continue
            self._refuse_sparse(grad)
            state = self._state_of(param, settings)
            state["step"] += 1
            age = (float(state["step"]), *(float(state[name]) for name in self.rule.scalar_states))
            if age not in steps:
                steps[age] = self._numbers(settings, age)
            self._step_param(param, grad, state, steps[age], scratch, -1 if settings["maximize"] else 1)

    def _state_of(self, param: Tensor, settings: Options) -> Options:
        """The parameter's state; what is not there yet, or what torch's checkpoint lacks, has its starting value."""
        state = self.state[param]
        if "step" not in state:
            state["step"] = torch.tensor(0.0, dtype=torch.float32)
        for name in self.rule.states:
            if state.get(name) is None:
                start = self.rule.initial.get(name, 0.0)
                value = settings[start] if isinstance(start, str) else start
                if name not in self.rule.scalar_states:
                    filled = complex(value, value) if param.is_complex() else value
                    value = torch.full_like(param, filled, memory_format=torch.preserve_format)
                state[name] = value
        return state

    def _numbers(self, settings: Options, age: tuple[float, ...]) -> Options:
        program = program_of(self.rule)
        constants = program.constants({name: value for name, value in settings.items() if name in self.rule.hyper})
        numbers = program.numbers({**constants, "t": age[0], **dict(zip(self.rule.scalar_states, age[1:]))})
        decay = settings["weight_decay"]
        numbers["decay"] = 1 - settings["lr"] * decay if self.rule.decay == "decoupled" else decay
        return {**numbers, "has_decay": decay != 0}

    def _step_param(
        self, param: Tensor, grad: Tensor, state: Options, numbers: Options, scratch: Scratch, sign: int
    ) -> None:
        program = program_of(self.rule)
        wide = {name: _real(state[name]) for name in self.rule.states if name not in self.rule.scalar_states}
        wide["param"], grad = _real(param), _real(grad)
        decay = self.rule.decay if numbers["has_decay"] else "none"
        for block in blocks(wide["param"]):
            tensors = {name: value[block] for name, value in wide.items()} if block else wide
            part = grad[block] if sign > 0 else -grad[block]
            apply_block(program, {**numbers, **tensors, "grad": part}, decay, scratch)
        for name, value in program.new_scalars.items():
            state[name] = numbers[value]

    def _refuse_sparse(self, grad: Tensor) -> None:
        if grad.layout != torch.strided:
            raise DtypeError(
                where=self.rule.class_name,
                seen=f"a gradient has layout {grad.layout}",
                needed="dense gradients were needed",
                repair="Embedding(..., sparse=False) gives dense ones; for sparse ones take torch.optim.SparseAdam.",
            )

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    def state_dict(self) -> Options:
        """As torch's, and loadable by the torch class of the same rule."""
        saved = super().state_dict()
        saved["param_groups"] = [{**_twin_options(self.rule), **group} for group in saved["param_groups"]]
        return saved

    def load_state_dict(self, state_dict: Options) -> None:
        """Continue from a checkpoint of this class, or of the torch class of the same rule."""
        groups = [self._own_options(group) for group in state_dict["param_groups"]]
        super().load_state_dict({**state_dict, "param_groups": groups})
        for state in self.state.values():  # torch keeps the checkpoint's own tensors: steps would write into them
            state.update({name: value.clone() for name, value in state.items() if isinstance(value, Tensor)})

    def _own_options(self, saved: Options) -> Options:
        """A saved group without the options that only torch has; one that would change the rule is refused."""
        group = dict(self.defaults)
        torch_only = {name: value for name, value in _twin_options(self.rule).items() if name not in self.defaults}
        for name, value in saved.items():
            if name not in torch_only:
                group[name] = value
            elif name not in EXECUTION and value != torch_only[name]:
                raise UsageError(
                    where=f"{self.rule.class_name}.load_state_dict",
                    seen=f"the checkpoint was made with {name}={value!r}",
                    needed=f"this rule has {name}={torch_only[name]!r} only",
                    repair=f"Go on with {self.rule.equals}.",
                )
        return group


@lru_cache(maxsize=None)
def class_of(rule: Rule) -> type[RuleOptimizer]:
    """The optimizer class of a rule, made once."""
    attributes = {
        "rule": rule,
        "__module__": __name__.rpartition(".")[0],  # optim.AdamW is found there, by pickle too
        "__qualname__": rule.class_name,
        "__doc__": _doc(rule),
        "__signature__": _signature(rule),
    }
    return type(rule.class_name, (RuleOptimizer,), attributes)


def _signature(rule: Rule) -> inspect.Signature:
    common = inspect.signature(RuleOptimizer.__init__).parameters
    keyword = inspect.Parameter.KEYWORD_ONLY
    lr = common["lr"].replace(default=rule.hyper["lr"].default)
    own = [inspect.Parameter(h.name, keyword, default=h.default) for h in rule.hyper.values() if h.name != "lr"]
    decay = [common["weight_decay"].replace(default=rule.weight_decay)] if rule.decay != "none" else []
    betas = [common["betas"]] if "beta1" in rule.hyper else []
    return inspect.Signature([common["params"], lr, *own, *decay, *betas, common["maximize"]])


def _doc(rule: Rule) -> str:
    lines = [f"{h.name}: {h.explain()}" for h in rule.hyper.values()]
    lines += [f"weight_decay: a number >= 0, {rule.decay}"] if rule.decay != "none" else []
    return "\n\n".join([rule.purpose, rule.use, "\n".join(lines), f"Source: {rule.source}"])


def _unpacked(options: Mapping[str, Any]) -> Options:
    """Options with beta1, beta2, ... instead of betas."""
    plain = {name: value for name, value in options.items() if name != "betas"}
    if options.get("betas") is not None:
        plain.update({f"beta{i}": value for i, value in enumerate(options["betas"], 1)})
    return plain


def _packed(settings: Mapping[str, Any]) -> Options:
    """Options with betas instead of beta1, beta2, ..."""
    names = [name for name in (f"beta{i}" for i in range(1, len(settings))) if name in settings]
    packed = {name: value for name, value in settings.items() if name not in names}
    return {**packed, "betas": tuple(settings[name] for name in names)} if names else packed


@lru_cache(maxsize=None)
def _twin_options(rule: Rule) -> Mapping[str, Any]:
    """The options of torch's class of the same rule, with the values that make it the same; none without a twin."""
    module, _, name = (rule.equals or "").rpartition(".")
    if module != "torch.optim":
        return {}
    return {**getattr(torch.optim, name)([torch.zeros(1)]).defaults, **rule.equals_with}


def _real(value: Tensor) -> Tensor:
    return torch.view_as_real(value) if value.is_complex() else value
