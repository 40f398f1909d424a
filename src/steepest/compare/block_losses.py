"""Losses of a block's trials and gradients of their outputs: one forward pass for all, then each group has its loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from steepest.core import reduce
from steepest.core.loss import Loss
from steepest.core.reduce import Items
from steepest.kernels.fast_losses import fast_form
from steepest.kernels.trial_slopes import slope_form

from .groups import is_number, loss_key, places
from .learned_factors import LearnedFactors
from .own_losses import OwnLoss, own_slope
from .places import Places
from .trial import Arm, Term, Trial

Measure = Callable[[Tensor, Tensor], Tensor]
Slope = Callable[[Tensor, Any], "tuple[Tensor, Tensor]"]
FromClasses = Callable[[Arm, int], dict[str, Any]]
Options = Mapping[str, Any]


@dataclass(frozen=True)
class LossGroup:
    """Trials of one loss: `slope(outputs, targets) -> (losses (k,), gradient of their sum)`.

    outputs and targets (k, C, N), classes (k, N); see `class_first`. losses: one, or the summands, each with its targets.
    early: the slope before the step `begins`, where classes are weighed from then on. learned: the summands' factors.
    """

    losses: tuple[Loss, ...]
    seed_rows: Tensor
    slope: Slope
    early: Slope | None = None
    begins: int = 0
    learned: LearnedFactors | None = None

    def at(self, step: int) -> Slope:
        return self.slope if self.early is None or step >= self.begins else self.early


@dataclass(frozen=True)
class EachTerm:
    """The targets of a sum of losses, one for each, over several steps; an index takes a step of all."""

    of_terms: tuple[Tensor, ...]

    def __getitem__(self, step: int) -> tuple[Tensor, ...]:
        return tuple(y[step] for y in self.of_terms)


@dataclass(frozen=True)
class BlockLosses:
    """The loss groups of a block. positions: its trials by group; back undoes it; None where that changes nothing."""

    groups: tuple[LossGroup, ...]
    sizes: tuple[int, ...]
    positions: Tensor | None
    back: Tensor | None
    has_places: bool

    def __call__(self, outputs: Tensor, targets: Sequence[Any], step: int) -> tuple[Tensor, Tensor]:
        """The losses (k,) of a block's trials at a step, and the gradient of their sum by their outputs (k, N, *).

        The losses are no part of the graph of the forward pass: the backward pass starts from this gradient, so that
        splitting the trials by loss costs the network nothing.
        """
        first = class_first(outputs.detach(), self.has_places)
        if len(self.groups) == 1:
            losses, gradient = self.groups[0].at(step)(first, targets[0])
            return losses, class_first(gradient, self.has_places)
        grouped = first if self.positions is None else first.index_select(0, self.positions)
        parts = grouped.split(self.sizes)
        found = [group.at(step)(part, y) for group, part, y in zip(self.groups, parts, targets)]
        losses, gradient = torch.cat([one for one, _ in found]), torch.cat([own for _, own in found])
        if self.back is not None:
            losses, gradient = losses.index_select(0, self.back), gradient.index_select(0, self.back)
        return losses, class_first(gradient, self.has_places)


def class_first(values: Tensor, has_places: bool) -> Tensor:
    """(k, N, C) -> (k, C, N), and back: a loss sees k samples with a row of items each, classes where it expects them.

    A softmax over C runs along memory: 207 -> 10 us for 2048 rows of 10 (bench/population.py).
    """
    return values.transpose(1, 2) if values.dim() == 3 and not has_places else values


def block_losses(
    trials: Sequence[Trial],
    rows: slice,
    seed_rows: Tensor,
    dtype: torch.dtype,
    horizon: int,
    from_classes: FromClasses,
    dense: Places | None = None,
) -> BlockLosses:
    """For the trials of a block, which stand in these rows of the population; seed_rows (k,): the place of each one's seed.

    from_classes(arm, seed): options that come from the labels of the seed's training part. dense: where each place of a
    sample has a class.
    """

    def slope_of(group: Sequence[int], options: Sequence[Sequence[Options]], learned: LearnedFactors | None) -> Slope:
        terms, slopes = trials[group[0]].arm.terms, []
        for at, term in enumerate(terms):
            slope = _slope(term.loss, [options[i][at] for i in group], seed_rows.device, dtype)
            slopes.append(slope if dense is None else dense.around(term.loss, slope))
        return _sum(terms, slopes, learned)

    options = _options(trials, from_classes)
    keys = [(loss_key(t), _own_numbers(t.arm.loss, own[0])) for t, own in zip(trials, options)]
    order, found = places(keys), []
    for group in order:
        arm, at = trials[group[0]].arm, torch.tensor(group, device=seed_rows.device)
        learned = LearnedFactors([trials[i] for i in group], rows.start + at, dtype) if arm.learns_factors else None
        begins, early = math.ceil(arm.weighting_after * horizon), None
        if begins > 0:
            plain = [replace(t, arm=replace(t.arm, weighting=None)) for t in trials]
            early = slope_of(group, _options(plain, from_classes), learned)
        losses, slope = tuple(term.loss for term in arm.terms), slope_of(group, options, learned)
        found.append(LossGroup(losses, seed_rows[at], slope, early, begins, learned))
    flat = [i for group in order for i in group]
    positions = None if flat == sorted(flat) else torch.tensor(flat, device=seed_rows.device)
    return BlockLosses(
        tuple(found),
        tuple(map(len, order)),
        positions,
        None if positions is None else positions.argsort(),
        dense is not None,
    )


def _options(trials: Sequence[Trial], from_classes: FromClasses) -> list[list[dict[str, Any]]]:
    """Of each trial and each summand of its loss."""
    given = [from_classes(t.arm, t.seed) for t in trials]
    return [[_of_term(term, own) for term in t.arm.terms] for t, own in zip(trials, given)]


def _of_term(term: Term, from_classes: Options) -> dict[str, Any]:
    """A summand's options; of the class counts only what it asks for."""
    asked = "class_counts" in term.loss.hyper and "class_counts" not in term.options
    return {**term.options, **{n: v for n, v in from_classes.items() if n != "class_counts" or asked}}


