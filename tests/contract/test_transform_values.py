"""Transforms: each against a plain loop from its paper, with several rules; alone, and one set of numbers per trial."""

from __future__ import annotations

import copy
import inspect
import io

import numpy as np
import pytest
import torch
import transform_loops as loops
from torch import nn

import steepest as st
from steepest import optim, transforms
from steepest.core.calls import split_sum
from steepest.core.errors import DomainError, SteepestError, Unsupported, UsageError
from steepest.core.per_trial import PerTrial
from steepest.core.transform import uses_of
from steepest.core.trees import Layout
from steepest.optim.chain import Chain, Leaf, Link
from steepest.optim.stacked import StackedRule

ALL = list(transforms)
every_transform = pytest.mark.parametrize("transform", ALL, ids=[t.name for t in ALL])
RULES = {
    "sgd": (loops.sgd, lambda params, lr, **o: optim.SGD(params, lr=lr, **o)),
    "adam": (loops.adam, lambda params, lr, **o: optim.Adam(params, lr=lr, **o)),
}
SHAPES = ((3, 4), (5,), (2, 3, 2, 2), ())
N_STEPS = 60


def starts(seed=0):
    generator = np.random.default_rng(seed)
    return [generator.normal(size=shape) for shape in SHAPES]


def gradient(params, call):
    """Of a smooth loss that is no quadratic, with noise that depends on the call alone."""
    return [3 * np.sin(p) + 0.5 * p + 0.7 * np.cos(1.3 * call + np.arange(p.size)).reshape(p.shape) for p in params]


def rate(t):
    return 0.05 * (1 - 0.01 * t)


def settings(transform):
    """The defaults, and two more sets of numbers from the search ranges and the domains."""
    yield {}
    for i in range(2):
        found = {}
        for name, hyper in transform.hyper.items():
            values = hyper.search.grid(4)[1:3] if hyper.search else hyper.domain.allowed()[1:3]
            found[name] = values[i % len(values)]
        if found:
            yield found


def train(optimizer, params, n, first=1):
    for call in range(first, first + n):
        for group in optimizer.param_groups:
            group["lr"], group["initial_lr"] = rate(call), rate(1)

        def closure():
            for p, g in zip(params, gradient([p.detach().numpy() for p in params], call)):
                p.grad = torch.as_tensor(g)
            return torch.zeros(())

        closure()
        optimizer.step(closure)


def parameters(arrays):
    return [nn.Parameter(torch.as_tensor(a.copy())) for a in arrays]


CASES = [
    pytest.param(transform, hyper, rule, id=f"{transform.name} {i} {rule}")
    for transform in ALL
    for i, hyper in enumerate(settings(transform))
    for rule in RULES
]


@pytest.mark.parametrize(("transform", "hyper", "rule"), CASES)
def test_an_optimizer_with_the_transform_is_the_loop_of_its_paper(transform, hyper, rule):
    plain_rule, make = RULES[rule]
    full = {**{name: h.default for name, h in transform.hyper.items()}, **hyper}
    # a transform that waits steps at the rates of the calls at which it steps
    every = full.get("every", 1) if transform.name == "accumulate" else 1
    run = loops.Run(starts(), gradient, plain_rule(lambda t: rate(every * t)), lambda t: rate(every * t))
    run.peak = rate(1)
    wanted = getattr(loops, transform.name)(run, N_STEPS, **full)
    params = parameters(starts())
    optimizer = make(params, rate(1), transforms=[transform(**hyper)])
    train(optimizer, params, N_STEPS)
    for found, true in zip(params, wanted):
        # 1e-11: sixty steps of rounding; the step is recovered as a difference of weights
        assert found.detach().numpy() == pytest.approx(true, rel=1e-11, abs=1e-12)
    optimizer.eval()
    for found, true in zip(params, run.judged):
        assert found.detach().numpy() == pytest.approx(true, rel=1e-11, abs=1e-12)


def test_no_transform_is_without_a_loop_and_no_loop_without_a_transform():
    written = {
        name for name, fn in inspect.getmembers(loops, inspect.isfunction) if "run" in inspect.signature(fn).parameters
    }
    assert written == set(transforms.names())


@every_transform
def test_a_transform_changes_what_a_run_comes_to(transform):
    """A loop that did nothing would agree with a transform that does nothing."""
    runs = []
    for given in (None, [transform()]):
        params = parameters(starts())
        optimizer = optim.Adam(params, lr=0.05, transforms=given)
        train(optimizer, params, N_STEPS)
        optimizer.eval()
        runs.append(torch.cat([p.detach().flatten() for p in params]))
    assert not torch.allclose(runs[0], runs[1], rtol=1e-6, atol=0)


