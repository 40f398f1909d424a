"""The properties that an item may declare; for each, tests/contract holds a test that tries to break it on hostile inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Claim:
    """name: what the test is found by. says: the property in words.

    bound: a number that belongs to it, or its formula in the hyperparameters. where: the hyperparameters for which it is claimed.
    """

    name: str
    says: str
    bound: float | str | None = None
    where: tuple[tuple[str, float], ...] = ()

    def at(self, **hyper: float) -> Claim:
        """The same claim for these values of the hyperparameters only."""
        values = ", ".join(f"{name} = {value:g}" for name, value in hyper.items())
        return replace(self, says=f"{self.says} ({values})", where=tuple(hyper.items()))


# -- of losses --------------------------------------------------------------------------------------------------------------
nonnegative = Claim("nonnegative", "the value is never below zero")
zero_at_target = Claim("zero_at_target", "the value is zero when the prediction is right")
convex = Claim("convex", "convex in the input")
symmetric = Claim("symmetric", "input and target may change places")
proper = Claim("proper", "the expected value is least at the true probabilities")
minimum_at_target = Claim("minimum_at_target", "no other prediction has a lower value than the right one")
shift_invariant = Claim("shift_invariant", "adding a number to all logits of a row changes nothing")
rewards_true_class = Claim("rewards_true_class", "raising the true class's score never raises the value")

centred = Claim("centred", "whatever the scale, no location costs less than the number that came")


def bounded_gradient(bound: float | str) -> Claim:
    """bound: a number, or its formula in the hyperparameters ("delta")."""
    return Claim("bounded_gradient", f"no entry of the gradient of an item exceeds {bound} in size", bound)


def bounded(bound: float | str) -> Claim:
    """bound: a number, or its formula in the hyperparameters ("1/q")."""
    return Claim("bounded", f"no value of an item exceeds {bound}", bound)


# -- of weightings ----------------------------------------------------------------------------------------------------------
rarer_weighs_more = Claim("rarer_weighs_more", "the rarer of two classes never weighs less")
ignores_data_size = Claim("ignores_data_size", "counting every sample k times changes nothing")

# -- of update rules --------------------------------------------------------------------------------------------------------
rests_at_zero_gradient = Claim("rests_at_zero_gradient", "with zero gradients from the start, no parameter moves")
ignores_gradient_scale = Claim(
    "ignores_gradient_scale", "multiplying all gradients by a positive number changes no step"
)


def step_at_most_lr(factor: float = 1.0) -> Claim:
    return Claim("step_at_most_lr", f"no entry of the first step exceeds {factor:g} x the learning rate", factor)


# -- of schedules -----------------------------------------------------------------------------------------------------------
never_above_one = Claim("never_above_one", "the multiplier stays between 0 and 1")
ends_at_floor = Claim("ends_at_floor", "after the last step the multiplier has come down to the floor, and there it stays")
falls = Claim("falls", "after its warmup the multiplier never rises")
never_rises = Claim("never_rises", "no further score makes the multiplier rise")
rests_while_improving = Claim(
    "rests_while_improving", "as long as every score beats the last by more than the threshold, it stays 1"
)