def _sum(terms: Sequence[Term], slopes: Sequence[Slope], learned: LearnedFactors | None) -> Slope:
    """factor x loss + ..., and its gradient; the loss itself where it stands alone."""
    if learned is not None:
        return _learned_sum(slopes, learned)
    if len(terms) == 1 and terms[0].factor == 1:
        return slopes[0]

    def slope(outputs: Tensor, targets: Any) -> tuple[Tensor, Tensor]:
        of_terms = targets if len(terms) > 1 else (targets,)
        found = [(term.factor, *one(outputs, y)) for term, one, y in zip(terms, slopes, of_terms)]
        losses, gradient = (torch.stack([factor * pair[i] for factor, *pair in found]).sum(0) for i in (0, 1))
        return losses, gradient

    return slope


def _learned_sum(slopes: Sequence[Slope], learned: LearnedFactors) -> Slope:
    def slope(outputs: Tensor, targets: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        found = [one(outputs, y) for one, y in zip(slopes, targets)]
        losses, factors = learned.weigh(torch.stack([own for own, _ in found], 1))
        weighed = [g * f.reshape(-1, *[1] * (g.dim() - 1)) for (_, g), f in zip(found, factors.unbind(1))]
        return losses, torch.stack(weighed).sum(0)

    return slope


def _own_numbers(loss: Loss, options: Options) -> Hashable:
    """What splits the trials of one loss further: forms that know plain numbers only want the same in all trials."""
    plain = {name: value for name, value in options.items() if name not in ("class_weight", "normalize")}
    if slope_form(loss, plain) is None and fast_form(loss, plain) is None:
        return None
    return tuple(sorted((name, value) for name, value in plain.items() if is_number(value)))


def _slope(loss: Loss, options: Sequence[Options], device: torch.device, dtype: torch.dtype) -> Slope:
    """The compiled form where there is one and it can, else what autograd makes of the losses."""
    if isinstance(loss, OwnLoss):
        return own_slope(loss, options)
    shared, own = _shared_and_own(options, device, dtype)
    normalize = shared.pop("normalize", "weight")
    measure = _measure(loss, shared, own, normalize)
    compiled = _compiled(loss, shared, own, normalize)

    def slope(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        found = None if compiled is None else compiled(outputs, targets)
        if found is not None:
            return found[0], found[1].view_as(outputs)
        with torch.enable_grad():
            leaf = outputs.detach().requires_grad_()
            losses = measure(leaf, targets)
            (gradient,) = torch.autograd.grad(losses.sum(), leaf)
        return losses.detach(), gradient

    return slope


def _compiled(
    loss: Loss, shared: Options, own: Mapping[str, Tensor], normalize: reduce.Normalize
) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor] | None] | None:
    plain, is_weighted = _plain(shared, own)
    form = None if plain is None else slope_form(loss, plain)
    if form is None:
        return None

    def compiled(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor] | None:
        k, n_rows = len(outputs), rows_of(outputs)
        if not is_weighted:
            return form(*as_rows(outputs, targets), None, k, n_rows if normalize == "batch" else None)
        if targets.dim() != 2 or outputs.dim() != 3:
            return None
        weight = _of_targets(shared.get("class_weight"), own.get("class_weight"), targets).to(outputs.dtype)
        if normalize == "weight":
            return form(outputs, targets, reduce.quotient(weight, weight.sum(1, keepdim=True)), k, None)
        return form(outputs, targets, weight.contiguous(), k, n_rows)

    return compiled