# -- torch's own ------------------------------------------------------------------------


def both_trained(ours, theirs, after_backward=lambda p: None, after_step=lambda t: None):
    params, others = parameters(starts()), parameters(starts())
    mine, torchs = ours(params), theirs(others)
    for call in range(1, 30):
        for group in (params, others):
            for p, g in zip(group, gradient([p.detach().numpy() for p in group], call)):
                p.grad = torch.as_tensor(g)
        mine.step()
        after_backward(others)
        torchs.step()
        after_step(others)
    return params, others, mine


@pytest.mark.parametrize(
    ("text", "clip"),
    [
        ("clip_norm(0.5)", lambda p: nn.utils.clip_grad_norm_(p, 0.5)),
        ("clip_value(0.3)", lambda p: nn.utils.clip_grad_value_(p, 0.3)),
    ],
)
def test_clipping_is_torchs(text, clip):
    ours, theirs, _ = both_trained(
        lambda p: optim.AdamW(p, lr=0.05, transforms=text), lambda p: torch.optim.AdamW(p, lr=0.05), clip
    )
    # 1e-13: torch takes the norm of the norms of the parameters, we the root of the sum of all squares
    assert all(torch.allclose(a, b, rtol=1e-13, atol=1e-15) for a, b in zip(ours, theirs))


def test_nesterov_on_plain_descent_is_torchs_sgd_with_it():
    ours, theirs, _ = both_trained(
        lambda p: optim.SGD(p, lr=0.05, transforms="nesterov(0.9)"),
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
    )
    assert all(torch.allclose(a, b, rtol=1e-12, atol=1e-14) for a, b in zip(ours, theirs))


def test_decays_are_torchs():
    for text, theirs in (
        ("decoupled_decay(0.1)", lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.1)),
        ("l2(0.1)", lambda p: torch.optim.Adam(p, lr=0.05, weight_decay=0.1)),
    ):
        ours, others, _ = both_trained(lambda p: optim.Adam(p, lr=0.05, transforms=text), theirs)
        assert all(torch.allclose(a, b, rtol=1e-12, atol=1e-14) for a, b in zip(ours, others))


@pytest.mark.parametrize(
    ("text", "mean", "tolerance"),
    [
        ("ema(0.95)", torch.optim.swa_utils.get_ema_multi_avg_fn(0.95), 1e-12),
        ("swa", torch.optim.swa_utils.get_swa_multi_avg_fn(), 1e-6),  # torch rounds 1 / n to float32
    ],
)
def test_means_are_those_of_torchs_averaged_model(text, mean, tolerance):
    averaged = {}

    def note(others):
        module = nn.ParameterList(others)
        if "model" not in averaged:
            averaged["model"] = torch.optim.swa_utils.AveragedModel(module, multi_avg_fn=mean)
        averaged["model"].update_parameters(module)

    ours, _, mine = both_trained(
        lambda p: optim.AdamW(p, lr=0.05, transforms=text), lambda p: torch.optim.AdamW(p, lr=0.05), after_step=note
    )
    mine.eval()
    for a, b in zip(ours, averaged["model"].parameters()):
        assert torch.allclose(a, b, rtol=tolerance, atol=tolerance / 10)


def test_the_correction_of_mars_before_adamw_is_the_rule_mars():
    hyper = {"lr": 0.05, "betas": (0.95, 0.99), "weight_decay": 0.01}
    ours, theirs, _ = both_trained(
        lambda p: optim.AdamW(p, transforms="mars_correction(0.025, 0.95)", **hyper),
        lambda p: optim.MARS(p, gamma=0.025, **hyper),
    )
    assert all(torch.allclose(a, b, rtol=1e-11, atol=1e-13) for a, b in zip(ours, theirs))


# -- every transform with every rule ------------------------------------------------------------------------

COMPOSING = [rule for rule in optim if not rule.solo_only and rule.name != "sparse_adam"]


@pytest.mark.parametrize("rule", COMPOSING, ids=[r.name for r in COMPOSING])
@every_transform
def test_every_transform_composes_with_every_rule_and_a_resumed_run_repeats_it(transform, rule):
    params = parameters(starts())
    make = getattr(optim, rule.class_name)
    optimizer = make(params, transforms=[transform])
    train(optimizer, params, 5)
    assert all(p.isfinite().all() for p in params)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    others = copy.deepcopy(params)
    resumed = make(others, transforms=[transform])
    resumed.load_state_dict(torch.load(file, weights_only=True))
    train(optimizer, params, 5, first=6)
    train(resumed, others, 5, first=6)
    assert all(torch.equal(a, b) for a, b in zip(params, others))


