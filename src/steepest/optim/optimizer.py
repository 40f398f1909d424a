"""A rule as a torch.optim.Optimizer: `optim.AdamW(model.parameters(), lr=1e-3)` stands where torch's own stood.

Param groups, closures, hooks, schedulers and pickling are torch's. Where torch has the rule, arguments, options and
states bear torch's names (beta1 and beta2 lie in a group as `betas`), so that checkpoints interchange both ways.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor

from steepest.core.declare import Rule
from steepest.core.errors import UnknownArgument, UsageError
from steepest.core.transform import uses_of

from . import transforms as transform_catalogue
from .acceptance import accept, dense
from .apply import Scratch
from .around import evaluated_weights, step_around, with_decay_of
from .bundles import Bundles
from .chain import Chain
from .checkpoints import Interchanging
from .delegated import DELEGATED
from .hooked import hooked
from .options import EXECUTION, interface_of
from .pieces import Pieces
from .program import program_of, program_with_norms
from .sharded import accept_shards, are_sharded, own_shards
from .states import raise_counts, state_of
from .usual import ReadyToMove, Usual
from .work import Member, Work, run_captured, run_differentiably, run_elementwise, run_whole, usual_columns

Options = dict[str, Any]
_UNSAID = {"betas": None, "weight_decay": None, "maximize": False, **EXECUTION}


class RuleOptimizer(Interchanging):
    """What all optimizers have in common; `class_of(rule)` gives the class of one rule."""

    _is_sharded = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor | None = None,
        *args: Any,
        betas: tuple[float | Tensor, ...] | None = None,
        weight_decay: float | Tensor | None = None,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        transforms: Any = None,
        **hyper: Any,
    ) -> None:
        """lr=None stands for the class's default; betas=(0.9, 0.999) says beta1=0.9, beta2=0.999 in torch's way.

        Further positional arguments are those of the class's signature, which is torch's where torch has the class.
        transforms: what composes with the rule (steepest.transforms), as "clip_norm(1.0) + cautious" or a list.
        """
        if isinstance(params, torch.nn.Module):
            raise UnknownArgument(
                where=type(self).__name__,
                seen=f"the model itself, a {type(params).__name__}",
                needed="its parameters were needed",
                repair=f"{type(self).__name__}(model.parameters(), ...)",
            )
        named = {"betas": betas, "weight_decay": weight_decay, "maximize": maximize, "foreach": foreach}
        named |= {"capturable": capturable, "differentiable": differentiable, "fused": fused}
        given = {name: value for name, value in named.items() if value is not _UNSAID[name]}
        first = self._interface.signature.parameters["lr"].default if lr is None else lr
        params, options = self._interface.bind((params, first, *args), {**given, **hyper})
        self._chain = Chain.of(uses_of(transforms, transform_catalogue))
        options = with_decay_of(self._chain, self.rule, self._interface.signature.parameters, options)
        super().__init__(params, self._interface.defaults(options))
        self._evaluating = False
        self._usual: dict[int, Usual] = {}
        self._bundles = Bundles()

    def add_param_group(self, param_group: Options) -> None:
        """Add parameters; options that the group does not name are the optimizer's."""
        if isinstance(param_group, dict):
            names = self._interface.names
            own = {name: param_group.pop(name) for name in names & set(param_group)}
            param_group.update(self._interface.defaults(own, self.defaults))
        super().add_param_group(param_group)
        if are_sharded(self.param_groups[-1]["params"]):
            accept_shards(self.rule, self._chain)
            self._is_sharded = True

    # -- a step --------------------------------------------------------------------------------------------------------

    @hooked
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """One step along all gradients; returns the closure's loss if there is a closure."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        if torch.compiler.is_compiling():
            torch._dynamo.graph_break(msg="Steepest's optimizers step between graphs: compile without fullgraph=True.")
            self._move_untraced(closure)
        else:
            self._move(closure)
        return loss

    def _move(self, closure: Callable[[], Any] | None) -> None:
        self._refuse_while_evaluating()
        if not self._is_sharded:
            self._move_whole(closure)
            return
        with own_shards(self), torch.no_grad():
            self._move_whole(closure)

    def _move_whole(self, closure: Callable[[], Any] | None) -> None:
        if self._chain:
            at_once = self.rule.totals is not None
            around = (closure, self._shrinks, self._step_each_group, self._pieces_of, at_once)
            step_around(self._chain, self, self._bundles, *around)
        else:
            self._step_each_group()

    # Torch's compiler would trace numbers that change at every step. It is led round, as round torch's own methods.
    _move_untraced = torch._disable_dynamo(_move)

    def _step_each_group(self) -> None:
        ready = [self._ready(place, group) for place, group in enumerate(self.param_groups)]
        others = [group for group, step in zip(self.param_groups, ready) if step is None]
        with torch.set_grad_enabled(bool(self.defaults.get("differentiable"))) if others else nullcontext():
            works = [(group, self._work_of(group)) for group in others]
            for step in ready:
                if step is not None:
                    step.move()
            if works and self.rule.looks_at != "elementwise":
                run_whole([work for _, work in works])
            elif works:
                scratch = Scratch()
                for group, work in works:
                    self._step_group(group, work, scratch)

    def _step_group(self, group: Options, work: Work, scratch: Scratch) -> None:
        if group.get("differentiable"):
            run_differentiably(work)
        elif group.get("capturable"):
            run_captured(work, scratch)
        else:
            run_elementwise(work, scratch)

    def _ready(self, place: int, group: Options) -> ReadyToMove | None:
        """The step of one group in which nothing is unusual, before anything is written."""
        usual = self._usual.get(place)
        if usual is None or not usual.is_of(group):
            usual = self._usual[place] = Usual(group, self._empty_work(group), self._counts, self._is_special(group))
        return usual.ready(group["params"], self.state)

    def _work_of(self, group: Options) -> Work:
        """The step of one group, with all states made and counts raised."""
        work = self._empty_work(group)
        if not self._has_usual_columns(work, group):
            self._add_members(work, group)
        return work

    def _empty_work(self, group: Options) -> Work:
        rule = self._interface.rule_of(group)
        settings = self._interface.settings_of(rule, group)
        if group.get("differentiable"):
            settings |= {n: v for n, v in self._interface.unpacked(group).items() if n in settings}
        decay = self._decay_of(group, rule)
        if self._chain.decay is not None:
            settings["weight_decay"] = 0.0
        if decay != "inside" and isinstance(settings["weight_decay"], (int, float)) and settings["weight_decay"] == 0:
            decay = "none"
        may_fuse = group.get("fused", group.get("foreach")) is not False  # torch's NAdam and others know no fused
        return Work(rule, settings, decay, bool(group.get("maximize")), [], may_fuse=may_fuse)

    def _is_special(self, group: Options) -> bool:
        return bool(group.get("differentiable") or group.get("capturable") or self.rule.name == "sparse_adam")

    def _has_usual_columns(self, work: Work, group: Options) -> bool:
        """Whether there is nothing to look at one by one; then the work has its columns, and the counts are raised."""
        takes_columns = work.rule.looks_at == "elementwise" or program_with_norms(
            work.rule, work.rule.states_with(work.settings)
        )
        if self._is_special(group) or not takes_columns:
            return False
        needed = ("step", *work.rule.scalar_states) if self._counts else work.rule.scalar_states
        found = usual_columns(group["params"], self.state, work.tensor_states, needed)
        if found is None:
            return False
        work.columns, work.owners = found
        if self._counts:
            counts = [own["step"] for own in work.owners]
            raise_counts(counts)
            work.counts = [count.item() for count in counts]
        else:
            work.counts = [2.0] * len(work.owners)
        return True

    def _add_members(self, work: Work, group: Options) -> None:
        """All that take part, looked at one by one; new states are made, and the counts raised."""
        for param in group["params"]:
            if param.grad is not None:
                work.members.append(self._member_of(param, param.grad, group, work))
        counted = [member for member in work.members if "step" in member.state]
        raise_counts([member.state["step"] for member in counted])
        for member in counted:
            step = member.state["step"]
            member.count = step if group.get("capturable") and not group.get("differentiable") else step.item()

    def _member_of(self, param: Tensor, grad: Tensor, group: Options, work: Work) -> Member:
        """The parameter with all states made; its count is not raised yet."""
        accept(self.rule, param, grad, group)
        state, is_new = self._state_of(param, group, work.rule, work.settings)
        return Member(param, dense(grad, work.rule, state, work.decay), state, 1.0 if is_new else 2.0)

    def _pieces_of(self, param: Tensor, grad: Tensor, group: Options) -> Pieces | None:
        """The step of one parameter in pieces; None where the rule needs all of it at once."""
        if self.rule.looks_at != "elementwise" or self._is_special(group):
            return None
        work = self._empty_work(group)
        return Pieces(work, param, lambda: self._member_of(param, grad, group, work))

    def _decay_of(self, group: Options, rule: Rule) -> str:
        return "decoupled" if group.get("decoupled_weight_decay") else rule.decay

    def _shrinks(self, group: Options) -> float:
        """The factor by which the rule's own decoupled weight decay multiplies the group's parameters."""
        if self._chain.decay is not None or self._decay_of(group, self._interface.rule_of(group)) != "decoupled":
            return 1.0
        return 1 - float(group["lr"]) * float(group["weight_decay"])

    def _state_of(self, param: Tensor, group: Options, rule: Rule, settings: Options) -> tuple[Options, bool]:
        device = param.device if group.get("capturable") else torch.device("cpu")
        return state_of(self.state, param, rule, settings, counts=self._counts, device=device)

    @property
    def _counts(self) -> bool:
        """Torch's SGD keeps no count: a buffer that has just been made is at its first step, any other is older."""
        return self._interface.namesake is not torch.optim.SGD

    # -- weights to judge a model at -----------------------------------------------------------------------------------

    def eval(self) -> None:
        """Put the weights at which the model is to be judged and used into its parameters, until `train()`.

        For most rules they are the weights that it learns at, and nothing changes. Save the model and the optimizer in
        the same state of the two.
        """
        if self._evaluating:
            return
        self._evaluating = True
        with torch.no_grad(), own_shards(self) if self._is_sharded else nullcontext():
            for group in self.param_groups:
                for param in group["params"]:
                    weights = self._evaluated_weights(param, group)
                    if weights is not None:
                        self.state[param]["trained"] = param.detach().clone()
                        param.copy_(weights)

    def train(self) -> None:
        """Put the weights that the model learns at back, to the last bit."""
        self._evaluating = False
        with torch.no_grad(), own_shards(self) if self._is_sharded else nullcontext():
            for group in self.param_groups:
                for param in group["params"]:
                    if param in self.state and "trained" in self.state[param]:
                        param.copy_(self.state[param].pop("trained"))

    def _evaluated_weights(self, param: Tensor, group: Options) -> Tensor | None:
        """The weights at which the model is judged; None where they are those that it learns at."""
        if self._chain and param in self.state:
            averaged = evaluated_weights(self._chain, param, self.state[param])
            if averaged is not None:
                return averaged
        rule = self._interface.rule_of(group)
        if rule.evaluated is None or param not in self.state:
            return None
        takes = inspect.signature(rule.evaluated).parameters
        values = {**self._interface.settings_of(rule, group), **self.state[param], "param": param}
        return rule.evaluated(**{name: value for name, value in values.items() if name in takes})

    def _holds_trained_weights(self) -> bool:
        """Whether some parameters hold other weights than they learn at; hooks may have put anything into state."""
        return any(isinstance(own, dict) and "trained" in own for own in self.state.values())

    def __setstate__(self, state: Options) -> None:
        super().__setstate__(state)
        self._usual, self._bundles = {}, Bundles()
        self._evaluating = self._holds_trained_weights()
        self._is_sharded = any(are_sharded(group["params"]) for group in self.param_groups)

    def _refuse_while_evaluating(self) -> None:
        if self._evaluating and self._holds_trained_weights():
            raise UsageError(
                where=f"{self.rule.class_name}.step",
                seen="the parameters hold the weights for evaluation",
                needed="those that it learns at were needed",
                repair="Call optimizer.train() before training and optimizer.eval() before evaluating or saving.",
            )