def _measure(loss: Loss, shared: Options, own: Mapping[str, Tensor], normalize: reduce.Normalize) -> Measure:
    """A fast form where there is one, else the declared body; in a vmap over the trials where their numbers differ."""
    plain_numbers, is_weighted = _plain(shared, own)
    values_of = None if plain_numbers is None else fast_form(loss, plain_numbers)

    def fast(outputs: Tensor, targets: Tensor) -> Tensor:
        assert values_of is not None and plain_numbers is not None
        values = values_of(outputs, targets, **plain_numbers).flatten(1)
        if is_weighted:
            weight = _of_targets(shared.get("class_weight"), own.get("class_weight"), targets)
            values = values * weight
            if normalize == "weight":
                return reduce.quotient(values.sum(1), weight.sum(1))
        return values.mean(1) if normalize != "batch" else values.sum(1) / rows_of(outputs)

    def measure(outputs: Tensor, targets: Tensor, **numbers: Tensor) -> Tensor:
        items = loss.items(*as_rows(outputs, targets), **shared, **numbers)
        return per_trial(items, len(outputs), rows_of(outputs), normalize)

    def one(output: Tensor, target: Tensor, numbers: Mapping[str, Tensor]) -> Tensor:
        return measure(output.unsqueeze(0), target.unsqueeze(0), **numbers).squeeze(0)

    def plain(outputs: Tensor, targets: Tensor) -> Tensor:
        return torch.vmap(one)(outputs, targets, own) if own else measure(outputs, targets)

    if values_of is None:
        return plain
    return lambda outputs, targets: (fast if outputs.dim() <= 3 else plain)(outputs, targets)


def rows_of(outputs: Tensor) -> int:
    """N of (k, C, N), of (k, N), and of (k, N, C, *)."""
    return outputs.shape[-1] if outputs.dim() == 3 else outputs.shape[1]


def as_rows(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Outputs of more axes as rows of one long batch (k*N, C, *)."""
    return (outputs.flatten(0, 1), targets.flatten(0, 1)) if outputs.dim() > 3 else (outputs, targets)


def _shared_and_own(
    options: Sequence[Options], device: torch.device, dtype: torch.dtype
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The options that are the same for all trials, and those with one number or one vector per trial, (k, *)."""
    shared: dict[str, Any] = {}
    own: dict[str, Tensor] = {}
    for name, first in options[0].items():
        values = [o[name] for o in options]
        if not isinstance(first, Tensor) and all(v == first for v in values):
            shared[name] = first
            continue
        rows = torch.stack([torch.as_tensor(v, dtype=dtype, device=device) for v in values])
        if isinstance(first, Tensor) and bool((rows == rows[0]).all()):
            shared[name] = rows[0]
        else:
            own[name] = rows
    return shared, own


def _plain(shared: Options, own: Mapping[str, Tensor]) -> tuple[dict[str, Any] | None, bool]:
    """The options but class weights, and whether there are those.

    None where trials differ in the numbers, or where smoothing would have to know of the class weights.
    """
    given = {name: value for name, value in shared.items() if name != "class_weight"}
    is_weighted = "class_weight" in shared or "class_weight" in own
    if set(own) - {"class_weight"} or (is_weighted and given.get("label_smoothing", 0.0) != 0.0):
        return None, is_weighted
    return given, is_weighted


def _of_targets(of_all: Tensor | None, of_each: Tensor | None, targets: Tensor) -> Tensor:
    """The class weight of every target (k, N): from one vector (C,) for all trials, or one for each (k, C)."""
    if of_all is not None:
        return of_all[targets]
    assert of_each is not None
    return of_each.gather(1, targets)


def per_trial(items: Items, k: int, n_rows: int, normalize: reduce.Normalize) -> Tensor:
    """The mean of each of k equal stretches of items, under the contract: (k, *) or (k*N, *) -> (k,)."""
    values = items.values.reshape(k, -1)
    if normalize == "batch":
        return values.sum(1) / n_rows
    if items.present is None and (items.weight is None or normalize == "count"):
        return values.mean(1)
    return reduce.quotient(values.sum(1), items.count(normalize).reshape(k, -1).sum(1))
