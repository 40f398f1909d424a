"""Every loss class of steepest.nn takes weights and masks, and they mean the same everywhere."""

from __future__ import annotations

import pytest
import torch
from nn_cases import CASES, ELEMENTS, N, each_case, named, parametrize, randn, value_and_gradients, value_of
from torch import tensor

from steepest import nn
from steepest.core.errors import DomainError, ShapeError, UsageError

# torch's own advice about KLDivLoss(), and about an adaptive softmax as small as ours
pytestmark = pytest.mark.filterwarnings("ignore:reduction. 'mean' divides", "ignore:Initializing zero-element")

WEIGHTS = tensor([0.5, 2.0, 1.0, 3.0, 0.25, 1.5], dtype=torch.float64)
KEEP = tensor([True, False, True, True, False, True])
KEPT = KEEP.nonzero()[:, 0]
# These look at values themselves: lengths, labels, the sign of a variance.
WITHOUT_VMAP = ("CTCLoss", "AdaptiveLogSoftmaxWithLoss", "GaussianNLLLoss")
loss_classes = sorted({case.name for case in CASES})


def close(a, b):
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)


def ones_shaped_like_items(case, arguments):
    loss = case.loss(reduction="none") if "none" in case.reductions else None
    return torch.ones(N) if loss is None else torch.ones_like(loss(*arguments))


def spoiled(case, arguments):
    """NaN in place of every number of the dropped items, labels that do not exist, lengths that cannot be."""
    found = []
    for argument, axis in zip(arguments, case.axes):
        dirty = argument.clone()
        dirty.movedim(axis, 0)[~KEEP] = torch.nan if argument.is_floating_point() else 99
        found.append(dirty)
    return tuple(found)


def test_there_is_a_case_for_every_loss_class_of_torch():
    theirs = {n for n in torch.nn.modules.loss.__all__ if n != "NLLLoss2d"} | {"AdaptiveLogSoftmaxWithLoss"}
    assert set(loss_classes) == theirs
    assert all(getattr(nn, n).__module__.startswith("steepest.nn.") for n in theirs)


@each_case
def test_weights_of_one_and_a_mask_of_true_change_nothing(case):
    arguments = case.batch()
    for reduction in case.reductions:
        loss = case.loss(reduction=reduction) if len(case.reductions) > 1 else case.loss()
        plain, gradients = value_and_gradients(loss, arguments)
        for options in ({"weight": torch.ones(N)}, {"mask": torch.ones(N, dtype=torch.bool)}):
            value, found = value_and_gradients(loss, arguments, **options)
            close(value, plain)
            for a, b in zip(found, gradients):
                close(a, b)


@each_case
def test_a_masked_item_is_the_item_removed(case):
    arguments = case.batch()
    loss = case.loss()
    value, gradients = value_and_gradients(loss, arguments, mask=KEEP)
    alone, expected = value_and_gradients(loss, case.rows(arguments, KEPT))
    close(value, alone)
    floating = [axis for a, axis in zip(arguments, case.axes) if a.is_floating_point()]
    for gradient, wanted, axis in zip(gradients, expected, floating):
        close(gradient.index_select(axis, KEPT), wanted)
        assert not gradient.movedim(axis, 0)[~KEEP].any()
    for gradient, wanted in zip(gradients[len(floating) :], expected[len(floating) :]):  # of the layer's own parameters
        close(gradient, wanted)


@each_case
@pytest.mark.parametrize("how", ["mask", "weight", "both"])
def test_nan_in_what_is_left_out_changes_no_bit(case, how):
    arguments = case.batch()
    options = {"mask": KEEP} if how != "weight" else {"weight": KEEP.double() * WEIGHTS}
    if how == "both":  # a weight of NaN is not read either
        options["weight"] = torch.where(KEEP, WEIGHTS, torch.nan)
    for reduction in case.reductions:
        loss = case.loss(reduction=reduction) if len(case.reductions) > 1 else case.loss()
        value, gradients = value_and_gradients(loss, arguments, **options)
        dirty, found = value_and_gradients(loss, spoiled(case, arguments), **options)
        assert torch.equal(dirty, value)
        assert all(torch.equal(a, b) for a, b in zip(found, gradients))
        assert dirty.isfinite().all() and all(g.isfinite().all() for g in found)


