"""A declared loss: its body holds the mathematics of one item, this class gives it the whole weighting contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from . import accept, reduce
from .claims import Claim
from .domains import Search, check_value, Interval
from .errors import UsageError
from .item import Item
from .reduce import Empty, Items, Normalize, Reduction
from .targets import Classes, TargetKind

IgnoreIndex = int | float | Sequence[int] | None
SMOOTHING = Interval(0.0, 1.0)


class Loss(Item):
    """A loss under the contract: `loss(input, target, weight=, mask=, reduction=, ..., **hyperparameters)`.

    expects: what the input is ("logits", "log_probs", "values"). safe: the (input, target) values that stand in for dead items;
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
    ) -> None:
        super().__init__(fn, source=source, use=use, search=search, class_name=class_name)
        self.target, self.expects, self.safe = target, expects, safe
        self.task = (task,) if isinstance(task, str) else tuple(task)
        self.formula, self.slow = formula, slow
        self.equals, self.equals_with, self.equals_input = equals, dict(equals_with or {}), equals_input
        self.claims = tuple(claims)
        self._module_class: type[LossModule] | None = None

    def __call__(
        self,
        input: Tensor,
        target: Tensor,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
        class_weight: Tensor | None = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float | Tensor = 0.0,
        from_probs: bool = False,
        dim: int = 1,
        reduction: Reduction = "mean",
        normalize: Normalize = "weight",
        denominator: float | Tensor | None = None,
        empty: Empty = "zero",
        **hyper: Any,
    ) -> Tensor:
        """The reduced loss; see the contract in docs. Returns float32 for halves, else the input's dtype."""
        reduce.check_words(self.name, reduction, normalize, empty)
        items = self.items(
            input,
            target,
            weight=weight,
            mask=mask,
            class_weight=class_weight,
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            from_probs=from_probs,
            dim=dim,
            **hyper,
        )
        return reduce.reduce(items, reduction, normalize, denominator, empty)

    def parts(
        self,
        input: Tensor,
        target: Tensor,
        *,
        normalize: Normalize = "weight",
        denominator: float | Tensor | None = None,
        **options: Any,
    ) -> tuple[Tensor, Tensor]:
        """(numerator, denominator): sums over batches, ranks or chunks give the loss of the whole by one division."""
        return reduce.parts(self.items(input, target, **options), normalize, denominator)

    def items(
        self,
        input: Tensor,
        target: Tensor,
        *,
        weight: Tensor | None = None,
        mask: Tensor | None = None,
        class_weight: Tensor | None = None,
        ignore_index: IgnoreIndex = None,
        label_smoothing: float | Tensor = 0.0,
        from_probs: bool = False,
        dim: int = 1,
        **hyper: Any,
    ) -> Items:
        """The weighted values of a batch, before any sum."""
        self.check_hyper(hyper)
        x = accept.accept_input(self.name, "input", input)
        if self.target.has_class_axis and dim != 1:
            x = x.movedim(dim, 1)
            target = target.movedim(dim, 1) if isinstance(target, Tensor) and target.dim() == x.dim() else target
        hyper = {name: _beside(value, x) for name, value in hyper.items()}
        check_value(self.name, "label_smoothing", label_smoothing, SMOOTHING)
        if self.target.name == "classes":
            return self._class_items(
                x, target, weight, mask, class_weight, ignore_index, label_smoothing, from_probs, hyper
            )
        self._refuse("class_weight", class_weight, "classes")
        return self._equal_items(x, target, weight, mask, ignore_index, label_smoothing, from_probs, hyper)

    # -- targets of the input's shape ---------------------------------------------------------------------------------------

    def _equal_items(
        self,
        x: Tensor,
        target: Tensor,
        weight: Tensor | None,
        mask: Tensor | None,
        ignore_index: IgnoreIndex,
        smoothing: float | Tensor,
        from_probs: bool,
        hyper: dict[str, Any],
    ) -> Items:
        if self.target.has_class_axis:
            accept.accept_class_axis(self.name, x)
        y = accept.accept_equal_target(self.name, x, target, self.target)
        accept.accept_same_device(self.name, x, target=y, weight=weight, mask=mask)
        shape = x.shape[:1] + x.shape[2:] if self.target.has_class_axis else x.shape
        weight, present, alive = _liveness(
            self.name, shape, weight, mask, _ignored(y, ignore_index, self.target.has_class_axis)
        )
        if alive is not None:
            gate = alive.unsqueeze(1) if self.target.has_class_axis else alive
            x, y = torch.where(gate, x, self.safe[0]), torch.where(gate, y, self.safe[1])
        if self.target.name in ("binary", "distribution"):
            accept.accept_probabilities(self.name, "target", y)
        y = self._smooth(y, smoothing)
        values = self.fn(self._as_expected(x, from_probs), y, **hyper)
        return _weighted(values, weight, None, alive, present)

    def _smooth(self, y: Tensor, smoothing: float | Tensor) -> Tensor:
        if not isinstance(smoothing, Tensor) and smoothing == 0.0:
            return y
        if self.target.name == "same":
            self._refuse("label_smoothing", smoothing, "labels")
        even = 0.5 if self.target.name == "binary" else 1.0 / y.shape[1]
        return y + torch.as_tensor(smoothing, dtype=y.dtype, device=y.device) * (even - y)

    # -- class targets ------------------------------------------------------------------------------------------------------

    def _class_items(
        self,
        x: Tensor,
        target: Tensor,
        weight: Tensor | None,
        mask: Tensor | None,
        class_weight: Tensor | None,
        ignore_index: IgnoreIndex,
        smoothing: float | Tensor,
        from_probs: bool,
        hyper: dict[str, Any],
    ) -> Items:
        y = accept.accept_classes(self.name, x, target)
        accept.accept_same_device(self.name, x, target=y, weight=weight, mask=mask)
        is_hard = not y.is_floating_point()
        if not is_hard:
            self._refuse("ignore_index", ignore_index, "class indices; mask leaves items with soft labels out")
        per_class = accept.accept_class_weight(self.name, class_weight, x.shape[1], x)
        ignored = _ignored(y, ignore_index, False) if is_hard else None
        weight, present, alive = _liveness(self.name, x.shape[:1] + x.shape[2:], weight, mask, ignored)
        if alive is not None:
            y = torch.where(alive, y, 0) if is_hard else torch.where(alive.unsqueeze(1), y, 1.0 / y.shape[1])
        if not is_hard:
            accept.accept_probabilities(self.name, "target", y)
        elif per_class is not None:
            self._check_labels(y, x)
        labels = Classes(y if is_hard else None, None if is_hard else y, per_class, smoothing)
        factor = labels.factor()
        if factor is not None:
            alive = _both(alive, factor != 0)
        if alive is not None:
            x = torch.where(alive.unsqueeze(1), x, self.safe[0])
        return _weighted(self._run(x, y, labels, from_probs, hyper), weight, factor, alive, present)

    def _run(self, x: Tensor, y: Tensor, labels: Classes, from_probs: bool, hyper: dict[str, Any]) -> Tensor:
        """The body; an index outside the classes is told in the user's words, at no cost while all is well."""
        logits = self._as_expected(x, from_probs)
        if not accept.can_read_values(x, y):
            return self.fn(logits, labels, **hyper)
        try:
            return self.fn(logits, labels, **hyper)
        except (IndexError, RuntimeError):
            self._check_labels(y, x)
            raise

    def _check_labels(self, y: Tensor, x: Tensor) -> None:
        if accept.can_read_values(y) and not y.is_floating_point():
            error = accept.bad_label(self.name, y, x.shape[1])
            if error is not None:
                raise error from None

    # -- shared -------------------------------------------------------------------------------------------------------------

    def _as_expected(self, x: Tensor, from_probs: bool) -> Tensor:
        """Probabilities become logits when the caller says that they are probabilities; nothing is guessed from values."""
        if not from_probs:
            return x
        if self.expects not in ("logits", "log_probs"):
            raise UsageError(
                where=self.name,
                seen="from_probs=True",
                needed="only losses of logits take probabilities",
                repair=f"{self.name} takes plain values: leave from_probs out.",
            )
        accept.accept_probabilities(self.name, "input", x)
        tiny = torch.finfo(x.dtype).tiny
        if self.target.name == "binary":
            return x.clamp(min=tiny).log() - (1 - x).clamp(min=tiny).log()
        return x.clamp(min=tiny).log()

    def _refuse(self, option: str, value: Any, belongs_to: str) -> None:
        if value is not None:
            raise UsageError(
                where=self.name,
                seen=f"{option} was given",
                needed=f"{option} belongs to losses of {belongs_to}",
                repair=f"The target of {self.name} is {self.target.says}: use weight or mask.",
            )

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


