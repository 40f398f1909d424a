"""How much memory trials take: what each holds as long as it lives, and what its pass over a batch adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from steepest.core.errors import UsageError
from steepest.core.trees import count_bytes

from .groups import rule_groups, rule_key
from .trial import Trial
from .weights import Weights

ROWS_HELD = 3
"""Rows of numbers of a trial beside the states of its rule: weights, gradients, gradients as autograd gives them."""
PASSING_BYTES = 2**30
"""Activations of the trials that pass through the model together, where no limit is given."""
CACHED_LAYERS_BYTES = 2**24
"""The largest layers of the trials that pass together on a CPU. A trial and step of a conv net of 28 x 28 (3 MB) takes
7.0 ms in teams of 2, 6.9 of 4, 8.7 of 8, 11.3 of 16, 21.5 of 32 (bench/conv_engines.py)."""


@dataclass(frozen=True)
class Need:
    """Bytes of one trial. held: weights, gradients, the rule's states, buffers. passing: activations of one batch."""

    held: int
    passing: int

    def most_trials(self, memory: int) -> int:
        """How many trials fit, one at a time passing through the model; at least one, which nothing can divide."""
        return max(1, (memory - self.passing) // max(1, self.held))

    def most_passing(self, n_trials: int, memory: int) -> int:
        """How many of them may pass through the model together."""
        return max(1, (memory - n_trials * self.held) // max(1, self.passing))

    def refuse_less(self, memory: int) -> None:
        """Raise UsageError where one trial alone needs more memory than is allowed."""
        if self.held + self.passing <= memory:
            return
        raise UsageError(
            where="memory",
            seen=f"{_mb(memory)} allowed, and one trial takes {_mb(self.held + self.passing)} ({_mb(self.held)} for its weights, "
            f"gradients and states, {_mb(self.passing)} for a batch that passes)",
            needed="room for one trial was needed",
            repair="Allow more memory, or take a smaller model or batch_size.",
        )

    def refuse_more(self, n_trials: int, memory: int) -> None:
        """Raise UsageError, with how many would fit, where the trials need more memory than is allowed."""
        if n_trials <= self.most_trials(memory):
            return
        raise UsageError(
            where="Population",
            seen=f"{n_trials} trials hold {_mb(n_trials * self.held)}, one batch passes {_mb(self.passing)}, memory is "
            f"{_mb(memory)}",
            needed=f"at most {self.most_trials(memory)} trials fit",
            repair="Train fewer at a time, or allow more memory.",
        )


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.3g} MB"


def held_bytes(model: nn.Module, trials: Sequence[Trial]) -> int:
    """Bytes that one trial holds, the largest over the rules of these trials."""
    found, weights = [], Weights([model], [0])
    trained = sum(flat.values.nbytes for flat in weights.flats)
    for trial in {rule_key(t): t for t in trials}.values():
        (group,) = rule_groups([trial], slice(0, 1), weights)
        states = sum(count_bytes(stepper.state) for stepper in group.steppers)
        kept = sum(len(use.transform.states) for use in trial.arm.transforms)
        found.append(states + kept * trained)
    return ROWS_HELD * trained + count_bytes(weights.fixed) + count_bytes(weights.buffers) + max(found)


@dataclass
class Kept:
    """Counts what a forward pass keeps for the backward pass: each stretch of memory once, the model's own left out."""

    own: set[int]
    sizes: dict[int, int]

    @staticmethod
    def by(model: nn.Module) -> Kept:
        return Kept({t.untyped_storage().data_ptr() for t in [*model.parameters(), *model.buffers()]}, {})

    def __call__(self, kept: Tensor) -> Tensor:
        storage = kept.untyped_storage()
        if storage.data_ptr() not in self.own:
            self.sizes[storage.data_ptr()] = storage.nbytes()
        return kept

    @property
    def n_bytes(self) -> int:
        return sum(self.sizes.values())
