"""losses.linear equals the loss of all logits, never holds them all, and keeps the contract."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.func import grad, hessian, vmap
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

import steepest.core.chunks
from steepest import losses
from steepest.core.errors import SteepestError

N, D, V = 30, 6, 11
HARD = [losses.cross_entropy, losses.focal]
SOFT = [losses.cross_entropy, losses.kl_div, losses.bce_with_logits, losses.mse]
names = {"ids": lambda item: item.name}


@pytest.fixture
def parts() -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Features, weight, bias, labels, sample weights."""
    draw = torch.Generator().manual_seed(0)
    x, w, b = (torch.randn(*s, generator=draw, dtype=torch.float64, requires_grad=True) for s in ((N, D), (V, D), (V,)))
    sample_weight = torch.rand(N, generator=draw, dtype=torch.float64)
    sample_weight[4] = 0
    return x, w, b, torch.randint(V, (N,), generator=draw), sample_weight


def same(ours: Tensor, theirs: Tensor, *leaves: Tensor) -> None:
    """Values and gradients agree to the rounding of float64 sums in another order."""
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-13)
    outer = torch.linspace(0.5, 2, ours.numel(), dtype=ours.dtype).reshape(ours.shape)
    pairs = zip(torch.autograd.grad(ours, leaves, outer), torch.autograd.grad(theirs, leaves, outer))
    for a, b in pairs:
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "sample", "batchmean"])
@pytest.mark.parametrize("loss", HARD, **names)
@pytest.mark.parametrize("chunk", [1, 7, 1000, "auto"])
def test_it_is_the_loss_of_all_logits(parts, loss, reduction, chunk):
    x, w, b, y, weight = parts
    options = {"mask": torch.arange(N) % 4 != 0, "class_weight": torch.arange(V).double(), "ignore_index": (3, 5)}
    for smoothing in (0.0, 0.1):
        ours = losses.linear(
            x,
            w,
            y,
            b,
            loss=loss,
            chunk=chunk,
            reduction=reduction,
            sample_weight=weight,
            label_smoothing=smoothing,
            **options,
        )
        theirs = loss(F.linear(x, w, b), y, reduction=reduction, weight=weight, label_smoothing=smoothing, **options)
        same(ours, theirs, x, w, b)


@pytest.mark.parametrize("loss", SOFT, **names)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_so_it_is_for_rows_of_targets(parts, loss, reduction):
    x, w, _, _, weight = parts
    y = torch.rand(N, V, generator=torch.Generator().manual_seed(1), dtype=torch.float64).softmax(1)
    same(
        losses.linear(x, w, y, loss=loss, chunk=7, reduction=reduction, sample_weight=weight),
        loss(F.linear(x, w), y, reduction=reduction, weight=weight), x, w,
    )  # fmt: skip


@pytest.mark.parametrize("normalize", ["weight", "count", "batch"])
def test_sequences_are_samples_of_several_items(parts, normalize):
    x, w, b, y, _ = parts
    texts, words = x.reshape(5, 6, D), y.reshape(5, 6)
    per_text = torch.tensor([1.0, 0.0, 2.0, 0.5, 1.0], dtype=torch.float64)
    for reduction in ("mean", "none", "sample", "batchmean"):
        theirs = losses.cross_entropy(
            F.linear(texts, w, b), words, dim=-1, weight=per_text, reduction=reduction, normalize=normalize
        )
        ours = losses.linear(
            texts, w, words, b, sample_weight=per_text, chunk=4, reduction=reduction, normalize=normalize
        )
        same(ours, theirs, x, w, b)


def test_z_loss_and_softcap_are_what_they_say(parts):
    x, w, b, y, weight = parts
    logits = 3 * torch.tanh(F.linear(x, w, b) / 3)
    nats = F.cross_entropy(logits, y, reduction="none") + 0.01 * logits.logsumexp(1) ** 2
    same(
        losses.linear(x, w, y, b, sample_weight=weight, z_loss=0.01, softcap=3.0, chunk=7),
        (nats * weight).sum() / weight.sum(),
        x,
        w,
        b,
    )


def test_a_batch_of_ignored_labels_gives_zero_and_gradients_of_zero(parts):
    x, w, b, y, _ = parts
    for options in (
        {"ignore_index": -100},
        {"mask": torch.zeros(N, dtype=torch.bool)},
        {"sample_weight": torch.zeros(N)},
    ):
        labels = torch.full_like(y, -100) if "ignore_index" in options else y
        value = losses.linear(x.detach().fill_(torch.nan).requires_grad_(), w, labels, b, **options)
        assert value == 0 and not any(g.any() for g in torch.autograd.grad(value, (w, b)))