class LossModule(nn.Module):
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

    def forward(self, input: Tensor, target: Tensor, **options: Any) -> Tensor:
        return self.loss(input, target, **self._with(options))

    def parts(self, input: Tensor, target: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
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
    "from_probs",
    "dim",
    "reduction",
    "normalize",
    "denominator",
    "empty",
)


def _ignored(y: Tensor, ignore_index: IgnoreIndex, has_class_axis: bool) -> Tensor | None:
    """Which items have an ignored target; one index or several."""
    if ignore_index is None:
        return None
    several = ignore_index if isinstance(ignore_index, Sequence) else (ignore_index,)
    hit = torch.zeros((), dtype=torch.bool, device=y.device)
    for value in several:
        hit = hit | (y == value)
    return hit.all(1) if has_class_axis else hit


def _beside(value: Any, x: Tensor) -> Any:
    """A hyperparameter in the dtype of the values: a float64 one would widen them, and under vmap not even evenly."""
    return value.to(x.dtype) if isinstance(value, Tensor) else value


def _both(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    return b if a is None else a if b is None else a & b


def _liveness(
    where: str,
    shape: torch.Size,
    weight: Tensor | None,
    mask: Tensor | None,
    ignored: Tensor | None,
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """The aligned weight; which items are present: unmasked, not ignored; which are alive: present, of nonzero weight.

    None for a set means all.
    """
    weight = accept.accept_left_aligned(where, "weight", weight, shape)
    mask = accept.accept_left_aligned(where, "mask", mask, shape)
    if mask is not None and mask.dtype != torch.bool:
        raise UsageError(
            where=where,
            seen=f"mask is {mask.dtype}",
            needed="a boolean mask was needed: True keeps an item",
            repair="mask.bool() converts; fractions belong into weight.",
        )
    present = _both(mask, None if ignored is None else ~ignored)
    if weight is None:
        return None, present, present
    accept.accept_nonnegative(where, "weight", weight)
    return weight, present, _both(present, weight != 0)


def _weighted(
    values: Tensor, weight: Tensor | None, factor: Tensor | None, alive: Tensor | None, present: Tensor | None
) -> Items:
    """w * l per item, and the weight that the denominator counts. factor: class weights, already inside the values."""
    if weight is not None:
        weight = weight.to(values.dtype)
        values = values * weight
    if alive is not None:
        values = torch.where(alive, values, 0.0)
    total = weight if factor is None else factor if weight is None else weight * factor
    return Items(values, total, present)