# -- one set of numbers per trial ------------------------------------------------------------------------


def stacked_run(transform, hypers, rule, n, spoil=None):
    """K trials under one chain, with their own numbers; the weights, and those that are judged."""
    k = len(hypers)
    shapes = [s or (1,) for s in SHAPES]
    layout = Layout(tuple((str(i), torch.Size(s)) for i, s in enumerate(shapes)))
    flat = torch.stack([torch.cat([torch.as_tensor(a).flatten() for a in starts(seed)]) for seed in range(k)])
    grads = torch.zeros_like(flat)
    stepper = StackedRule(optim[rule])
    stepper.init(flat, layout)
    full = [{**{n: h.default for n, h in transform.hyper.items()}, **hyper} for hyper in hypers]
    numbers = {
        name: full[0][name]
        if name in transform.counts
        else PerTrial(torch.tensor([f[name] for f in full], dtype=torch.float64))
        for name in transform.hyper
    }
    chain = Chain([Link(transform, numbers)])
    peak = PerTrial(torch.full((k,), rate(1), dtype=torch.float64))
    views, slopes = layout.views(flat), layout.views(grads)
    leaves = [Leaf(views[name], slopes[name], {}, peak, peak) for name in views]

    def fill(call):
        for trial in range(k):
            own = gradient([views[str(i)][trial].numpy().reshape(shape) for i, shape in enumerate(SHAPES)], call)
            for i, g in enumerate(own):
                slopes[str(i)][trial] = torch.as_tensor(g).reshape(shapes[i])
        if spoil is not None and call > 5:
            grads[spoil] = torch.nan

    for call in range(1, n + 1):
        fill(call)
        lr = torch.full((k,), rate(call), dtype=torch.float64)
        for leaf, name in zip(leaves, views):
            leaf.grad, leaf.lr = slopes[name], PerTrial(lr)
        if chain.looks_twice:
            before = flat.clone()
            chain.displace(leaves)
            fill(call)
            flat.copy_(before)
        if chain.begin(leaves):
            for leaf, name in zip(leaves, views):
                slopes[name].copy_(leaf.grad)
            stepper.step(flat, grads, lr)
            chain.finish(leaves)
    judged = [chain.evaluated(leaf.states) for leaf in leaves]
    return flat, None if judged[0] is None else torch.cat([j.flatten(1) for j in judged], 1)


def numbers_of_trials(transform, k):
    """k sets of numbers; counts are the same for all."""
    found = []
    for i in range(k):
        own = {}
        for name, hyper in transform.hyper.items():
            values = hyper.search.grid(k) if hyper.search else hyper.domain.allowed()
            own[name] = hyper.default if name in transform.counts else values[i % len(values)]
        found.append(own)
    return found


@every_transform
@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_a_population_with_a_number_per_trial_equals_its_solo_runs(transform, rule):
    hypers = numbers_of_trials(transform, 4)
    together, judged = stacked_run(transform, hypers, rule, 40)
    for trial, hyper in enumerate(hypers):
        params = parameters(starts(trial))
        optimizer = RULES[rule][1](params, rate(1), transforms=[transform(**hyper)])
        train(optimizer, params, 40)
        alone = torch.cat([p.detach().flatten() for p in params])
        assert torch.allclose(together[trial], alone, rtol=1e-12, atol=1e-13)
        if judged is not None:
            optimizer.eval()
            assert torch.allclose(
                judged[trial], torch.cat([p.detach().flatten() for p in params]), rtol=1e-12, atol=1e-13
            )


@every_transform
def test_a_diverging_trial_changes_no_bit_of_its_neighbours(transform):
    hypers = numbers_of_trials(transform, 4)
    sound, judged = stacked_run(transform, hypers, "adam", 20)
    spoilt, judged_too = stacked_run(transform, hypers, "adam", 20, spoil=2)
    others = [0, 1, 3]
    assert spoilt[2].isnan().any() and torch.equal(sound[others], spoilt[others])
    assert judged is None or torch.equal(judged[others], judged_too[others])


# -- order, words, refusals ------------------------------------------------------------------------


def test_transforms_of_the_gradient_act_in_the_order_in_which_they_are_asked_for():
    def run(text):
        params = parameters(starts())
        train(optim.SGD(params, lr=0.05, transforms=text), params, 8)
        return torch.cat([p.detach().flatten() for p in params])

    assert not torch.equal(run("clip_norm(0.1) + l2(1.0)"), run("l2(1.0) + clip_norm(0.1)"))
    assert not torch.equal(run("accumulate(2) + clip_norm(0.5)"), run("clip_norm(0.5) + accumulate(2)"))