def test_dead_rows_of_features_are_never_read(parts):
    x, w, b, y, _ = parts
    mask = torch.arange(N) % 3 != 0
    dirty = x.detach().clone()
    dirty[~mask] = torch.nan
    dirty.requires_grad_()
    value = losses.linear(dirty, w, y, b, mask=mask, chunk=7)
    found = torch.autograd.grad(value, (dirty, w, b))
    kept = losses.linear(x[mask], w, y[mask], b)
    expected = torch.autograd.grad(kept, (x, w, b))
    torch.testing.assert_close(value, kept, rtol=1e-12, atol=0)
    for a, c in zip(found, expected):
        torch.testing.assert_close(a, c, rtol=1e-12, atol=1e-14)


def test_parts_add_up_over_micro_batches(parts):
    x, w, b, y, weight = parts
    whole = losses.linear.parts(x, w, y, b, sample_weight=weight, ignore_index=3)
    cut = [
        losses.linear.parts(x[p], w, y[p], b, sample_weight=weight[p], ignore_index=3)
        for p in (slice(0, 4), slice(4, N))
    ]
    for k in (0, 1):
        torch.testing.assert_close(cut[0][k] + cut[1][k], whole[k], rtol=1e-12, atol=0)


def per_trial(x, w, b, y, weight, gamma):
    return losses.linear(x, w, y, b, loss=losses.focal, gamma=gamma, sample_weight=weight, chunk=7, ignore_index=3)


def at_once(x, w, b, y, weight, gamma):
    return losses.focal(F.linear(x, w, b), y, gamma=gamma, weight=weight, ignore_index=3)


HEADS = {
    "cross_entropy": (losses.cross_entropy, {}),
    "cross_entropy, soft": (losses.cross_entropy, {"soft": True}),
    "focal": (losses.focal, {"gamma": 1.5}),
    "poly": (losses.poly, {"epsilon": 2.0}),
    "kd": (losses.kd, {"temperature": 3.0, "soft": True}),
}
SAID = {
    "nothing": {},
    "weights": {"sample_weight": True},
    "mask": {"mask": True},
    "ignored labels": {"ignore_index": 3},
    "smoothing": {"label_smoothing": 0.1},
    "z-loss": {"z_loss": 0.02},
    "soft cap": {"softcap": 2.0},
    "all": {"sample_weight": True, "mask": True, "z_loss": 0.02, "softcap": 2.0},
}


def by_hand(loss, x, w, b, y, said, hyper):
    """All logits at once; z-loss and soft cap by their definitions."""
    said = dict(said)
    softcap, z_loss, weight = said.pop("softcap", None), said.pop("z_loss", 0.0), said.pop("sample_weight", None)
    logits = F.linear(x, w, b)
    logits = logits if softcap is None else softcap * torch.tanh(logits / softcap)
    counts = torch.ones(len(x), dtype=x.dtype) if weight is None else weight
    counts = counts * said["mask"] if "mask" in said else counts
    z = z_loss * (logits.logsumexp(1) ** 2 * counts).sum() / counts.sum()
    return loss(logits, y, weight=weight, **said, **hyper) + z


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("head", HEADS)
def test_every_head_takes_what_every_loss_takes_alone_and_for_trials(head, said):
    loss, hyper = HEADS[head]
    hyper, options = dict(hyper), dict(SAID[said])
    is_soft = hyper.pop("soft", False)
    if (is_soft and "ignore_index" in options) or (loss is losses.kd and "label_smoothing" in options):
        pytest.skip("soft targets have no label to ignore; a teacher is not smoothed")
    x, w, b, y, weight, _ = trials()
    y = torch.randn(3, N, V, generator=torch.Generator().manual_seed(5), dtype=x.dtype) if is_soft else y
    y = y.softmax(2) if is_soft and loss is not losses.kd else y
    given = {"sample_weight": weight[0], "mask": torch.arange(N) % 4 != 0}
    options = {name: given.get(name, value) for name, value in options.items()}

    def ours(x, w, b, y):
        return losses.linear(x, w, y, b, loss=loss, chunk=7, **options, **hyper)

    def theirs(x, w, b, y):
        return by_hand(loss, x, w, b, y, options, hyper)

    leaves = [t[0].clone().requires_grad_() for t in (x, w, b)]
    same(ours(*leaves, y[0]), theirs(*leaves, y[0]), *leaves)
    for found, expected in zip(*(vmap(grad(f, argnums=(0, 1, 2)))(x, w, b, y) for f in (ours, theirs))):
        torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-13)