@parametrize([c for c in CASES if "images" in c.note])
def test_single_elements_and_pixels_are_masked_too(case):
    arguments = case.batch()
    each = case.loss(reduction="none")(*arguments)
    mask = torch.arange(each.numel()).reshape(each.shape) % 3 > 0
    spoilt = []
    for a in arguments:
        dead = ~mask if a.shape == each.shape else (~mask).unsqueeze(1).expand(a.shape)
        spoilt.append(a.masked_fill(dead, torch.nan if a.is_floating_point() else 99))
    for reduction in case.reductions:
        value, gradients = value_and_gradients(case.loss(reduction=reduction), arguments, mask=mask)
        dirty, found = value_and_gradients(case.loss(reduction=reduction), tuple(spoilt), mask=mask)
        assert torch.equal(dirty, value) and all(torch.equal(a, b) for a, b in zip(found, gradients))
        assert all(g.isfinite().all() for g in found)
    share = 1.0 if case.options.get("weight") is None else case.options["weight"][arguments[1]][mask]
    expected = each[mask].mean() if isinstance(share, float) else each[mask].sum() / share.sum()
    close(case.loss()(*arguments, mask=mask), expected)


@parametrize([c for c in CASES if c.note == "two-outputs"])
def test_a_row_that_feeds_two_outputs_is_read_while_one_of_them_counts(case):
    x, y = case.batch()
    mask = torch.arange(2 * N).reshape(N, 2) % 3 > 0
    each = case.loss(reduction="none")(x, y)
    close(case.loss()(x, y.masked_fill(~mask, 99), mask=mask), each[mask].mean())


@parametrize([c for c in CASES if not c.by_count])  # see the next test for these
def test_an_integer_weight_is_that_many_copies(case):
    arguments = case.batch()
    copies = tensor([2, 1, 0, 3, 1, 1])
    value, _ = value_and_gradients(case.loss(), arguments, weight=copies)
    repeated = case.rows(arguments, torch.arange(N).repeat_interleave(copies))
    close(value, value_and_gradients(case.loss(), repeated)[0])


@pytest.mark.parametrize("name", ["BCELoss", "BCEWithLogitsLoss"])
def test_the_binary_losses_divide_by_the_count_as_torch_documents(name):
    x, y = torch.rand(N, 3, dtype=torch.float64), torch.rand(N, 3, dtype=torch.float64)
    weight = torch.rand(N, 3, dtype=torch.float64)
    theirs = getattr(torch.nn, name)(weight=weight)(x, y)
    ours = getattr(nn, name)()
    close(ours(x, y, weight=weight), theirs)
    close(getattr(nn, name)(weight=weight)(x, y, mask=torch.ones(N, dtype=torch.bool)), theirs)
    close(
        ours(x, y, weight=WEIGHTS, mask=KEEP),
        (WEIGHTS[:, None] * getattr(nn, name)(reduction="none")(x, y))[KEEP].mean(),
    )


@parametrize([c for c in CASES if "none" in c.reductions])
def test_a_weighted_mean_is_the_weighted_sum_over_the_weight_that_torch_would_count(case):
    """The unreduced values times the weights, over the denominator of the docstring, computed by hand."""
    arguments = case.batch()
    each = case.loss(reduction="none")(*arguments)
    w = WEIGHTS.reshape(N, *[1] * (each.dim() - 1)).expand(each.shape)
    close(case.loss(reduction="none")(*arguments, weight=WEIGHTS), each * w)
    close(case.loss(reduction="sum")(*arguments, weight=WEIGHTS), (each * w).sum())
    close(case.loss(reduction="none")(*arguments, mask=KEEP), each * KEEP.reshape(N, *[1] * (each.dim() - 1)))
    share = w if not case.by_count else torch.ones_like(w)
    if case.name == "CTCLoss":
        each = each / arguments[3].clamp(min=1)
    elif (
        case.name in ("CrossEntropyLoss", "NLLLoss", "LinearCrossEntropyLoss") and not arguments[1].is_floating_point()
    ):
        share = w * (case.options["weight"][arguments[1]] if case.options.get("weight") is not None else 1)
    close(case.loss()(*arguments, weight=WEIGHTS), (each * w).sum() / share.sum())


