"""What a loss claims, tried on hostile inputs; a claim that nothing here tries fails the suite."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from loss_cases import CLASSES, LOSSES, as_input, draw_target, hyper_sets, input_shape, value_and_gradient
from torch import Tensor

from steepest.core import claims
from steepest.core.claims import Claim
from steepest.core.declare import loss as declare_loss
from steepest.core.formula import of_hyper
from steepest.core.loss import Loss
from steepest.core.streams import generator
from steepest.core.targets import Classes, classes, distribution, parameters, same_as_input

EPS = torch.finfo(torch.float64).eps
SIZES = (1e-6, 1.0, 30.0, 1e4)
MADE = [(item, claim) for item in LOSSES for claim in item.claims]


def hyper_for(loss: Loss, claim: Claim) -> list[dict[str, Any]]:
    """All allowed values, or those that the claim is restricted to."""
    return [{**hyper_sets(loss)[0], **dict(claim.where)}] if claim.where else hyper_sets(loss)


def scores(loss: Loss, size: float, n: int | None = None, seed: int = 0) -> Tensor:
    draw = generator("claims", loss.name, seed)
    n = n or rows_of(loss)
    x = size * torch.randn(input_shape(loss, n), generator=draw, dtype=torch.float64)
    x[: n // 10] = 0.0
    return x


def rows_of(loss: Loss) -> int:
    return 30 if loss.target.is_coupled else 200


def targets(loss: Loss, size: float) -> Tensor | None:
    draw, n = generator("claims' targets", loss.name), rows_of(loss)
    if loss.target.name == "distribution":
        return torch.randn(n, CLASSES, generator=draw, dtype=torch.float64).mul(3).softmax(1)
    if loss.target.name in ("binary", "multilabel"):
        y = torch.randn(input_shape(loss, n), generator=draw, dtype=torch.float64)
        places = torch.arange(y.numel()).reshape(y.shape)
        return torch.where(places % 3 > 0, (3 * y).sigmoid(), places % 2)  # a third of them hard
    y = draw_target(loss, input_shape(loss, n), draw)
    return size * y if y is not None and y.is_floating_point() else y


def right(loss: Loss, y: Tensor) -> Tensor:
    """The prediction that says what the target, a number or a probability, says."""
    if loss.expects in ("values", "probs") or loss.target.name == "teacher":
        return y
    return torch.logit(y).clamp(-1e4, 1e4) if loss.target.name in ("binary", "multilabel") else y.log()


def rounding(loss: Loss, y: Tensor) -> float:
    """A row of probabilities sums to 1 only to rounding, and its divergence is off by as much."""
    if loss.target.name == "teacher":  # a difference of logarithms of logits up to 1e4
        return 64 * EPS * (1 + y.abs().max().item())
    return 4 * EPS if loss.target.name in ("distribution", "boxes") else 0.0


# -- one function per claim, named after it; each raises AssertionError where it finds the claim broken --------------------


def nonnegative(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    for size in SIZES:
        x, y = as_input(loss, scores(loss, size)), targets(loss, size)
        assert (loss(x, y, reduction="none", **hyper) >= -rounding(loss, y)).all()
        if y is not None and y.shape == x.shape:
            near = right(loss, y) * (1 - 3 * EPS if loss.expects == "probs" else 1 + 3 * EPS)
            assert (loss(near, y, reduction="none", **hyper) >= -rounding(loss, y)).all()


def zero_at_target(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    for size in SIZES:
        y = targets(loss, size)
        assert (loss(right(loss, y), y, reduction="none", **hyper).abs() <= rounding(loss, y)).all()


def minimum_at_target(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    for size in SIZES:
        y = targets(loss, size)
        least = loss(right(loss, y), y, reduction="none", **hyper)
        for step in SIZES:
            other = right(loss, y) + scores(loss, step)
            assert (loss(other, y, reduction="none", **hyper) >= least - 2 * rounding(loss, y)).all()


def convex(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    for size in SIZES:
        a, b, y = scores(loss, size, seed=1), scores(loss, size, seed=2), targets(loss, size)
        at_a, at_b = (loss(x, y, reduction="none", **hyper) for x in (a, b))
        for t in (0.1, 0.5, 0.75):
            between = loss(a + t * (b - a), y, reduction="none", **hyper)
            chord = at_a + t * (at_b - at_a)
            assert (between <= chord + 8 * EPS * (1 + at_a.abs() + at_b.abs())).all()


def symmetric(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    for size in SIZES:
        x, y = scores(loss, size), targets(loss, size)
        assert torch.equal(loss(x, y, reduction="none", **hyper), loss(y, x, reduction="none", **hyper))


def proper(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    """The expectation over labels drawn with probabilities q is least at the prediction that says q."""
    draw = generator("claims' probabilities", loss.name)
    if loss.target.name == "binary":
        q = torch.rand(200, generator=draw, dtype=torch.float64)
        share, labels = [1 - q, q], [torch.zeros_like(q), torch.ones_like(q)]
    else:
        q = torch.randn(200, CLASSES, generator=draw, dtype=torch.float64).mul(2).softmax(1)
        share, labels = list(q.unbind(1)), [torch.full((200,), c) for c in range(CLASSES)]

    def expected(x: Tensor) -> Tensor:
        return sum(p * loss(x, y, reduction="none", **hyper) for p, y in zip(share, labels))

    best = right(loss, q)
    for size in (1e-3, 0.1, 3.0):
        other = as_input(loss, best + scores(loss, size))
        assert (expected(other) >= expected(best) - 8 * EPS).all()
    leaf = best.clone().requires_grad_()
    if loss.expects != "log_probs":  # there the prediction is held to be normalised, and its gradient is not 0
        (slope,) = torch.autograd.grad(expected(leaf).sum(), leaf)
        assert (slope.abs() <= 16 * EPS).all()


def shift_invariant(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    x = scores(loss, 30.0).mul(8).round().div(8)  # eighths: x + 4096 is exact
    y = targets(loss, 1.0)
    here, there = (value_and_gradient(loss, x + c, y, reduction="none", **hyper) for c in (0.0, 4096.0))
    assert torch.equal(here[0], there[0]) and torch.equal(here[1], there[1])
    assert (here[1].sum(1).abs() <= 8 * EPS * (1 + here[1].abs().sum(1))).all()


def rewards_true_class(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    for size in SIZES:
        x, y = scores(loss, size), targets(loss, size)
        before = loss(x, y, reduction="none", **hyper)
        for step in (1e-3, 0.5, 20.0, 1e4):
            after = loss(x.scatter_add(1, y.unsqueeze(1), torch.full((200, 1), step).double()), y, reduction="none", **hyper)
            assert (after <= before + 4 * EPS * before.abs()).all()


def bounded_gradient(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    bound = of_hyper(claim.bound, **hyper)
    for size in SIZES:
        x, y = scores(loss, size), targets(loss, size)
        _, gradient = value_and_gradient(loss, as_input(loss, x), y, reduction="sum", **hyper)
        assert (gradient.abs() <= bound * (1 + 4 * EPS)).all()


def bounded(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    bound = of_hyper(claim.bound, **hyper)
    for size in SIZES:
        x, y = scores(loss, size), targets(loss, size)
        assert (loss(as_input(loss, x), y, reduction="none", **hyper) <= bound * (1 + 4 * EPS)).all()


def centred(loss: Loss, claim: Claim, hyper: dict[str, Any]) -> None:
    for size in SIZES:
        x, y = scores(loss, size), targets(loss, size)
        best = torch.cat([y.unsqueeze(1), x[:, 1:]], 1)
        least = loss(best, y, reduction="none", **hyper)
        assert (loss(x, y, reduction="none", **hyper) >= least - 4 * EPS * least.abs()).all()


TRIED = {
    function.__name__: function
    for function in (
        nonnegative,
        zero_at_target,
        minimum_at_target,
        convex,
        symmetric,
        proper,
        shift_invariant,
        rewards_true_class,
        bounded_gradient,
        centred,
        bounded,
    )
}


@pytest.mark.parametrize(("loss", "claim"), MADE, ids=[f"{item.name}-{claim.name}" for item, claim in MADE])
def test_a_claim_holds_on_hostile_inputs(loss, claim):
    assert claim.name in TRIED, f"{loss.name} claims {claim.name}, which no test tries"
    for hyper in hyper_for(loss, claim):
        TRIED[claim.name](loss, claim, hyper)


# -- the tests themselves: a loss that claims what is false is found out ---------------------------------------------------


@declare_loss(target=same_as_input, task="none", use="", source="", formula="")
def liar_of_numbers(input: Tensor, target: Tensor) -> Tensor:
    """Negative, not 0 at the target, not least there, wavy, lopsided, steep."""
    return (3 * (input - 2 * target)).sin() * (1 + input**2) - 0.5


@declare_loss(target=classes, task="none", use="", source="", formula="", expects="logits")
def liar_of_classes(input: Tensor, target: Classes) -> Tensor:
    """Punishes the true class."""
    return target.expect(input.sigmoid() * input)


@declare_loss(target=distribution, task="none", use="", source="", formula="", expects="logits")
def liar_of_distributions(input: Tensor, target: Tensor) -> Tensor:
    """The divergence, exchanged and shifted."""
    return ((input.softmax(1) - target) * target).sum(1)


@declare_loss(target=parameters("location", "log scale"), task="none", use="", source="", formula="")
def liar_of_parameters(input: Tensor, target: Tensor) -> Tensor:
    """Least one below the number that came."""
    return (target - input[:, 0] - 1).abs() + input[:, 1]


LIARS = {
    "centred": liar_of_parameters,
    "nonnegative": liar_of_numbers,
    "zero_at_target": liar_of_numbers,
    "minimum_at_target": liar_of_distributions,
    "convex": liar_of_distributions,
    "symmetric": liar_of_numbers,
    "proper": liar_of_classes,
    "shift_invariant": liar_of_classes,
    "rewards_true_class": liar_of_classes,
    "bounded_gradient": liar_of_numbers,
    "bounded": liar_of_numbers,
}


@pytest.mark.parametrize("name", TRIED)
def test_a_false_claim_is_found_out(name):
    claim = getattr(claims, name)(1) if name.startswith("bounded") else getattr(claims, name)
    with pytest.raises(AssertionError):
        TRIED[name](LIARS[name], claim, {})