class EarlyAdagrad(RuleOptimizer):
    """Adagrad makes its states at once, so that processes can share them; torch's own does."""

    def add_param_group(self, param_group: Options) -> None:
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for param in group["params"]:
            settings = self._interface.settings_of(self.rule, group)
            self._state_of(param, group, self.rule, settings)

    def share_memory(self) -> None:
        """Put the states into memory that several processes see (Hogwild)."""
        for state in self.state.values():
            state["sum"].share_memory_()


class RowsOnly(RuleOptimizer):
    """SparseAdam takes real parameters alone; torch's own says so when it is made."""

    def add_param_group(self, param_group: Options) -> None:
        super().add_param_group(param_group)
        for param in self.param_groups[-1]["params"]:
            kind = "complex parameters" if param.is_complex() else ""
            if param.layout != torch.strided or kind:
                self.param_groups.pop()
                raise UsageError(
                    where=self.rule.class_name,
                    seen=f"SparseAdam does not support {kind}"
                    if kind
                    else "SparseAdam requires dense parameter tensors",
                    needed="dense, real parameters with sparse gradients were needed",
                    repair="nn.Embedding(..., sparse=True) has them.",
                )


@cache
def class_of(rule: Rule) -> type[RuleOptimizer]:
    """The optimizer class of a rule, made once."""
    attributes = {
        "rule": rule,
        "__module__": __name__.rpartition(".")[0],  # optim.AdamW is found there, by pickle too
        "__qualname__": rule.class_name,
        "__doc__": _doc(rule),
    }
    if rule.name in DELEGATED:
        return type(rule.class_name, (DELEGATED[rule.name],), attributes)  # type: ignore[return-value]
    if rule.looks_at == "elementwise":
        program_of(rule)  # refuses what cannot be run before anything is set up
    base = {"adagrad": EarlyAdagrad, "sparse_adam": RowsOnly}.get(rule.name, RuleOptimizer)
    return type(rule.class_name, (base,), {**attributes, "__signature__": interface_of(rule).signature})


def _doc(rule: Rule) -> str:
    lines = [f"{h.name}: {h.explain()}" for h in rule.hyper.values()]
    lines += [f"weight_decay: a number >= 0, {rule.decay}"] if rule.decay != "none" else []
    return "\n\n".join([rule.purpose, rule.use, "\n".join(lines), f"Source: {rule.source}"])