@each_case
def test_when_everything_is_masked_the_loss_is_zero_with_zero_gradient(case):
    arguments = case.batch()
    for options in ({"mask": torch.zeros(N, dtype=torch.bool)}, {"weight": torch.zeros(N)}):
        value, gradients = value_and_gradients(case.loss(), arguments, **options)
        assert value == 0 and not any(g.any() for g in gradients)


@each_case
def test_weights_have_gradients(case):
    arguments = case.batch()
    w = WEIGHTS.clone().requires_grad_()
    value_of(case.loss()(*arguments, weight=w)).backward()
    step = 1e-6
    for i in (0, 3):
        up, down = WEIGHTS.clone(), WEIGHTS.clone()
        up[i], down[i] = up[i] + step, down[i] - step
        slope = (value_of(case.loss()(*arguments, weight=up)) - value_of(case.loss()(*arguments, weight=down))) / (
            2 * step
        )
        torch.testing.assert_close(w.grad[i], slope.detach(), rtol=1e-6, atol=1e-8)


HOLDS_A_WEIGHT = sorted({c.name for c in CASES if issubclass(getattr(nn, c.name), nn.twin.WeightedTwin)})


@parametrize(named(*HOLDS_A_WEIGHT))
def test_a_weight_of_the_construction_is_used_at_every_call_and_one_at_the_call_replaces_it(case):
    arguments = case.batch()
    held, plain = case.loss(weight=WEIGHTS), case.loss()
    assert torch.equal(held(*arguments), plain(*arguments, weight=WEIGHTS))
    assert torch.equal(held(*arguments, weight=KEEP.double()), plain(*arguments, weight=KEEP.double()))
    assert torch.equal(held(*arguments, mask=KEEP), plain(*arguments, weight=WEIGHTS, mask=KEEP))
    assert set(held.state_dict()) == {"weight", *plain.state_dict()} and "weight" not in plain.state_dict()


@each_case
def test_weights_and_masks_that_cannot_be_meant_are_refused(case):
    loss, arguments = case.loss(), case.batch()
    for name in ("weight", "mask"):
        with pytest.raises(ShapeError, match=name):
            loss(*arguments, **{name: torch.ones(N + 1, dtype=torch.bool)})
    with pytest.raises(UsageError, match="mask.bool"):
        loss(*arguments, mask=KEEP.double())
    with pytest.raises(DomainError, match="must be >= 0"):
        loss(*arguments, weight=-WEIGHTS)


@parametrize([c for c in CASES if c.name in ELEMENTS])
def test_with_a_weight_nothing_is_broadcast_in_silence(case):
    first, *others = case.batch()
    with pytest.raises(ShapeError, match="they must be equal"):
        case.loss()(first.reshape(N, 1, -1), *others, weight=WEIGHTS)


@parametrize(
    [c for c in CASES if "images" not in c.note and c.note not in ("two-outputs", "angles")]
)  # they need a batch
def test_one_item_without_a_batch_axis_takes_a_number_and_a_flag(case):
    arguments = tuple(a.select(axis, 0) for a, axis in zip(case.batch(), case.axes))
    plain = value_of(case.loss()(*arguments))
    if plain.dim() == 0 and ones_shaped_like_items(case, case.batch()).dim() == 1:
        w = tensor(3.0, dtype=torch.float64)
        close(value_of(case.loss()(*arguments, weight=w)), plain * (3 if case.by_count else 1))
        assert value_of(case.loss()(*arguments, mask=tensor(False))) == 0
        close(value_of(case.loss()(*arguments, mask=tensor(True))), plain)


def test_joined_targets_of_ctc_are_masked_like_padded_ones():
    case = named("CTCLoss")[0]
    log_probs, targets, steps, lengths = case.batch()
    lengths = tensor([3, 1, 2, 3, 0, 2])
    joined = torch.cat([row[:n] for row, n in zip(targets, lengths)])
    for options in ({"mask": KEEP}, {"weight": WEIGHTS}, {"mask": KEEP, "weight": WEIGHTS}):
        loss = nn.CTCLoss()
        close(loss(log_probs, joined, steps, lengths, **options), loss(log_probs, targets, steps, lengths, **options))
        as_tuples = loss(log_probs, targets, tuple(steps.tolist()), tuple(lengths.tolist()), **options)
        close(as_tuples, loss(log_probs, targets, steps, lengths, **options))