def trials() -> tuple[Tensor, ...]:
    draw = torch.Generator().manual_seed(0)
    x, w, b, weight = (torch.rand(3, *s, generator=draw, dtype=torch.float64) for s in ((N, D), (V, D), (V,), (N,)))
    return x, w, b, torch.randint(V, (3, N), generator=draw), weight, torch.tensor([0.0, 1.0, 2.5], dtype=torch.float64)


def test_gradients_of_trials_are_made_by_chunks_and_equal_those_of_all_logits(monkeypatch):
    sizes = []
    plain = F.linear
    monkeypatch.setattr(steepest.core.chunks.F, "linear", lambda x, *rest: sizes.append(len(x)) or plain(x, *rest))
    found = vmap(grad(per_trial, argnums=(0, 1, 2)))(*trials())
    assert sizes == [6] * 5
    monkeypatch.undo()
    for a, b in zip(found, vmap(grad(at_once, argnums=(0, 1, 2)))(*trials())):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def test_other_derivatives_are_right_too():
    for k in (4, 5):  # of the sample weights and of gamma
        torch.testing.assert_close(
            vmap(grad(per_trial, k))(*trials()), vmap(grad(at_once, k))(*trials()), rtol=1e-12, atol=1e-14
        )
    one = [t[1] for t in trials()]
    torch.testing.assert_close(hessian(per_trial, 2)(*one), hessian(at_once, 2)(*one), rtol=1e-11, atol=1e-13)
    leaves = [t.clone().requires_grad_() for t in one[:3]]
    assert torch.autograd.gradgradcheck(lambda *p: per_trial(*p, *one[3:]), leaves)


def largest_tensor(call) -> int:
    """The greatest number of elements that an operation of the call made in fresh memory."""
    found = [0]

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            result = func(*args, **(kwargs or {}))
            found.extend(t.numel() for t in (result if isinstance(result, tuple) else (result,)) if torch.is_tensor(t))
            return result

    with Watch():
        call()
    return max(found)


@pytest.mark.parametrize("loss", HARD, **names)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_no_more_than_a_chunk_of_logits_exists(loss, reduction):
    x, w = torch.randn(96, 2, requires_grad=True), torch.randn(40, 2, requires_grad=True)
    y = torch.arange(96) % 40

    def step(chunk):
        losses.linear(x, w, y, loss=loss, chunk=chunk, reduction=reduction).sum().backward()

    assert largest_tensor(lambda: step(96)) == 96 * 40
    assert largest_tensor(lambda: step(7)) == 7 * 40


def test_halves_give_a_float32_loss_and_gradients_of_their_own_kind(parts):
    x, w, b, y, _ = (t.detach().bfloat16().requires_grad_() if t.is_floating_point() else t for t in parts)
    value = losses.linear(x, w, y, b, chunk=7)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, losses.cross_entropy(F.linear(x, w, b), y), rtol=1e-6, atol=0)
    assert all(g.dtype == torch.bfloat16 for g in torch.autograd.grad(value, (x, w, b)))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"input": torch.zeros(N, D + 1)}, "weight"),
        ({"weight": torch.zeros(D, V)}, "weight.T"),
        ({"target": torch.zeros(N + 1, dtype=torch.long)}, "target"),
        ({"target": torch.full((N,), V)}, f"{V} classes"),
        ({"bias": torch.zeros(V + 1)}, "bias"),
        ({"chunk": 0}, "chunk"),
        ({"loss": "focal"}, "losses.focal"),
        ({"z_loss": -1.0}, "z_loss"),
        ({"sample_weight": torch.ones(N + 1)}, "sample_weight"),
        ({"gama": 2.0}, "gama"),
    ],
)
def test_a_mistake_is_told_with_its_repair(change, told):
    good = {"input": torch.zeros(N, D), "weight": torch.zeros(V, D), "target": torch.zeros(N, dtype=torch.long)}
    with pytest.raises(SteepestError, match=told):
        losses.linear(**{**good, **change})
