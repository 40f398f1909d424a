"""What the losses say of their namesakes in other libraries, checked on numbers: torch and scikit-learn always, others where installed."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from steepest import losses

pytestmark = pytest.mark.filterwarnings("ignore")
D = torch.float64
DRAW = torch.Generator().manual_seed(0)
SCORES = torch.randn(6, 4, generator=DRAW, dtype=D)
LABELS = torch.randint(4, (6,), generator=DRAW)
ONE_HOT = functional.one_hot(LABELS, 4).to(D)
SHARES = SCORES.flip(0).softmax(1)
LOGITS = torch.randn(20, generator=DRAW, dtype=D)
BITS = (torch.rand(20, generator=DRAW) > 0.5).to(D)
NUMBERS, TARGETS = torch.randn(6, generator=DRAW, dtype=D), torch.rand(6, generator=DRAW, dtype=D) + 0.5
WEIGHTS = torch.rand(6, generator=DRAW, dtype=D)
MAP = torch.randn(1, 3, 6, 6, generator=DRAW, dtype=D)
PIXELS = torch.randint(3, (1, 6, 6), generator=DRAW)
UNIT = functional.normalize(torch.randn(8, 5, generator=DRAW, dtype=D))
PAIRED = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
CLAIMS: dict[tuple[str, str], tuple[str, object]] = {}


def says(loss: str, name: str, library: str = ""):
    """The function gives pairs (what the library computes, what ours is said to be); library: what must be installed."""

    def register(fn):
        CLAIMS[loss, name] = (library or name.partition(".")[0], fn)
        return fn

    return register


@says("huber", "torch.nn.functional.huber_loss")
def _(_):
    yield (
        functional.huber_loss(NUMBERS, TARGETS, weight=WEIGHTS),
        losses.huber(NUMBERS, TARGETS, weight=WEIGHTS, normalize="count"),
    )


@says("huber", "torch.nn.SmoothL1Loss")
def _(_):
    yield nn.SmoothL1Loss(beta=0.5)(NUMBERS, TARGETS), losses.huber(NUMBERS, TARGETS, delta=0.5) / 0.5


@says("mse", "torch.nn.MSELoss")
def _(_):
    yield functional.mse_loss(NUMBERS, TARGETS, weight=WEIGHTS), losses.mse(NUMBERS, TARGETS, weight=WEIGHTS)


@says("l1", "torch.nn.L1Loss")
def _(_):
    yield functional.l1_loss(NUMBERS, TARGETS, weight=WEIGHTS), losses.l1(NUMBERS, TARGETS, weight=WEIGHTS)


@says("smooth_l1", "torch.nn.SmoothL1Loss")
def _(_):
    yield nn.SmoothL1Loss(beta=0)(NUMBERS, TARGETS), losses.l1(NUMBERS, TARGETS)


@says("cross_entropy", "torch.nn.CrossEntropyLoss")
def _(_):
    w = torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=D)
    yield nn.CrossEntropyLoss(weight=w)(SCORES, LABELS), losses.cross_entropy(SCORES, LABELS, class_weight=w)
    soft = losses.cross_entropy(SCORES, SHARES, class_weight=w, reduction="sum") / 6
    yield nn.CrossEntropyLoss(weight=w)(SCORES, SHARES), soft
    yield nn.CrossEntropyLoss()(SCORES, LABELS * 0 - 100).isnan().to(D), torch.tensor(1.0)
    yield torch.tensor(0.0), losses.cross_entropy(SCORES, LABELS * 0 - 100, ignore_index=-100)


@says("kl_div", "torch.nn.KLDivLoss")
def _(_):
    ours = losses.kl_div(SCORES, SHARES)
    yield nn.KLDivLoss()(SCORES.log_softmax(1), SHARES), ours / 4
    yield nn.KLDivLoss(reduction="batchmean")(SCORES.log_softmax(1), SHARES), ours


@says("bce_with_logits", "torch.nn.BCEWithLogitsLoss")
def _(_):
    w = BITS + 0.5
    ours = losses.bce_with_logits(LOGITS, BITS, weight=w, normalize="count")
    yield nn.BCEWithLogitsLoss(weight=w)(LOGITS, BITS), ours
    assert nn.BCEWithLogitsLoss()(LOGITS, 2 * BITS).isfinite()


@says("poisson_nll", "torch.nn.PoissonNLLLoss")
def _(_):
    yield nn.PoissonNLLLoss(log_input=False)(TARGETS, TARGETS), losses.poisson_nll((TARGETS + 1e-8).log(), TARGETS)


@says("multi_margin", "torch.nn.MultiMarginLoss")
def _(_):
    w = torch.tensor([1.0, 2.0, 0.5, 3.0], dtype=D)
    yield (
        nn.MultiMarginLoss(weight=w)(SCORES, LABELS),
        losses.multi_margin(SCORES, LABELS, class_weight=w, reduction="sum") / 6,
    )


@says("gaussian_nll", "torch.nn.GaussianNLLLoss")
def _(_):
    both = torch.stack([NUMBERS, WEIGHTS.log()], 1)
    yield nn.GaussianNLLLoss()(NUMBERS, TARGETS, WEIGHTS), losses.gaussian_nll(both, TARGETS)


# -- scikit-learn --------------------------------------------------------------------------------------------------------


def deviance(loss, of):
    """Twice the difference to the loss of a perfect prediction."""
    return of(TARGETS.numpy(), NUMBERS.exp().numpy()), 2 * (loss(NUMBERS, TARGETS) - loss(TARGETS.log(), TARGETS))


@says("poisson_nll", "sklearn.metrics.mean_poisson_deviance")
def _(sklearn):
    yield deviance(losses.poisson_nll, sklearn.metrics.mean_poisson_deviance)


@says("gamma", "sklearn.metrics.mean_gamma_deviance")
def _(sklearn):
    yield deviance(losses.gamma, sklearn.metrics.mean_gamma_deviance)


@says("tweedie", "sklearn.metrics.mean_tweedie_deviance")
def _(sklearn):
    yield deviance(losses.tweedie, lambda y, m: sklearn.metrics.mean_tweedie_deviance(y, m, power=1.5))


@says("quantile", "sklearn.metrics.mean_pinball_loss")
def _(sklearn):
    yield sklearn.metrics.mean_pinball_loss(TARGETS, NUMBERS, alpha=0.3), losses.quantile(NUMBERS, TARGETS, tau=0.3)


@says("mape", "sklearn.metrics.mean_absolute_percentage_error")
def _(sklearn):
    yield sklearn.metrics.mean_absolute_percentage_error(TARGETS, NUMBERS), losses.mape(NUMBERS, TARGETS)


@says("msle", "sklearn.metrics.mean_squared_log_error")
def _(sklearn):
    yield sklearn.metrics.mean_squared_log_error(TARGETS, WEIGHTS), losses.msle(WEIGHTS, TARGETS)


# -- where installed -----------------------------------------------------------------------------------------------------


def keras_says(loss: str, name: str):
    return says(loss, f"keras.losses.{name}", "keras")


def by(made, y: Tensor, x: Tensor, **options) -> Tensor:
    return made(y, x, **options).detach()


@keras_says("focal", "CategoricalFocalCrossentropy")
def _(keras):
    yield (
        by(keras.losses.CategoricalFocalCrossentropy(from_logits=True), ONE_HOT, SCORES),
        losses.focal(SCORES, LABELS) / 4,
    )


@keras_says("sigmoid_focal", "BinaryFocalCrossentropy")
def _(keras):
    made = keras.losses.BinaryFocalCrossentropy
    yield by(made(from_logits=True), BITS, LOGITS), 2 * losses.sigmoid_focal(LOGITS, BITS, alpha=0.5)
    yield by(made(from_logits=True, apply_class_balancing=True), BITS, LOGITS), losses.sigmoid_focal(LOGITS, BITS)


@keras_says("bce_with_logits", "BinaryCrossentropy")
def _(keras):
    ours = losses.bce_with_logits(LOGITS, BITS, label_smoothing=0.1)
    yield by(keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), BITS, LOGITS), ours


@keras_says("gce", "CategoricalGeneralizedCrossEntropy")
def _(keras):
    yield (
        by(keras.losses.CategoricalGeneralizedCrossEntropy(), LABELS, SCORES.softmax(1)),
        losses.gce(SCORES, LABELS, q=0.5),
    )


@keras_says("mape", "MeanAbsolutePercentageError")
def _(keras):
    yield by(keras.losses.MeanAbsolutePercentageError(), TARGETS, NUMBERS), 100 * losses.mape(NUMBERS, TARGETS)


@keras_says("mse", "MeanSquaredError")
def _(keras):
    x, y = SCORES, SHARES
    each = losses.mse(x, y, reduction="none").mean(1)
    yield by(keras.losses.MeanSquaredError(), y, x, sample_weight=WEIGHTS), (WEIGHTS * each).mean()


@keras_says("kl_div", "KLDivergence")
def _(keras):
    yield by(keras.losses.KLDivergence(), SHARES, SCORES.softmax(1)), losses.kl_div(SCORES, SHARES)


@keras_says("log_cosh", "LogCosh")
def _(keras):
    yield by(keras.losses.LogCosh(), SHARES, SCORES), losses.log_cosh(SCORES, SHARES)


@keras_says("tversky", "Tversky")
def _(keras):
    y, p = ONE_HOT, SCORES.softmax(1)
    hit, missed, invented = (y * p).sum(), (y * (1 - p)).sum(), ((1 - y) * p).sum()
    yield by(keras.losses.Tversky(alpha=0.3, beta=0.7), y, p), 1 - hit / (hit + 0.3 * missed + 0.7 * invented)


@says("sigmoid_focal", "pytorch_optimizer FocalLoss", "pytorch_optimizer")
def _(peer):
    yield peer.loss.focal.FocalLoss()(LOGITS, BITS), 2 * losses.sigmoid_focal(LOGITS, BITS, alpha=0.5)


@says("ldam", "pytorch_optimizer LDAMLoss", "pytorch_optimizer")
def _(peer):
    counts = [10, 20, 30, 5]
    ours = losses.ldam(SCORES.float(), LABELS, class_counts=counts, scale=30.0)
    yield peer.loss.ldam.LDAMLoss(counts)(SCORES.float(), LABELS), ours


@says("dice", "monai.losses.DiceLoss", "monai.losses")
def _(peer):
    yield peer.DiceLoss(softmax=True, to_onehot_y=True)(MAP, PIXELS[:, None]), losses.dice(MAP, PIXELS, smooth=1e-5)


@says("tversky", "monai.losses.TverskyLoss", "monai.losses")
def _(peer):
    made = peer.TverskyLoss(softmax=True, to_onehot_y=True, alpha=0.3, beta=0.7)
    yield made(MAP, PIXELS[:, None]), losses.tversky(MAP, PIXELS, alpha=0.3, beta=0.7, smooth=1e-5)


@says("focal", "monai.losses.FocalLoss", "monai.losses")
def _(peer):
    yield peer.FocalLoss(use_softmax=True, to_onehot_y=True)(MAP, PIXELS[:, None]), losses.focal(MAP, PIXELS) / 3


@says("focal", "kornia.losses.focal_loss", "kornia.losses")
def _(peer):
    made = peer.focal_loss(SCORES[..., None, None], LABELS[:, None, None], alpha=None, reduction="mean")
    yield made, losses.focal(SCORES, LABELS) / 4


@says("supcon", "pytorch_metric_learning SupConLoss", "pytorch_metric_learning.losses")
def _(peer):
    yield peer.SupConLoss()(UNIT, PAIRED), losses.supcon(UNIT, PAIRED)


@says("arcface", "pytorch_metric_learning ArcFaceLoss", "pytorch_metric_learning.losses")
def _(peer):
    made = peer.ArcFaceLoss(4, 5).double()
    cosines = UNIT @ functional.normalize(made.W.detach(), dim=0)
    yield made(UNIT, PAIRED), losses.arcface(cosines, PAIRED, margin=math.radians(28.6))


@says("coral", "coral_pytorch coral_loss", "coral_pytorch.losses")
def _(peer):
    levels = (LABELS[:, None] > torch.arange(3)).to(D)
    yield peer.coral_loss(SCORES[:, :3], levels), losses.coral(SCORES[:, :3], LABELS)


@says("corn", "coral_pytorch corn_loss", "coral_pytorch.losses")
def _(peer):
    n_asked = (LABELS[:, None] >= torch.arange(3)).sum()
    ours = losses.corn(SCORES[:, :3], LABELS, reduction="sum") / n_asked
    yield peer.corn_loss(SCORES[:, :3], LABELS, num_classes=4), ours


@pytest.mark.parametrize(("loss", "name"), CLAIMS, ids=lambda part: part.replace(" ", "."))
def test_a_namesake_departs_as_it_is_said(loss, name, monkeypatch):
    assert name in losses[loss].differs
    library, claim = CLAIMS[loss, name]
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    peer = pytest.importorskip(library, exc_type=Exception)
    if library == "sklearn":
        pytest.importorskip("sklearn.metrics")
    for theirs, ours in claim(peer):
        assert float(ours) == pytest.approx(float(theirs), rel=1e-5)