def test_ignored_labels_stay_out_of_a_weighted_mean_and_are_not_read():
    x, y = randn(N, 4), tensor([0, -100, 2, 3, -100, 1])
    x[1] = torch.nan
    alive = y != -100
    for loss, logits in ((nn.CrossEntropyLoss(), x), (nn.NLLLoss(), x.log_softmax(1))):
        value, (gradient,) = value_and_gradients(loss, (logits, y), weight=WEIGHTS)
        each = type(loss)(reduction="none")(logits[alive], y[alive])
        close(value, (each * WEIGHTS[alive]).sum() / WEIGHTS[alive].sum())
        assert not gradient[~alive].any() and gradient.isfinite().all()


def test_batchmean_of_a_divergence_counts_rows():
    case = next(c for c in named("KLDivLoss") if c.note == "logs")
    x, y = case.batch()
    each = case.loss(reduction="none")(x, y)
    loss = case.loss(reduction="batchmean")
    close(loss(x, y, weight=torch.ones(N)), loss(x, y))
    close(loss(x, y, mask=KEEP), loss(x[KEEP], y[KEEP]))
    close(loss(x, y, weight=WEIGHTS), (each * WEIGHTS[:, None]).sum() / WEIGHTS.sum())
    columns = tensor([[True, True, False, True]])
    close(loss(x, y, mask=columns), (each * columns).sum() / N)


@pytest.mark.parametrize("name", [n for n in loss_classes if n != "CTCLoss"])  # torch has no CTC of halves on the CPU
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_a_weighted_half_is_the_rounding_of_the_exact_loss_and_stays_a_half(name, dtype):
    case = named(name)[0]
    arguments = tuple(a.to(dtype) if a.is_floating_point() else a for a in case.batch())
    exact = tuple(a.double() if a.is_floating_point() else a for a in arguments)
    half = case.loss().to(dtype)
    value = value_of(half(*arguments, weight=WEIGHTS))
    assert value.dtype == dtype
    true = value_of(half.double()(*exact, weight=WEIGHTS))
    layers = name in (
        "LinearCrossEntropyLoss",
        "AdaptiveLogSoftmaxWithLoss",
    )  # their matrix products round, as in torch
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(value.double(), true, rtol=(8 if layers else 1) * eps, atol=1e-6)


@each_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_under_autocast_a_weighted_loss_is_never_narrower_than_the_unweighted(case, dtype):
    """F.mse_loss(weight=) leaves the float32 of autocast's losses for bfloat16."""
    arguments = tuple(a.to(dtype) if a.is_floating_point() else a for a in case.batch())
    loss = case.loss().float()
    with torch.autocast("cpu", torch.bfloat16):
        try:
            plain = value_of(loss(*arguments))
        except RuntimeError:
            return  # torch refuses autocast (BCELoss) or this dtype
        for options in ({"weight": WEIGHTS.float()}, {"mask": KEEP}):
            found = value_of(loss(*arguments, **options)).dtype
            assert found == plain.dtype or (plain.dtype, found) == (torch.bfloat16, torch.float32)


def test_many_weights_of_one_in_half_precision_are_still_a_mean():
    """F.mse_loss(weight=) sums them in float16 and returns NaN."""
    x, y = torch.zeros(100_000, dtype=torch.float16), torch.full((100_000,), 2.0, dtype=torch.float16)
    assert nn.MSELoss()(x, y, weight=torch.ones_like(x)) == 4


@parametrize([c for c in CASES if c.name not in WITHOUT_VMAP and c.note != "chunks"])
@pytest.mark.filterwarnings(
    "ignore:There is a performance drop"
)  # torch's own kernels, which steepest.losses do without
def test_weights_and_masks_work_per_trial_under_vmap(case):
    """One batch, many weightings at once."""
    arguments, loss = case.batch(), case.loss()
    weights = torch.stack([WEIGHTS, WEIGHTS.flip(0), KEEP.double()])
    masks = torch.stack([KEEP, ~KEEP, torch.ones(N, dtype=torch.bool)])
    together = torch.func.vmap(lambda w, m: loss(*arguments, weight=w, mask=m))(weights, masks)
    close(together, torch.stack([loss(*arguments, weight=w, mask=m) for w, m in zip(weights, masks)]))
