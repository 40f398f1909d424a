"""A declared loss: its body holds the mathematics of one item, this class gives it the whole weighting contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from . import accept, reduce
from .batch import Batch, IgnoreIndex, Options
from .claims import Claim
from .compose import Composable
from .digits import finer, is_few_doubles, is_finite, widened
from .domains import Interval, Search, check_value
from .errors import UsageError
from .faster import Kernel, kernel_of
from .item import REQUIRED, Item
from .reduce import Empty, Items, Normalize, Reduction
from .situations import known_situations
from .targets import TargetKind

SMOOTHING = Interval(0.0, 1.0)
FOCUS = Interval(low=0.0)
TAKES = {"probs": "probabilities as they are", "cosines": "cosines"}


class Loss(Composable, Item):
    """A loss under the contract: `loss(input, target, weight=, mask=, reduction=, ..., **hyperparameters)`.

    expects: what the input is ("logits", "log_probs", "probs", "values"). safe: the (input, target) values that stand in for dead items;
    the body must be finite and smooth there.
    """

    kind = "loss"

    def __init__(
        self,
        fn: Callable[..., Tensor],
        *,
        target: TargetKind,
        task: str | Sequence[str],
        use: str,
        source: str,
        formula: str | None = None,
        slow: Callable[..., Any] | None = None,
        equals: str | None = None,
        equals_with: Mapping[str, Any] | None = None,
        equals_input: Callable[[Tensor], Tensor] | None = None,
        claims: Sequence[Claim] = (),
        expects: str = "values",
        search: Mapping[str, Search] | None = None,
        safe: tuple[float, float] = (0.0, 0.0),
        class_name: str | None = None,
        good_for: Sequence[str] = (),
        avoid: str = "",
        differs: Mapping[str, str] | None = None,
        holds: str = "",
        few_roundings: bool = False,
    ) -> None:
        super().__init__(fn, source=source, use=use, search=search, class_name=class_name)
        self.good_for = known_situations(self.name, good_for)
        self.avoid, self.differs, self.holds = avoid, dict(differs or {}), holds
        self.target, self.expects, self.safe = target, expects, safe
        self.few_roundings = few_roundings
        self.task = (task,) if isinstance(task, str) else tuple(task)
        self.formula, self.slow = formula, slow
        self.equals, self.equals_with, self.equals_input = equals, dict(equals_with or {}), equals_input
        self.claims = tuple(claims)
        self._module_class: type[LossModule] | None = None
        self._defaults = {name: h.default for name, h in self.hyper.items() if h.default is not REQUIRED}
        self._kernel: Kernel | None = None
        self._kernel_is_known = False

    def __call__(
        self,
        input: Tensor,
        target: Tensor | None = None,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
        class_weight: Tensor | None = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float | Tensor = 0.0,
        class_offset: Tensor | None = None,
        focus: float | Tensor | None = None,
        from_probs: bool = False,
        dim: int = 1,
        reduction: Reduction = "mean",
        normalize: Normalize = "weight",
        denominator: float | Tensor | None = None,
        empty: Empty = "zero",
        **hyper: Any,
    ) -> Tensor:
        """The reduced loss; see the contract in docs. Returns float32 for halves, else the input's dtype.

        class_offset (C,) is added to the logits; focus: each item weighs (1 - p)^focus besides, p the probability of its target.
        """
        reduce.check_words(self.name, reduction, normalize, empty)

        def composed(x: Tensor) -> Tensor:
            items = self.items(
                x,
                target,
                weight=weight,
                mask=mask,
                class_weight=class_weight,
                ignore_index=ignore_index,
                label_smoothing=label_smoothing,
                class_offset=class_offset,
                focus=focus,
                from_probs=from_probs,
                dim=dim,
                **hyper,
            )
            return reduce.reduce(items, reduction, normalize, denominator, empty)

        if empty == "nan" or class_offset is not None or focus is not None:
            return composed(input)
        kernel = self._kernel_for(label_smoothing, from_probs, dim)
        if kernel is None:
            return composed(input)
        options = _given(weight, mask, class_weight, ignore_index, label_smoothing)
        if not self.few_roundings and is_few_doubles(input) and (options is not None or is_finite(input)):
            return composed(input)
        self.check_hyper(hyper)
        value = kernel(input, target, options, {**self._defaults, **hyper}, reduction, normalize, denominator, composed)
        return composed(input) if value is None else value

    def parts(
        self,
        input: Tensor,
        target: Tensor | None = None,
        *,
        normalize: Normalize = "weight",
        denominator: float | Tensor | None = None,
        **options: Any,
    ) -> tuple[Tensor, Tensor]:
        """(numerator, denominator): sums over batches, ranks or chunks give the loss of the whole by one division."""
        return reduce.parts(self.items(input, target, **options), normalize, denominator)

    def parts_and_slope(
        self, input: Tensor, target: Tensor, *, normalize: Normalize = "weight", **options: Any
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(numerator, denominator, gradient of the numerator by the input). The input's memory may be used for the gradient."""
        kernel = self._kernel_for(**{k: options[k] for k in ("label_smoothing", "from_probs", "dim") if k in options})
        is_plain = options.get("class_offset") is None and options.get("focus") is None
        if kernel is not None and is_plain and not input.requires_grad:
            hyper = {name: value for name, value in options.items() if name not in OPTIONS}
            self.check_hyper(hyper)
            named = (options.get(name) for name in ("weight", "mask", "class_weight", "ignore_index"))
            given = _given(*named, options.get("label_smoothing", 0.0))
            found = kernel.slope(input, target, given, {**self._defaults, **hyper}, normalize)
            if found is not None:
                return found[0], found[1], input
        numerator, pull, denominator = torch.func.vjp(  # type: ignore[misc]
            lambda x: self.parts(x, target, normalize=normalize, **options), input, has_aux=True
        )
        return numerator, denominator, pull(torch.ones_like(numerator))[0]

    def _kernel_for(
        self, label_smoothing: float | Tensor = 0.0, from_probs: bool = False, dim: int = 1
    ) -> Kernel | None:
        """The faster form of the body, where there is one for such a call."""
        if torch.compiler.is_compiling() or from_probs or dim != 1:
            return None
        if isinstance(label_smoothing, Tensor) or not 0.0 <= label_smoothing <= 1.0:
            return None
        if not self._kernel_is_known:
            self._kernel, self._kernel_is_known = kernel_of(self.__module__), True
        return self._kernel

    def items(
        self,
        input: Tensor,
        target: Tensor | None = None,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
        class_weight: Tensor | None = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float | Tensor = 0.0,
        class_offset: Tensor | None = None,
        focus: float | Tensor | None = None,
        from_probs: bool = False,
        dim: int = 1,
        **hyper: Any,
    ) -> Items:
        """The weighted values of a batch, before any sum."""
        self.check_hyper(hyper)
        self.check_complete(hyper)
        check_value(self.name, "label_smoothing", label_smoothing, SMOOTHING)
        given = accept.accept_input(self.name, "input", input)
        x = given if self.few_roundings else widened(given)
        if self.target.has_class_axis and dim != 1:
            x = x.movedim(dim, 1)
            target = target.movedim(dim, 1) if isinstance(target, Tensor) and target.dim() == x.dim() else target
        hyper = {name: _beside(value, x) for name, value in hyper.items()}
        options = Options(weight, mask, class_weight, ignore_index, label_smoothing)
        batch = self.target.batch(self.name, x, target, options, self.safe)
        batch = replace(batch, input=self._as_expected(batch.input, from_probs, torch.finfo(given.dtype).tiny))
        if class_offset is not None:
            batch = replace(batch, input=self.target.offset(self.name, batch.input, class_offset, self.expects))
        if focus is not None:
            batch = self._focused(batch, focus)
        is_fine = given.dtype is torch.float64 and not self.few_roundings and is_few_doubles(batch.input)
        return _weighted(self._run(batch, hyper, is_fine and is_finite(batch.input)), batch, given.dtype)

    def _focused(self, batch: Batch, focus: float | Tensor) -> Batch:
        """Each item weighs (1 - p)^focus besides, p the probability that the input gives to its target; held still in the gradient."""
        check_value(self.name, "focus", focus, FOCUS)
        doubt = self.target.doubt(self.name, batch, self.expects)
        share = doubt.detach() ** _beside(focus, doubt)
        weight = share if batch.live.weight is None else batch.live.weight * share
        return replace(batch, live=replace(batch.live, weight=weight))

    def _run(self, batch: Batch, hyper: dict[str, Any], is_fine: bool) -> Tensor:
        """The body; an index outside the classes is told in the user's words, at no cost while all is well."""
        try:
            values = finer(self.fn, batch.input, batch.target, {**self._defaults, **hyper}) if is_fine else None
            return self.fn(batch.input, batch.target, **hyper) if values is None else values
        except (IndexError, RuntimeError):
            error = self.target.why(self.name, batch)
            if error is None:
                raise
            raise error from None

    def _as_expected(self, x: Tensor, from_probs: bool, least: float) -> Tensor:
        """Probabilities become logits when the caller says that they are probabilities; nothing is guessed from values.

        least: what a probability of 0 counts as, the same in whatever precision the body computes.
        """
        if not from_probs:
            if self.expects == "probs":
                accept.accept_probabilities(self.name, "input", x)
            return x
        if self.expects not in ("logits", "log_probs"):
            raise UsageError(
                where=self.name,
                seen="from_probs=True",
                needed="only losses of logits turn probabilities into what they take",
                repair=f"{self.name} takes {TAKES.get(self.expects, 'plain values')}: leave from_probs out.",
            )
        accept.accept_probabilities(self.name, "input", x)
        return self.target.logits(x, least)

    @property
    def module_class(self) -> type[LossModule]:
        """The nn.Module form, with the hyperparameters and options bound: `losses.Huber(delta=2.0)`."""
        if self._module_class is None:
            self._module_class = type(
                self.class_name,
                (LossModule,),
                {"loss": self, "__doc__": self.fn.__doc__, "__module__": self.__module__},
            )
        return self._module_class


