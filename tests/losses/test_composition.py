"""Losses that add and scale: each term keeps its own denominator, so parts are exact over any cut of the data."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from steepest import losses
from steepest.core.errors import ShapeError, UsageError
from steepest.losses import weightings
from steepest.optim import schedules


@pytest.fixture
def batch():
    g = torch.Generator().manual_seed(0)
    return torch.randn(12, 3, generator=g, dtype=torch.float64), torch.randn(12, 3, generator=g, dtype=torch.float64)


@pytest.fixture
def labelled():
    g = torch.Generator().manual_seed(1)
    return torch.randn(12, 3, generator=g, dtype=torch.float64), torch.randint(3, (12,), generator=g)


def test_a_sum_of_two_losses_is_the_sum_of_their_values(batch):
    x, y = batch
    x.requires_grad_()
    both = losses.MSE() + 0.5 * losses.L1()
    wanted = F.mse_loss(x, y) + 0.5 * F.l1_loss(x, y)
    torch.testing.assert_close(both(x, y), wanted)
    torch.testing.assert_close(torch.autograd.grad(both(x, y), x), torch.autograd.grad(wanted, x))
    torch.testing.assert_close(both.each(x, y), [F.mse_loss(x, y), 0.5 * F.l1_loss(x, y)])


def test_items_modules_and_sums_mix_and_brackets_open(batch):
    x, y = batch
    nested = 2 * (losses.mse + losses.Huber(delta=0.3) / 4) + losses.l1 * 3
    assert nested.numbers == [2, 0.5, 3] and len(nested.losses) == 3
    wanted = 2 * F.mse_loss(x, y) + 0.5 * F.huber_loss(x, y, delta=0.3) + 3 * F.l1_loss(x, y)
    torch.testing.assert_close(nested(x, y), wanted)
    torch.testing.assert_close(sum([losses.MSE(), losses.L1()])(x, y), F.mse_loss(x, y) + F.l1_loss(x, y))


def test_options_of_a_call_reach_every_term(labelled):
    x, y = labelled
    both = losses.CrossEntropy(label_smoothing=0.1) + 0.3 * losses.Focal(gamma=1.0)
    weight, mask = torch.rand(12, dtype=torch.float64), torch.arange(12) % 3 > 0
    found = both(x, y, weight=weight, mask=mask)
    kept = [losses.cross_entropy(x[mask], y[mask], weight=weight[mask], label_smoothing=0.1)]
    kept += [losses.focal(x[mask], y[mask], weight=weight[mask], gamma=1.0)]
    torch.testing.assert_close(found, kept[0] + 0.3 * kept[1])
    assert both(x, y, reduction="none").shape == (12,)


def test_parts_over_uneven_batches_give_the_loss_of_the_whole_where_a_mean_of_means_does_not(labelled):
    x, y = labelled
    per_class = torch.tensor([0.2, 1.0, 5.0], dtype=torch.float64)
    both = losses.CrossEntropy(class_weight=per_class) + 0.5 * losses.Square()  # denominators of their own
    cuts = [slice(0, 2), slice(2, 9), slice(9, 12)]
    pieces = [both.parts(x[c], y[c]) for c in cuts]
    numerators, denominators = (torch.stack(side).sum(0) for side in zip(*pieces))
    torch.testing.assert_close(both.total(numerators, denominators), both(x, y))
    torch.testing.assert_close(denominators, torch.stack([per_class[y].sum(), torch.tensor(12.0, dtype=torch.float64)]))
    means = torch.stack([both(x[c], y[c]) for c in cuts]).mean()
    assert (means - both(x, y)).abs() > 1e-3


def test_an_empty_batch_has_parts_of_zero_and_a_total_of_zero(batch):
    x, y = batch
    both = losses.MSE() + losses.L1()
    numerators, denominators = both.parts(x, y, mask=torch.zeros(12, dtype=torch.bool))
    assert not numerators.any() and not denominators.any() and both.total(numerators, denominators) == 0


def test_a_factor_may_be_learned_or_a_buffer_and_is_saved_with_the_module(batch):
    x, y = batch
    learned = nn.Parameter(torch.tensor(0.5))
    both = losses.MSE() + 2 * (learned * losses.L1()) + torch.tensor(3.0) * losses.Huber()
    assert dict(both.named_parameters())["factor1"] is learned and set(both.state_dict()) == {"factor1", "factor2"}
    both(x, y).backward()
    torch.testing.assert_close(learned.grad.double(), 2 * F.l1_loss(x, y))
    twin = pickle.loads(pickle.dumps(copy.deepcopy(both)))
    twin.load_state_dict({"factor1": torch.tensor(1.0), "factor2": torch.tensor(0.0)})
    torch.testing.assert_close(twin(x, y), F.mse_loss(x, y) + 2 * F.l1_loss(x, y))


def test_a_factor_per_trial_equals_a_loop(batch):
    x, y = batch
    factors = torch.tensor([0.0, 0.5, 2.0], dtype=torch.float64)

    def slope(factor):
        return torch.func.grad(lambda z: (losses.MSE() + factor * losses.L1())(z, y))(x)

    torch.testing.assert_close(torch.vmap(slope)(factors), torch.stack([slope(f) for f in factors]))


def test_a_compiled_sum_equals_eager(batch):
    x, y = batch
    both = losses.MSE() + 0.5 * losses.L1()
    torch._dynamo.reset()
    torch.testing.assert_close(torch.compile(both, fullgraph=True, backend="aot_eager")(x, y), both(x, y))


def test_what_is_no_loss_of_ours_is_refused_with_the_repair(batch):
    with pytest.raises(UsageError, match="steepest explain"):
        losses.MSE() + nn.L1Loss()
    with pytest.raises(TypeError):
        losses.MSE() + 1.0
    with pytest.raises(TypeError):
        losses.MSE() * "2"
    with pytest.raises(ShapeError, match="weight="):
        losses.MSE() * torch.ones(3)
    with pytest.raises(UsageError, match="Multiply"):
        torch.tensor(2.0) * (torch.tensor(2.0) * losses.MSE())


def test_terms_with_other_items_are_not_added_unreduced():
    x, y = torch.randn(4, 3), torch.rand(4, 3).softmax(1)
    both = losses.MSE() + losses.KLDiv()
    assert both(x, y).shape == ()
    with pytest.raises(ShapeError, match="each"):
        both(x, y, reduction="none")


# -- factors that are functions of the step ---------------------------------------------------------------------------------


def halving(step):
    return 0.5 ** step.double()


def test_a_factor_follows_the_steps_that_were_counted(batch):
    x, y = batch
    both = losses.MSE() + 2 * losses.Weighted(losses.L1(), halving)
    for k in range(4):
        torch.testing.assert_close(both(x, y), F.mse_loss(x, y) + 2 * 0.5**k * F.l1_loss(x, y))
        torch.testing.assert_close(both(x, y, step=1), F.mse_loss(x, y) + F.l1_loss(x, y))  # whatever was counted
        both.advance()
    both.advance(6)
    assert [float(f) for f in both.factors()] == [1.0, 2 * 0.5**10]
    assert [float(f) for f in both.factors(step=0)] == [1.0, 2.0]


def test_a_schedule_of_the_catalogue_is_a_factor(batch):
    x, y = batch
    ramp = losses.Weighted(losses.Huber(delta=0.5), schedules.warmup_cosine, horizon=20, warmup=0.5, floor=0.1)
    for step in (0, 4, 10, 19, 500):
        wanted = schedules.warmup_cosine(step, 20, warmup=0.5, floor=0.1) * F.huber_loss(x, y, delta=0.5)
        torch.testing.assert_close(ramp(x, y, step=step), wanted)


def test_parts_do_not_hold_the_factor_and_the_total_of_a_step_does(batch):
    x, y = batch
    both = losses.MSE() + losses.Weighted(losses.L1(), halving)
    pieces = [both.parts(x[c], y[c]) for c in (slice(0, 1), slice(1, 12))]
    numerators, denominators = (torch.stack(side).sum(0) for side in zip(*pieces))
    torch.testing.assert_close(both.total(numerators, denominators, step=3), both(x, y, step=3))
    both.advance(3)
    torch.testing.assert_close(both.total(numerators, denominators), both(x, y, step=3))


def test_the_counted_step_is_saved_and_a_copy_counts_by_itself(batch):
    x, y = batch
    ramp = losses.Weighted(losses.MSE(), halving)
    twin = pickle.loads(pickle.dumps(copy.deepcopy(ramp)))
    ramp.advance(2)
    assert set(ramp.state_dict()) == {"step"} and twin(x, y) == 4 * ramp(x, y)
    twin.load_state_dict(ramp.state_dict())
    assert twin(x, y) == ramp(x, y)
    assert "step" not in (losses.MSE() + losses.L1()).state_dict()


def test_the_gradient_of_a_learned_factor_knows_of_the_step(batch):
    x, y = batch
    learned = nn.Parameter(torch.tensor(0.5))
    (learned * losses.Weighted(losses.L1(), halving))(x, y, step=2).backward()
    torch.testing.assert_close(learned.grad.double(), 0.25 * F.l1_loss(x, y))


def test_a_step_and_a_horizon_per_trial_equal_a_loop(batch):
    x, y = batch

    def value(step, horizon):
        ramp = losses.Weighted(losses.L1(), schedules.warmup_cosine, horizon=horizon)
        return (losses.MSE() + ramp)(x, y, step=step)

    steps, horizons = torch.tensor([0, 5, 30]), torch.tensor([10.0, 20.0, 30.0])
    loop = torch.stack([value(*pair) for pair in zip(steps, horizons)])
    torch.testing.assert_close(torch.vmap(value)(steps, horizons), loop)


def test_a_compiled_ramp_is_not_compiled_again_at_each_step(batch):
    x, y = batch
    both = losses.MSE() + losses.Weighted(losses.L1(), schedules.warmup_cosine, horizon=20)
    graphs = []

    def plain(graph, inputs):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    compiled = torch.compile(both, fullgraph=True, backend=plain)
    for _ in range(4):
        torch.testing.assert_close(compiled(x, y), both(x, y))
        both.advance()
    assert len(graphs) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: losses.Weighted(losses.MSE(), schedules.constant),
        lambda: losses.Weighted(losses.MSE(), halving, horizon=5),
        lambda: losses.Weighted(losses.MSE(), halving, warmup=0.1),
        lambda: losses.Weighted(losses.MSE(), 0.5),
        lambda: losses.Weighted(losses.Weighted(losses.MSE(), halving), halving),
        lambda: losses.Weighted(losses.MSE(), schedules.warmup_cosine, horizon=5, warmpu=0.1),
    ],
)
def test_what_is_no_function_of_the_step_is_refused(wrong):
    with pytest.raises(UsageError):
        wrong()


# -- heads ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def heads(batch, labelled):
    both = losses.Heads(depth=losses.L1(), label=0.5 * losses.CrossEntropy() + losses.Focal())
    return both, {"depth": batch[0], "label": labelled[0]}, {"depth": batch[1], "label": labelled[1]}


def test_the_loss_of_several_heads_is_the_sum_of_theirs(heads):
    both, outputs, targets = heads
    own = both.each(outputs, targets)
    torch.testing.assert_close(own["depth"], F.l1_loss(outputs["depth"], targets["depth"]))
    label = 0.5 * losses.cross_entropy(outputs["label"], targets["label"]) + losses.focal(outputs["label"], targets["label"])
    torch.testing.assert_close(own["label"], label)
    torch.testing.assert_close(both(outputs, targets), own["depth"] + label)


def test_a_mask_of_one_head_leaves_the_other_alone(heads):
    both, outputs, targets = heads
    known = torch.arange(12) > 3
    found = both.each(outputs, targets, mask={"depth": known})
    torch.testing.assert_close(found["depth"], F.l1_loss(outputs["depth"][known], targets["depth"][known]))
    torch.testing.assert_close(found["label"], both.each(outputs, targets)["label"])


def test_parts_of_heads_add_up(heads):
    both, outputs, targets = heads

    def rows(values, c):
        return {name: value[c] for name, value in values.items()}

    pieces = [both.parts(rows(outputs, c), rows(targets, c)) for c in (slice(0, 5), slice(5, 12))]
    summed = {n: tuple(a + b for a, b in zip(pieces[0][n], pieces[1][n])) for n in pieces[0]}
    torch.testing.assert_close(both.total(summed), both(outputs, targets))


def test_heads_feed_learned_weights(heads):
    both, outputs, targets = heads
    learned = weightings.UncertaintyWeighting(["regression", "classification"])
    own = both.each(outputs, targets)
    torch.testing.assert_close(learned(*own.values()), 0.5 * own["depth"] + own["label"])


def test_a_missing_head_and_no_head_are_refused(heads):
    both, outputs, targets = heads
    with pytest.raises(UsageError, match="Missing: label"):
        both({"depth": outputs["depth"]}, targets)
    with pytest.raises(UsageError, match="by the name of its output"):
        losses.Heads()