def test_words_items_and_lists_ask_for_the_same():
    asked = [
        "clip_norm(1.0) + cautious",
        ["clip_norm(max_norm=1.0)", "cautious"],
        [transforms.clip_norm(1.0), transforms.cautious],
    ]
    assert len({repr(uses_of(one, transforms)) for one in asked}) == 1
    assert uses_of(None, transforms) == () and uses_of(transforms.ema(0.9), transforms)[0].text == "ema(decay=0.9)"
    assert split_sum("adamw(lr=1e+3) + cautious") == ["adamw(lr=1e+3)", "cautious"]
    for name in transforms.names():
        use = transforms[name]()
        assert uses_of(use.text, transforms) == (use,)


@pytest.mark.parametrize("name", ["LBFGS", "SparseAdam"])
def test_a_rule_without_single_dense_steps_refuses_transforms(name):
    with pytest.raises(Unsupported, match="runs without any"):
        getattr(optim, name)([torch.nn.Parameter(torch.ones(2))], transforms="clip_norm")


def test_what_makes_no_sense_is_refused():
    params = parameters(starts())
    for bad, error in (
        ("clip_nrom(1.0)", SteepestError),
        ("clip_norm(-1.0)", DomainError),
        ("clip_norm(1, 2)", UsageError),
        ("clip_norm(", UsageError),
        ("cautious + cautious", UsageError),
        ("l2 + decoupled_decay", UsageError),
        ([3], UsageError),
    ):
        with pytest.raises(error):
            optim.AdamW(params, transforms=bad)
    with pytest.raises(UsageError, match="decay twice"):
        optim.AdamW(params, weight_decay=0.1, transforms="cautious_decay(0.1)")
    with pytest.raises(Unsupported):
        optim.SparseAdam(params, transforms="clip_norm(1.0)")
    sam = optim.AdamW(params, transforms="sam")
    for p in params:
        p.grad = torch.ones_like(p)
    with pytest.raises(UsageError, match="closure"):
        sam.step()
    saved = optim.AdamW(params, transforms="clip_norm(1.0)").state_dict()
    with pytest.raises(UsageError, match="made with transforms 'clip_norm"):
        optim.AdamW(params).load_state_dict(saved)


def test_a_decaying_transform_obeys_the_groups():
    model = nn.Sequential(nn.Linear(3, 3), nn.LayerNorm(3)).double()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = optim.AdamW(st.groups(model), lr=0.1, transforms="decoupled_decay(0.5)")
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    for name, p in model.named_parameters():
        assert torch.allclose(p, (0.95 if name == "0.weight" else 1.0) * before[name], rtol=1e-12), name


def test_the_callers_gradients_stay_as_they_are_and_maximising_is_descent_on_the_negative():
    for text in transforms.names():
        params, others = parameters(starts()), parameters(starts())
        up = optim.AdamW(params, lr=0.05, maximize=True, transforms=text)
        down = optim.AdamW(others, lr=0.05, transforms=text)
        for call in range(1, 7):
            sides = []
            for group, sign in ((params, -1), (others, 1)):
                own = [sign * torch.as_tensor(g) for g in gradient([p.detach().numpy() for p in group], call)]
                for p, g in zip(group, own):
                    p.grad = g.clone()
                sides.append(own)
            if text == "sam":  # the closure leaves the gradient as it is
                up.step(lambda: 0)
                down.step(lambda: 0)
            else:
                up.step()
                down.step()
            assert all(torch.equal(p.grad, g) for p, g in zip(params, sides[0])), text
        assert all(torch.equal(a, b) for a, b in zip(params, others)), text


def test_a_copied_optimizer_keeps_its_transforms():
    params = parameters(starts())
    optimizer = optim.AdamW(params, lr=0.05, transforms="lookahead(2) + ema(0.5)")
    train(optimizer, params, 3)
    twin = copy.deepcopy(optimizer)
    others = twin.param_groups[0]["params"]
    train(optimizer, params, 4, first=4)
    train(twin, others, 4, first=4)
    assert all(torch.equal(a, b) for a, b in zip(params, others))
    before = [p.detach().clone() for p in params]
    optimizer.eval()
    assert not torch.equal(params[0], before[0])
    with pytest.raises(UsageError, match="weights for evaluation"):
        optimizer.step(lambda: 0)
    optimizer.train()
    assert all(torch.equal(a, b) for a, b in zip(params, before))