class LossModule(Composable, nn.Module):
    """A loss as a module: hyperparameters and options are bound at construction, call-time values override them.

    Tensors among them become buffers, parameters stay parameters: they move with the module and are saved with it.
    """

    loss: Loss

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.loss.check_hyper({k: v for k, v in options.items() if k not in OPTIONS})
        if options.get("class_weight") is not None and not isinstance(options["class_weight"], Tensor):
            options["class_weight"] = torch.tensor(options["class_weight"], dtype=torch.get_default_dtype())
        for name, value in options.items():
            if isinstance(value, nn.Parameter):
                self.register_parameter(name, value)
            elif isinstance(value, Tensor):
                self.register_buffer(name, value)
        self.options = {name: None if isinstance(value, Tensor) else value for name, value in options.items()}

    def forward(self, input: Tensor, target: Tensor | None = None, **options: Any) -> Tensor:
        return self.loss(input, target, **self._with(options))

    def parts(self, input: Tensor, target: Tensor | None = None, **options: Any) -> tuple[Tensor, Tensor]:
        """(numerator, denominator) for exact gradient accumulation."""
        return self.loss.parts(
            input, target, **{k: v for k, v in self._with(options).items() if k not in ("reduction", "empty")}
        )

    def _with(self, options: dict[str, Any]) -> dict[str, Any]:
        tensors = {**self._buffers, **self._parameters}
        return {**self.options, **tensors, **options}

    def extra_repr(self) -> str:
        return ", ".join(f"{k}={_shown(v)}" for k, v in self._with({}).items())

    def __reduce_ex__(self, protocol: Any) -> Any:
        """The class is made from its item, so it is found again through the item; a user's subclass is found by its name."""
        if type(self) is not self.loss.module_class:
            return super().__reduce_ex__(protocol)
        return _bare_module, (self.loss,), self.__dict__


