"""The weighting contract holds for every loss: weights, masks, ignored targets, reductions, additive parts."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import (
    CLASSES,
    LOSSES,
    PLAIN,
    UNLIKE,
    batch,
    close,
    each_loss,
    each_loss_of_classes,
    each_loss_of_labels,
    each_loss_of_plain_items,
    each_loss_of_separate_items,
    each_loss_with_a_target,
    element_shape,
    has_class_weights,
    item_shape,
    one_hot,
    parametrize,
    rows,
    take,
    value_and_gradient,
)

INNER = [(), (2, 3)]
inner_shapes = pytest.mark.parametrize("inner", INNER, ids=["rows", "images"])
WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 3.0, 0.25, 1.5], dtype=torch.float64)
CLASS_WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=torch.float64)


# -- what a weight means ---------------------------------------------------------------------------------------------------


@each_loss_of_separate_items
@inner_shapes
def test_a_weight_of_two_is_the_row_twice(loss, inner):
    x, y = batch(loss, 6, inner)
    twice = torch.tensor([0, 0, 1, 2, 2, 3, 4, 5])
    weight = torch.tensor([2.0, 1, 2, 1, 1, 1], dtype=torch.float64)
    close(loss(x, y, weight=weight), loss(x[twice], y[twice]))
    _, gradient = value_and_gradient(loss, x, y, weight=weight)
    _, copies = value_and_gradient(loss, x[twice], y[twice])
    close(gradient, torch.zeros_like(gradient).index_add(0, twice, copies))


@each_loss
@inner_shapes
def test_a_weight_of_zero_is_the_row_removed(loss, inner):
    x, y = batch(loss, 6, inner)
    kept = torch.tensor([0, 2, 3, 5])
    weight = torch.zeros(6, dtype=torch.float64).index_fill(0, kept, 1.0)
    value, gradient = value_and_gradient(loss, x, y, weight=weight)
    alone, alone_gradient = value_and_gradient(loss, x[kept], take(y, kept))
    close(value, alone)
    close(gradient[kept], alone_gradient)
    assert not gradient[[1, 4]].any()


@each_loss
@inner_shapes
def test_scaling_all_weights_changes_no_mean(loss, inner):
    x, y = batch(loss, 6, inner)
    for reduction in ("mean", "sample"):
        close(
            loss(x, y, weight=WEIGHTS, reduction=reduction), loss(x, y, weight=WEIGHTS * 1e6, reduction=reduction)
        )


@each_loss
@inner_shapes
def test_the_order_of_the_rows_does_not_matter(loss, inner):
    x, y = batch(loss, 6, inner)
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    close(loss(x, y, weight=WEIGHTS), loss(x[order], take(y, order), weight=WEIGHTS[order]))
    each = loss(x, y, weight=WEIGHTS, reduction="none")
    torch.testing.assert_close(each[order], loss(x[order], take(y, order), weight=WEIGHTS[order], reduction="none"))


@each_loss_of_plain_items
def test_a_weight_is_aligned_on_the_left(loss):
    x, y = batch(loss, 6, (2, 3))
    shape = item_shape(loss, x)
    full = WEIGHTS.reshape(6, *[1] * (len(shape) - 1)).expand(shape)
    for short in (WEIGHTS, WEIGHTS.reshape(6, 1), WEIGHTS.reshape(6, *[1] * (len(shape) - 1)), full):
        close(loss(x, y, weight=short), loss(x, y, weight=full.contiguous()))


@each_loss
def test_a_weight_may_be_a_whole_number_or_of_another_dtype(loss):
    x, y = batch(loss)
    whole = torch.tensor([1, 2, 0, 3, 1, 1])
    expected = loss(x, y, weight=whole.double())
    for weight in (whole, whole.int(), whole.float(), whole.half()):
        assert torch.equal(loss(x, y, weight=weight), expected)


# -- what is left out is never read ----------------------------------------------------------------------------------------


def spoiled(loss, x, y, dead):
    """The batch with NaN, infinity and impossible labels wherever an element is dead."""
    x = x.clone()
    x[rows(loss, x, dead)] = torch.nan
    if y is not None:
        y = y.clone()
        where = dead.flatten(1).all(1) if loss.target.name == "sequence" else dead
        y[rows(loss, x, dead) if y.shape == x.shape else where] = torch.nan if y.is_floating_point() else 99
    if x.dim() == 1:
        x[dead.nonzero()[0]] = torch.inf
    return x, y


@each_loss
@inner_shapes
@pytest.mark.parametrize("how", ["mask", "weight", "mask and weight"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "sample", "batchmean"])
def test_masked_nan_changes_no_bit(loss, inner, how, reduction):
    x, y = batch(loss, 6, inner)
    keep = torch.tensor([True, False, True, True, False, True])
    shape = element_shape(loss, x)
    is_of_rows = "weight" in how and loss.target.name in ("lists", "sequence")  # their entries have no weights
    keep = keep.reshape(6, *[1] * (len(shape) - 1)).expand(shape).clone()
    if keep.dim() > 1 and not is_of_rows:
        keep[0, 0] = False
    options = {"mask": keep} if "mask" in how else {}
    if "weight" in how:
        options["weight"] = (keep[:, 0] if is_of_rows else keep).double() * 1.5
    clean = value_and_gradient(loss, x, y, reduction=reduction, **options)
    dirty = value_and_gradient(loss, *spoiled(loss, x, y, ~keep), reduction=reduction, **options)
    assert torch.equal(clean[0], dirty[0]) and torch.equal(clean[1], dirty[1])
    assert not dirty[1][rows(loss, x, ~keep)].any()
    if reduction == "mean" and loss.target.name in PLAIN:
        close(dirty[0], loss(x, y, reduction="none")[keep].mean())


@each_loss_with_a_target
@pytest.mark.parametrize("ignored", [-100, (-100, 7), [0, -100]], ids=str)
def test_ignored_targets_are_never_read(loss, ignored):
    x, y = batch(loss)
    several = ignored if isinstance(ignored, (tuple, list)) else (ignored,)
    if loss.target.name == "classes":
        y[0], y[1] = 0, 1
    dead = torch.zeros(6, dtype=torch.bool)
    for place, value in zip((2, 4), (several[0], several[-1])):
        y[place], dead[place] = value, True
    dead |= sum((y == v if y.dim() == 1 else (y == v).all(1)) for v in several).bool()
    x = torch.where(dead.reshape(-1, *[1] * (x.dim() - 1)), torch.nan, x)
    value, gradient = value_and_gradient(loss, x, y, ignore_index=ignored)
    rest = {"ignore_index": ignored} if loss.target.name in UNLIKE else {}  # parts of an item are ignored there too
    close(value, loss(x[~dead], y[~dead], **rest))
    assert not gradient[dead].any() and gradient.isfinite().all()


@parametrize([item for item in LOSSES if item.target.name == "distribution"])
def test_a_share_of_zero_does_not_make_a_distribution_ignored(loss):
    x, y = batch(loss, 2)
    y = torch.tensor([[0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    close(loss(x, y, ignore_index=0), loss(x[:1], y[:1]))


@each_loss_of_classes
def test_a_class_of_weight_zero_is_never_read(loss):
    x, y = batch(loss)
    y = torch.tensor([0, 1, 2, 3, 1, 0])
    weights = torch.tensor([1.0, 0.0, 2.0, 1.0], dtype=torch.float64)
    x[y == 1] = torch.nan
    for target in (y, one_hot(y)):
        value, gradient = value_and_gradient(loss, x, target, class_weight=weights)
        close(value, loss(x[y != 1], y[y != 1], class_weight=weights))
        assert not gradient[y == 1].any() and gradient.isfinite().all()


# -- nothing to learn from -------------------------------------------------------------------------------------------------


def nothings(loss):
    """Batches in which no item counts."""
    x, y = batch(loss)
    yield x[:0], take(y, slice(0)), {}
    yield x, y, {"mask": torch.zeros(6, dtype=torch.bool)}
    yield x, y, {"weight": torch.zeros(6, dtype=torch.float64)}
    yield torch.full_like(x, torch.nan), y, {"mask": torch.zeros(6, dtype=torch.bool)}
    if has_class_weights(loss):
        yield x, torch.full_like(y, -100), {"ignore_index": -100}
        yield x, y, {"class_weight": torch.zeros(CLASSES, dtype=torch.float64)}


@each_loss
def test_an_empty_batch_has_loss_zero_and_gradient_zero(loss):
    for x, y, options in nothings(loss):
        for reduction in ("mean", "sum", "batchmean"):
            value, gradient = value_and_gradient(loss, x, y, reduction=reduction, **options)
            assert value == 0 and not gradient.any()
        numerator, denominator = loss.parts(x, y, **options)
        assert numerator == 0 and denominator == 0


@each_loss
def test_an_empty_mean_is_nan_when_asked(loss):
    for x, y, options in nothings(loss):
        value, gradient = value_and_gradient(loss, x, y, empty="nan", **options)
        assert value.isnan() and not gradient.any()


@each_loss
def test_a_sample_without_items_has_a_mean_of_zero(loss):
    x, y = batch(loss, 3, (2,))
    mask = torch.tensor([True, False, True])
    each = loss(x, y, mask=mask, reduction="sample")
    assert each.shape == (3,) and each[1] == 0
    assert loss(x, y, mask=mask, reduction="sample", empty="nan")[1].isnan()


# -- sums --------------------------------------------------------------------------------------------------------------------


@each_loss_of_separate_items
@settings(max_examples=15)
@given(data=st.data())
def test_parts_add_up_over_any_cut(loss, data):
    n = data.draw(st.integers(1, 9))
    x, y = batch(loss, n, (2,), seed=data.draw(st.integers(0, 99)))
    weight = torch.tensor(data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=n, max_size=n)))
    mask = torch.tensor(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=4)))
    pieces = [slice(a, b) for a, b in zip([0, *cuts], [*cuts, n])]
    options = {"class_weight": CLASS_WEIGHTS} if has_class_weights(loss) else {}
    for normalize in ("weight", "count", "batch"):
        whole = loss.parts(x, y, weight=weight, mask=mask, normalize=normalize, **options)
        cut = [loss.parts(x[p], y[p], weight=weight[p], mask=mask[p], normalize=normalize, **options) for p in pieces]
        close(torch.stack([part[0] for part in cut]).sum(), whole[0])
        close(torch.stack([part[1] for part in cut]).sum(), whole[1])
        quotient = whole[0] / whole[1] if whole[1] != 0 else torch.zeros_like(whole[0])
        close(loss(x, y, weight=weight, mask=mask, normalize=normalize, **options), quotient)


@each_loss_of_separate_items
def test_gradients_accumulate_exactly_over_micro_batches(loss):
    x, y = batch(loss, 6, (2,))
    _, whole = value_and_gradient(loss, x, y, weight=WEIGHTS)
    total = loss.parts(x, y, weight=WEIGHTS)[1]
    pieces = []
    for p in (slice(0, 1), slice(1, 5), slice(5, 6)):
        _, gradient = value_and_gradient(loss, x[p], y[p], weight=WEIGHTS[p], denominator=total)
        pieces.append(gradient)
    close(torch.cat(pieces), whole)


@each_loss
@inner_shapes
def test_all_reductions_agree(loss, inner):
    x, y = batch(loss, 6, inner)
    options = {"weight": WEIGHTS}
    if has_class_weights(loss):
        options["class_weight"] = CLASS_WEIGHTS
    each = loss(x, y, reduction="none", **options)
    numerator, denominator = loss.parts(x, y, **options)
    assert each.shape == item_shape(loss, x)
    close(each.sum(), numerator)
    close(loss(x, y, reduction="sum", **options), numerator)
    close(loss(x, y, **options), numerator / denominator)
    close(loss(x, y, reduction="batchmean", **options), numerator / 6)
    if loss.target.is_coupled:
        return
    alone = torch.stack([loss(x[i : i + 1], y[i : i + 1], **_of_row(options, i)) for i in range(6)])
    close(loss(x, y, reduction="sample", **options), alone)


def _of_row(options, i):
    return {k: v[i : i + 1] if k == "weight" else v for k, v in options.items()}


@each_loss_of_separate_items
def test_the_other_denominators_count_items_and_samples(loss):
    x, y = batch(loss, 6, (2,))
    weight = torch.tensor([2.0, 0.0, 1.0, 0.5, 1.0, 1.0], dtype=torch.float64)
    mask = torch.tensor([True, True, True, True, False, True])
    total = loss(x, y, weight=weight, mask=mask, reduction="sum")
    items = loss(x, y, reduction="none")[0].numel()
    if not getattr(loss.target, "needs_pixels", False):  # there a sample may have fewer items
        close(loss(x, y, weight=weight, mask=mask, normalize="count"), total / (5 * items))
    close(loss(x, y, weight=weight, mask=mask, normalize="batch"), total / 6)
    close(loss(x, y, weight=weight, mask=mask, denominator=7.0), total / 7)


# -- labels ------------------------------------------------------------------------------------------------------------------


@each_loss_of_classes
@inner_shapes
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("class_weight", [None, CLASS_WEIGHTS], ids=["plain", "class weights"])
def test_one_hot_rows_equal_hard_labels(loss, inner, smoothing, class_weight):
    x, y = batch(loss, 6, inner)
    options = {"label_smoothing": smoothing, "class_weight": class_weight, "weight": WEIGHTS}
    for reduction in ("mean", "none", "sample"):
        hard = value_and_gradient(loss, x, y, reduction=reduction, **options)
        soft = value_and_gradient(loss, x, one_hot(y), reduction=reduction, **options)
        close(hard[0], soft[0])
        close(hard[1], soft[1])


@each_loss_of_classes
def test_a_class_weight_is_a_weight_of_its_rows(loss):
    x, y = batch(loss, 6, (2,))
    close(loss(x, y, class_weight=CLASS_WEIGHTS), loss(x, y, weight=CLASS_WEIGHTS[y]))
    close(
        loss(x, y, class_weight=CLASS_WEIGHTS, weight=WEIGHTS),
        loss(x, y, weight=CLASS_WEIGHTS[y] * WEIGHTS.unsqueeze(1)),
    )


@each_loss_of_classes
def test_soft_labels_are_the_mean_over_hard_ones(loss):
    x, y = batch(loss)
    q = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64).expand(6, 4)
    hard = torch.stack([loss(x, torch.full_like(y, c), reduction="none") for c in range(CLASSES)], 1)
    close(loss(x, q, reduction="none"), (q * hard).sum(1))


@each_loss_of_labels
def test_smoothing_moves_a_label_towards_even_odds(loss):
    x, y = batch(loss)
    soft = y if y.is_floating_point() else one_hot(y)
    even = 0.5 if loss.target.name in ("binary", "multilabel") else 1 / CLASSES
    close(loss(x, y, label_smoothing=0.2), loss(x, 0.8 * soft + 0.2 * even))


@each_loss_of_classes
def test_the_class_axis_may_be_any_axis(loss):
    x, y = batch(loss, 6, (2, 3))
    close(loss(x.movedim(1, -1), y, dim=-1), loss(x, y))
    close(loss(x.movedim(1, -1), one_hot(y).movedim(1, -1), dim=-1), loss(x, y))
