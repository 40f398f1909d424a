"""What is compared and what is trained: an arm, and a trial of it with a learning rate and a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steepest.core.declare import Rule, Schedule, Weighting
from steepest.core.loss import Loss
from steepest.core.reduction import Reduction
from steepest.core.transform import Use


@dataclass(frozen=True)
class Term:
    """One summand of a loss: factor x loss with its options."""

    factor: float
    loss: Loss
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """loss x weighting x optimizer x schedule with all their hyperparameters but the learning rate.

    loss_options: hyperparameters of the loss and options of its contract, such as label_smoothing.
    factor, beside: where the loss is a sum, what its first summand is multiplied by, and the others.
    learns_factors: of a sum, each trial learns what the summands are multiplied by (see LearnedFactors).
    weighting: makes class weights of each seed's own training part; None: every sample counts the same.
    weighting_after: the share of the steps after which it begins to count.
    reduction: what multiplies the schedule by the scores on the select part, such as plateau; best is the metric's.
    weight_decay: None takes the rule's own default, as torch.optim does; none beside a transform that decays.
    transforms: what composes with the rule, in its order (steepest.transforms).
    """

    loss: Loss
    loss_options: Mapping[str, Any] = field(default_factory=dict)
    factor: float = 1.0
    beside: tuple[Term, ...] = ()
    learns_factors: bool = False
    weighting: Weighting | None = None
    weighting_hyper: Mapping[str, Any] = field(default_factory=dict)
    weighting_after: float = 0.0
    rule: Rule
    rule_hyper: Mapping[str, Any] = field(default_factory=dict)
    schedule: Schedule
    schedule_hyper: Mapping[str, Any] = field(default_factory=dict)
    reduction: Reduction | None = None
    reduction_hyper: Mapping[str, Any] = field(default_factory=dict)
    weight_decay: float | None = None
    transforms: tuple[Use, ...] = ()
    name: str = ""

    @property
    def decay(self) -> float:
        """The weight decay of the rule."""
        if any(use.transform.decays for use in self.transforms):
            return 0.0
        return self.rule.weight_decay if self.weight_decay is None else self.weight_decay

    @property
    def terms(self) -> tuple[Term, ...]:
        """The summands of the loss; one, mostly."""
        return (Term(self.factor, self.loss, self.loss_options), *self.beside)

    @property
    def takes_counts(self) -> bool:
        """Its loss asks for class counts that nobody gave: those of each seed's own training part."""
        return any("class_counts" in term.loss.hyper and "class_counts" not in term.options for term in self.terms)


@dataclass(frozen=True)
class Trial:
    """An arm with its base learning rate and a seed; the seed fixes split, initialisation, batch order and dropout."""

    arm: Arm
    learning_rate: float
    seed: int