def _bare_module(loss: Loss) -> LossModule:
    return loss.module_class.__new__(loss.module_class)


def _shown(value: Any) -> str:
    return repr(value) if not isinstance(value, Tensor) else str(value.tolist())


OPTIONS = (
    "weight",
    "mask",
    "class_weight",
    "ignore_index",
    "label_smoothing",
    "class_offset",
    "focus",
    "from_probs",
    "dim",
    "reduction",
    "normalize",
    "denominator",
    "empty",
)


def _given(
    weight: Tensor | None,
    mask: Tensor | None,
    class_weight: Tensor | None,
    ignore_index: IgnoreIndex,
    label_smoothing: float,
) -> Options | None:
    """What the caller says about the items; None when it is nothing."""
    if weight is None and mask is None and class_weight is None and ignore_index is None and label_smoothing == 0.0:
        return None
    return Options(weight, mask, class_weight, ignore_index, label_smoothing)


def _beside(value: Any, x: Tensor) -> Any:
    """A hyperparameter in the dtype of the values: a float64 one would widen them, and under vmap not even evenly."""
    return value.to(x.dtype) if isinstance(value, Tensor) else value


def _weighted(values: Tensor, batch: Batch, dtype: torch.dtype) -> Items:
    """w * l per item, and the weight that the denominator counts, in this dtype."""
    weight, live = batch.live.weight, batch.live
    if weight is not None:
        weight = weight.to(values.dtype)
        values = values * weight
    if live.alive is not None:
        values = torch.where(live.alive, values, 0.0)
    total = weight if batch.factor is None else batch.factor if weight is None else weight * batch.factor
    return Items(values.to(dtype), None if total is None else total.to(dtype), live.present)
