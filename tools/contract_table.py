"""The table of losses x properties of the contract, each cell measured by a small probe that can fail; torch is scored too.

    python tools/contract_table.py [--only mse,focal] [--skip compile]

ok: tried and it holds. NO: tried and it does not. --: the loss does not offer it. An empty cell: it means nothing there.
Inputs are those of the contract tests. Beside each loss stand, where they exist, its twin in torch.nn and steepest.nn's class
of that name, which keeps torch's denominators; the function of torchvision.ops, called where torchvision is installed and
else written from its documentation ("rules"); and Keras's rules of weighting, written from their documentation and read on
the columns of weighting alone, because there the values of the rows are ours.
Exit code 1 when one of our losses has a cell that is not ok.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "contract")]

import loss_cases as cases  # noqa: E402

from steepest.core.loss import Loss  # noqa: E402
from steepest.core.progress import Bar, Silent  # noqa: E402

N = 6
HUGE = 1e4


class NotOffered(Exception):
    """The subject has no such option."""


@dataclass(frozen=True)
class Subject:
    """Something that is scored: `call(x, y, **options)` under the contract's names; like: our loss whose inputs it takes."""

    name: str
    like: Loss
    call: Callable[..., Tensor]
    is_ours: bool = False
    parts: Callable[..., tuple[Tensor, Tensor]] | None = None
    columns: tuple[str, ...] | None = None
    """The columns on which it can be read; all where nothing is said."""

    def batch(self, dtype: torch.dtype = torch.float64, seed: int = 0) -> tuple[Tensor, Tensor | None]:
        return cases.batch(self.like, N, (), dtype, seed)

    def slope(self, x: Tensor, y: Any, **options: Any) -> tuple[Tensor, Tensor]:
        leaf = x.detach().clone().requires_grad_()
        value = self.call(leaf, y, **options)
        (gradient,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach(), gradient


# -- probes: True where the property holds, None where it means nothing ---------------------------------------------------


def same(a: Tensor, b: Tensor, rtol: float = 1e-10) -> bool:
    return a.shape == b.shape and bool(torch.allclose(a, b, rtol=rtol, atol=rtol))


KEPT = torch.tensor([0, 2, 3, 5])


def _keeps(subject: Subject, **options: Any) -> bool:
    """With these options a batch of six is the batch of its rows 0, 2, 3, 5: value and gradient."""
    x, y = subject.batch()
    value, gradient = subject.slope(x, y, **options)
    alone, own = subject.slope(x[KEPT], cases.take(y, KEPT))
    dead = [i for i in range(N) if i not in KEPT.tolist()]
    return same(value, alone) and same(gradient[KEPT], own) and not bool(gradient[dead].any())


def weight(subject: Subject) -> bool:
    """0 removes a row, 2 is the row twice (where rows do not see each other), a common factor changes nothing."""
    x, y = subject.batch()
    w = torch.tensor([2.0, 1, 2, 1, 1, 1], dtype=x.dtype)
    twice = torch.tensor([0, 0, 1, 2, 2, 3, 4, 5])
    doubled = subject.like.target.is_coupled or same(
        subject.call(x, y, weight=w), subject.call(x[twice], cases.take(y, twice))
    )
    scaled = same(subject.call(x, y, weight=w), subject.call(x, y, weight=5 * w))
    return doubled and scaled and _keeps(subject, weight=torch.zeros(N, dtype=x.dtype).index_fill(0, KEPT, 1.0))


def mask(subject: Subject) -> bool:
    return _keeps(subject, mask=torch.zeros(N, dtype=torch.bool).index_fill(0, KEPT, True))


def ignore(subject: Subject) -> bool | None:
    """Two rows whose target is -100 are left out."""
    x, y = subject.batch()
    if y is None:
        return None
    dead = torch.tensor([1, 4])
    marked = y.clone()
    marked[dead] = -100
    value, gradient = subject.slope(x, marked, ignore_index=-100)
    alone, own = subject.slope(x[KEPT], y[KEPT])
    return same(value, alone) and same(gradient[KEPT], own) and not bool(gradient[dead].any())


def class_weight(subject: Subject) -> bool | None:
    """Each row, or each class of a map, times the weight of its class, over the sum of these weights."""
    kind = subject.like.target
    if kind.name not in ("classes", "ordinal", "regions") or not getattr(kind, "is_per_class", True):
        return None
    x, y = subject.batch()
    assert y is not None
    per_class = torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=x.dtype)
    if kind.name == "regions":
        each = subject.call(x, y, reduction="none")
        is_there = cases.one_hot(y).flatten(2).any(2) if getattr(kind, "needs_pixels") else torch.ones_like(each)
        w = per_class * is_there
        return same(subject.call(x, y, class_weight=per_class), (w * each).sum() / w.sum())
    each = torch.stack([subject.call(x[i : i + 1], y[i : i + 1]) for i in range(N)])
    w = per_class[y]
    return same(subject.call(x, y, class_weight=per_class), (w * each).sum() / w.sum())


def smoothing(subject: Subject) -> bool | None:
    """The loss of the smoothed target: a mixture over classes, a label moved towards one half, a pixel's shares towards even."""
    kind, s = subject.like.target.name, 0.2
    if kind not in ("classes", "binary", "distribution", "regions"):
        return None
    x, y = subject.batch()
    assert y is not None
    found = subject.call(x, y, label_smoothing=s)
    if kind == "classes":
        even = sum(subject.call(x, torch.full_like(y, c)) for c in range(cases.CLASSES)) / cases.CLASSES
        return same(found, (1 - s) * subject.call(x, y) + s * even)
    y = cases.one_hot(y) if kind == "regions" else y
    even = 0.5 if kind == "binary" else 1 / y.shape[1]
    return same(found, subject.call(x, (1 - s) * y + s * even))


def soft_targets(subject: Subject) -> bool | None:
    """A row of probabilities with a single 1 is the label, with class weights too where there are any."""
    kind = subject.like.target
    if kind.name not in ("classes", "regions"):
        return None
    x, y = subject.batch()
    assert y is not None
    one_hot = cases.one_hot(y, x.dtype)
    weighted = {"class_weight": torch.tensor([0.5, 1.0, 2.0, 4.0], dtype=x.dtype)}
    options = [{}, weighted] if getattr(kind, "is_per_class", True) else [{}]
    try:
        hard = [subject.call(x, y, **o) for o in options]
    except NotOffered:
        options, hard = options[:1], [subject.call(x, y)]
    return all(same(subject.call(x, one_hot, **o), h) for o, h in zip(options, hard))


def none(subject: Subject) -> bool:
    """One number per item, which add up to the sum."""
    x, y = subject.batch()
    each = subject.call(x, y, reduction="none")
    return tuple(each.shape) == tuple(cases.item_shape(subject.like, x)) and same(
        each.sum(), subject.call(x, y, reduction="sum")
    )


def mean(subject: Subject) -> bool:
    """The sum over the number of items that count: all, but where one may lack the partners or pixels that it needs."""
    x, y = subject.batch()
    return same(subject.call(x, y), subject.call(x, y, reduction="sum") / _number_of_items(subject, x, y))


def _number_of_items(subject: Subject, x: Tensor, y: Any) -> Tensor | int:
    loss, start = subject.like, cases.defaults(subject.like)
    may_lack = loss.target.name in cases.UNLIKE
    return loss.parts(x, y, **start)[1] if may_lack else loss(x, y, reduction="none", **start).numel()


def total(subject: Subject) -> bool:
    """The sum over all rows is that of both halves, where rows do not see each other; else it is that of the items."""
    x, y = subject.batch()
    whole = subject.call(x, y, reduction="sum")
    if subject.like.target.is_coupled:
        return same(whole, subject.call(x, y, reduction="none").sum())
    halves = [subject.call(x[h], cases.take(y, h), reduction="sum") for h in (slice(0, 2), slice(2, N))]
    return same(whole, halves[0] + halves[1])


def sample(subject: Subject) -> bool:
    """Each row's own mean."""
    x, y = subject.batch()
    own = subject.call(x, y, reduction="sample")
    if subject.like.target.is_coupled:
        return same(own, subject.call(x, y, reduction="none"))
    return same(own, torch.stack([subject.call(x[i : i + 1], y[i : i + 1]) for i in range(N)]))


def batchmean(subject: Subject) -> bool:
    x, y = subject.batch()
    return same(subject.call(x, y, reduction="batchmean"), subject.call(x, y, reduction="sum") / N)


def parts(subject: Subject) -> bool | None:
    """Numerators and denominators of micro-batches add up to those of the batch, with weights too."""
    if subject.like.target.is_coupled:
        return None
    if subject.parts is None:
        raise NotOffered
    x, y = subject.batch()
    w = torch.tensor([2.0, 1, 0, 1, 3, 1], dtype=x.dtype)
    whole = subject.parts(x, y, weight=w)
    cuts = [slice(0, 1), slice(1, 4), slice(4, N)]
    pieces = [subject.parts(x[cut], cases.take(y, cut), weight=w[cut]) for cut in cuts]
    return all(
        same(total, torch.stack([piece[i] for piece in pieces]).sum()) for i, total in enumerate(whole)
    ) and same(whole[0] / whole[1], subject.call(x, y, weight=w))


def normalize(subject: Subject) -> bool:
    """The weighted sum over the number of items, of samples, or any number that is given."""
    x, y = subject.batch()
    w = torch.tensor([2.0, 1, 3, 1, 3, 1], dtype=x.dtype)
    weighted = subject.call(x, y, weight=w, reduction="sum")
    found = [
        subject.call(x, y, weight=w, normalize="batch") * N,
        subject.call(x, y, weight=w, denominator=8.0) * 8,
        subject.call(x, y, weight=w, normalize="count") * _number_of_items(subject, x, y),
    ]
    return all(same(value, weighted) for value in found)


def empty(subject: Subject) -> bool:
    """No rows, or none that counts: value 0, gradient 0."""
    x, y = subject.batch()
    tries: list[tuple[Tensor, Any, dict[str, Any]]] = [(x[:0], cases.take(y, slice(0)), {})]
    tries += [(x, y, {"mask": torch.zeros(N, dtype=torch.bool)})]
    for xs, ys, options in tries:
        try:
            value, gradient = subject.slope(xs, ys, **options)
        except NotOffered:
            continue
        if bool(value != 0) or bool((gradient != 0).any()):
            return False
    return True


def nan_under_mask(subject: Subject) -> bool:
    """NaN where a row is masked, or has weight 0, changes no bit."""
    x, y = subject.batch()
    alive = torch.zeros(N, dtype=torch.bool).index_fill(0, KEPT, True)
    spoiled = x.clone()
    spoiled[~alive] = torch.nan
    for options in ({"mask": alive}, {"weight": alive.to(x.dtype)}):
        clean, dirty = (subject.slope(z, y, **options) for z in (x, spoiled))
        if not (torch.equal(clean[0], dirty[0]) and torch.equal(clean[1], dirty[1])):
            return False
    return True


def shapes(subject: Subject) -> bool | None:
    """A target with an axis too many is refused; a warning is no refusal."""
    x, y = subject.batch()
    return None if y is None else _refuses(lambda: subject.call(x, y.unsqueeze(-1)))


WRONG = {"classes": 99, "ordinal": 99, "regions": 99, "sequence": 99, "binary": 2.0, "multilabel": 2.0}


def labels(subject: Subject) -> bool | None:
    """A label out of range is refused by name."""
    wrong = WRONG.get(subject.like.target.name)
    if wrong is None:
        return None
    x, y = subject.batch()
    assert y is not None
    y = y.clone()
    y.flatten()[3] = wrong
    return _refuses(lambda: subject.call(x, y), named=f"{wrong:g}")


def _refuses(call: Callable[[], Tensor], named: str = "") -> bool:
    try:
        call()
    except NotOffered:
        raise
    except Exception as error:
        return named in str(error)
    return False


OF_EACH_LOGIT = ("binary", "multilabel", "ordinal")


def from_probs(subject: Subject) -> bool | None:
    """Probabilities give what their logits give, where logits are expected."""
    if subject.like.expects not in ("logits", "log_probs"):
        return None
    x, y = subject.batch()
    p = x.sigmoid() if subject.like.target.name in OF_EACH_LOGIT else x.softmax(1)
    return same(subject.call(p, y, from_probs=True), subject.call(x, y))


def _trials(subject: Subject) -> tuple[Tensor, Tensor | None]:
    pairs = [subject.batch(seed=k) for k in range(3)]
    xs = torch.stack([x for x, _ in pairs])
    return xs, None if pairs[0][1] is None else torch.stack([y for _, y in pairs if y is not None])


def vmap(subject: Subject) -> bool:
    """Gradients of three trials at once are those of one after another; torch's slow fallback counts as failure."""
    xs, ys = _trials(subject)

    def slope(x: Tensor, y: Any) -> Tensor:
        return torch.func.grad(lambda z: subject.call(z, y))(x)

    at_once = torch.vmap(slope, in_dims=(0, None if ys is None else 0))(xs, ys)
    return same(at_once, torch.stack([slope(x, None if ys is None else ys[k]) for k, x in enumerate(xs)]))


def hyper_per_trial(subject: Subject) -> bool | None:
    """One value of each number per trial, at once and one after another."""
    names = cases.numbers_of(subject.like)
    if not names:
        return None
    x, y = subject.batch()
    for name in names:
        allowed = subject.like.hyper[name].domain.allowed()[:3]
        at_once = torch.vmap(lambda v: subject.call(x, y, **{name: v}))(torch.tensor(allowed, dtype=x.dtype))
        if not same(at_once, torch.stack([subject.call(x, y, **{name: v}) for v in allowed])):
            return False
    return True


def jvp(subject: Subject) -> bool:
    """The forward derivative is the gradient along the direction."""
    x, y = subject.batch()
    direction = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(2))
    _, forward = torch.func.jvp(lambda z: subject.call(z, y), (x,), (direction,))
    return same(forward, (subject.slope(x, y)[1] * direction).sum())


def jacrev(subject: Subject) -> bool:
    """The Jacobian of the rows is their gradients, one row at a time."""
    x, y = subject.batch()
    found = torch.func.jacrev(lambda z: subject.call(z, y, reduction="sum").reshape(1))(x)[0]
    return same(found, subject.slope(x, y, reduction="sum")[1])


def compiled(subject: Subject) -> bool:
    """In one graph, and equal to eager."""
    x, y = subject.batch(torch.float32)
    torch._dynamo.reset()
    function = torch.compile(lambda z, t: subject.call(z, t), fullgraph=True, backend="aot_eager")
    return same(function(x, y), subject.call(x, y), rtol=1e-5)


def half(subject: Subject) -> bool:
    """float16 and bfloat16 numbers of the size of 10,000 give a finite float32 value, and a gradient that is finite in float32."""
    for dtype in (torch.float16, torch.bfloat16):
        x, y = subject.batch(dtype)
        large = cases.as_input(subject.like, x.sign().float() * HUGE).to(dtype)
        value = subject.call(large, y)
        wide = y.float() if y is not None and y.is_floating_point() else y
        gradient = subject.slope(large.float(), wide)[1]
        if value.dtype != torch.float32 or not bool(value.isfinite()) or not bool(gradient.isfinite().all()):
            return False
    return True


def deterministic(subject: Subject) -> bool:
    x, y = subject.batch(torch.float32)
    first, second = subject.slope(x, y), subject.slope(x, y)
    return torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])


PROBES: dict[str, Callable[[Subject], bool | None]] = {
    "weight": weight,
    "mask": mask,
    "ignore": ignore,
    "class weight": class_weight,
    "smoothing": smoothing,
    "soft": soft_targets,
    "none": none,
    "mean": mean,
    "sum": total,
    "sample": sample,
    "batchmean": batchmean,
    "parts": parts,
    "normalize": normalize,
    "empty": empty,
    "NaN masked": nan_under_mask,
    "shapes": shapes,
    "labels": labels,
    "from_probs": from_probs,
    "vmap": vmap,
    "hyper/trial": hyper_per_trial,
    "jvp": jvp,
    "jacrev": jacrev,
    "compile": compiled,
    "half": half,
    "determin.": deterministic,
}


@dataclass(frozen=True)
class Cell:
    """mark: ok, NO, --, or nothing; why: what came instead."""

    mark: str
    why: str = ""


def measure(subject: Subject, probe: Callable[[Subject], bool | None]) -> Cell:
    """One cell; warnings of torch's slow fallback are errors here."""
    torch._C._debug_only_display_vmap_fallback_warnings(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message=".*performance drop.*")
            holds = probe(subject)
    except NotOffered:
        return Cell("--")
    except Exception as error:
        return Cell("NO", f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}")
    finally:
        torch._C._debug_only_display_vmap_fallback_warnings(False)
    return Cell("") if holds is None else Cell("ok") if holds else Cell("NO", "the values differ")


# -- subjects ----------------------------------------------------------------------------------------------------------------


def ours(loss: Loss) -> Subject:
    start = cases.defaults(loss)

    def parts_of(x: Tensor, y: Any, **options: Any) -> tuple[Tensor, Tensor]:
        return loss.parts(x, y, **{**start, **options})

    return Subject(loss.name, loss, lambda x, y, **o: loss(x, y, **{**start, **o}), is_ours=True, parts=parts_of)


AT_CONSTRUCTION = {"class_weight": "weight", "ignore_index": "ignore_index", "label_smoothing": "label_smoothing"}
MORE_TWINS = {"MultiMarginLoss": "multi_margin"}
"""Classes of torch whose values are another scale or a special case of ours, so they are not declared as twins."""


def of_modules(package: str, name: str, like: Loss) -> Subject:
    """A loss class: options of the contract go where the class takes them; `weight=` and `mask=` at the call, if anywhere."""
    made = getattr(importlib.import_module(package), name)
    known, at_call = inspect.signature(made).parameters, inspect.signature(made.forward).parameters

    def call(x: Tensor, y: Any, *, reduction: str = "mean", **options: Any) -> Tensor:
        if reduction not in ("none", "mean", "sum") and not (reduction == "batchmean" and name == "KLDivLoss"):
            raise NotOffered
        at_construction = {k: v for k, v in like.equals_with.items() if k != "reduction"}
        given = {}
        for option, value in options.items():
            place = AT_CONSTRUCTION.get(option, option)
            if option in ("weight", "mask"):
                if option not in at_call:
                    raise NotOffered
                given[option] = value
            elif place not in known or (option == "class_weight" and like.target.name != "classes"):
                raise NotOffered
            else:
                at_construction[place] = value
        module = made(reduction=reduction, **at_construction)
        return module(like.equals_input(x) if like.equals_input else x, y, **given)

    return Subject(f"{package}.{name}", like, call)


KERAS = {
    "mse": "MeanSquaredError",
    "l1": "MeanAbsoluteError",
    "huber": "Huber",
    "log_cosh": "LogCosh",
    "mape": "MeanAbsolutePercentageError",
    "msle": "MeanSquaredLogarithmicError",
    "cross_entropy": "CategoricalCrossentropy",
    "focal": "CategoricalFocalCrossentropy",
    "bce_with_logits": "BinaryCrossentropy",
    "sigmoid_focal": "BinaryFocalCrossentropy",
    "kl_div": "KLDivergence",
    "gce": "CategoricalGeneralizedCrossEntropy",
    "categorical_hinge": "CategoricalHinge",
    "ctc": "CTC",
}
SMOOTHED = ("cross_entropy", "focal", "bce_with_logits", "sigmoid_focal")
WEIGHTING = (
    *("weight", "mask", "ignore", "class weight", "smoothing", "none", "mean", "sum", "sample", "batchmean"),
    *("parts", "normalize", "empty", "NaN masked"),
)


def keras_rules(like: Loss) -> Subject:
    """sum(w * l) / sum(w), or 0 where that is 0; a mask multiplies the weights. The values per row are ours.

    As keras.losses.Loss documents sample_weight, the mask and reduction="mean_with_sample_weight"; class weights belong to
    fit there, labels that are left out (ignore_class) to the sparse cross-entropy.
    """
    start = cases.defaults(like)

    def call(
        x: Tensor, y: Any, *, reduction: str = "mean", weight: Any = None, mask: Any = None, **options: Any
    ) -> Tensor:
        if reduction not in ("none", "mean", "sum"):
            raise NotOffered
        if options.keys() - {*(["label_smoothing"] if like.name in SMOOTHED else []), *_ignores(like)}:
            raise NotOffered
        left_out = options.pop("ignore_index", None)
        if left_out is not None:
            counts = y != left_out
            x, y = torch.where(counts.unsqueeze(1), x, 0.0), torch.where(counts, y, 0)
            mask = counts if mask is None else mask & counts
        values = like(x, y, reduction="none", **{**start, **options})
        w = torch.ones_like(values) if weight is None else weight.to(values.dtype)
        w = w if mask is None else w * mask
        values = values * w
        if reduction != "mean":
            return values if reduction == "none" else values.sum()
        return values.sum() / torch.where(w.sum() == 0, 1.0, w.sum())

    return Subject(f"keras rules, {KERAS[like.name]}", like, call, columns=WEIGHTING)


def _ignores(like: Loss) -> list[str]:
    return ["ignore_index"] if like.name == "cross_entropy" else []


TORCHVISION = {
    "sigmoid_focal": "sigmoid_focal_loss",
    "giou": "generalized_box_iou_loss",
    "diou": "distance_box_iou_loss",
    "ciou": "complete_box_iou_loss",
}


def torchvision_ops(like: Loss) -> Subject:
    """The function (input, target, reduction=, and alpha and gamma of the focal loss); it has no other options."""
    name = TORCHVISION[like.name]
    try:
        function, kind = getattr(importlib.import_module("torchvision.ops"), name), "torchvision.ops."
    except Exception:  # absent, or built for another torch: then it does not even import
        function, kind = DOCUMENTED[like.name], "torchvision rules, "

    def call(x: Tensor, y: Any, *, reduction: str = "mean", **options: Any) -> Tensor:
        if reduction not in ("none", "mean", "sum") or options.keys() - like.hyper.keys():
            raise NotOffered
        return function(x, y, reduction=reduction, **options)

    return Subject(f"{kind}{name}", like, call)


def _reduced(values: Tensor, reduction: str) -> Tensor:
    return values if reduction == "none" else values.mean() if reduction == "mean" else values.sum()


def documented_focal(x: Tensor, y: Tensor, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "none") -> Tensor:
    """alpha_t (1 - p_t)^gamma times the binary cross-entropy; alpha in [0, 1], or -1 for no such factor."""
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(f"alpha {alpha}")
    nats = torch.nn.functional.binary_cross_entropy_with_logits(x, y, reduction="none")
    right = x.sigmoid() * y + (1 - x.sigmoid()) * (1 - y)
    values = nats * (1 - right) ** gamma
    return _reduced(values * (alpha * y + (1 - alpha) * (1 - y)) if alpha >= 0 else values, reduction)


def documented_boxes(extra: str) -> Callable[..., Tensor]:
    """One minus intersection over union, plus a share of the hull that is empty, or the distance of the centres."""

    def function(a: Tensor, b: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
        a, b = (box.float() if box.dtype in (torch.float16, torch.bfloat16) else box for box in (a, b))
        (ax, ay, ar, ab), (bx, by, br, bb) = a.unbind(-1), b.unbind(-1)
        common = (torch.min(ar, br) - torch.max(ax, bx)).clamp(min=0) * (torch.min(ab, bb) - torch.max(ay, by)).clamp(
            min=0
        )
        union = (ar - ax) * (ab - ay) + (br - bx) * (bb - by) - common
        share = common / (union + eps)
        wide, high = torch.max(ar, br) - torch.min(ax, bx), torch.max(ab, bb) - torch.min(ay, by)
        if extra == "hull":
            return _reduced(1 - share + (wide * high - union) / (wide * high + eps), reduction)
        apart = ((ax + ar - bx - br) / 2) ** 2 + ((ay + ab - by - bb) / 2) ** 2
        values = 1 - share + apart / (wide**2 + high**2 + eps)
        if extra == "shape":
            turn = torch.atan((br - bx) / (bb - by)) - torch.atan((ar - ax) / (ab - ay))
            unlike = 4 / torch.pi**2 * turn**2
            values = values + (unlike / (1 - share + unlike + eps)).detach() * unlike
        return _reduced(values, reduction)

    return function


DOCUMENTED: dict[str, Callable[..., Tensor]] = {
    "sigmoid_focal": documented_focal,
    "giou": documented_boxes("hull"),
    "diou": documented_boxes("centres"),
    "ciou": documented_boxes("shape"),
}


def subjects(only: Sequence[str] = ()) -> Iterator[Subject]:
    """Every loss, each followed by its twins."""
    named = {name: twin for twin, name in MORE_TWINS.items()}
    for loss in cases.LOSSES:
        if only and loss.name not in only:
            continue
        yield ours(loss)
        twin = (loss.equals or named.get(loss.name, "")).rpartition(".")[2]
        if twin and (loss.equals is None or loss.equals.startswith("torch.nn.")):
            yield of_modules("torch.nn", twin, loss)
            yield of_modules("steepest.nn", twin, loss)
        if loss.name in TORCHVISION:
            yield torchvision_ops(loss)
        if loss.name in KERAS:
            yield keras_rules(loss)


# -- the table -----------------------------------------------------------------------------------------------------------------


def table(found: Sequence[Subject], columns: Sequence[str], bar: Any = None) -> dict[str, dict[str, Cell]]:
    """Every cell, row by row."""
    bar = bar or Silent()
    bar.start(len(found), f"{len(found)} losses x {len(columns)} properties")
    rows: dict[str, dict[str, Cell]] = {}
    try:
        for subject in found:
            read = columns if subject.columns is None else [c for c in columns if c in subject.columns]
            rows[subject.name] = {c: measure(subject, PROBES[c]) if c in read else Cell("") for c in columns}
            bar.advance(1)
    finally:
        bar.stop()
    return rows


def printed(rows: dict[str, dict[str, Cell]], columns: Sequence[str]) -> str:
    width = max(len(name) for name in rows)
    widths = [max(len(column), 2) for column in columns]
    lines = ["  ".join(["".ljust(width), *(c.ljust(w) for c, w in zip(columns, widths))])]
    for name, cells in rows.items():
        lines.append(
            "  ".join([name.ljust(width), *(cells[c].mark.ljust(w) for c, w in zip(columns, widths))]).rstrip()
        )
    return "\n".join(lines)


def summary(rows: dict[str, dict[str, Cell]], found: Sequence[Subject]) -> str:
    """Of the cells that mean something: how many hold, by family."""
    lines = []
    families = {"Steepest": [s.name for s in found if s.is_ours]}
    for family in ("torch.nn", "steepest.nn", "torchvision", "keras rules"):
        families[family] = [s.name for s in found if s.name.startswith(family)]
    for family, names in families.items():
        marks = [cell.mark for name in names for cell in rows[name].values() if cell.mark]
        if marks:
            held, failed, missing = (marks.count(mark) for mark in ("ok", "NO", "--"))
            lines.append(f"{family}: {held} of {len(marks)} hold, {failed} fail, {missing} not offered")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="names of losses, with commas")
    parser.add_argument("--skip", default="", help="columns to leave out, with commas: compile takes most of the time")
    asked = parser.parse_args(arguments)
    found = list(subjects([name for name in asked.only.split(",") if name]))
    columns = [c for c in PROBES if c not in asked.skip.split(",")]
    rows = table(found, columns, Bar())
    print(printed(rows, columns), "", summary(rows, found), sep="\n")
    mine = [(s.name, column, rows[s.name][column]) for s in found if s.is_ours for column in columns]
    broken = [each for each in mine if each[2].mark in ("NO", "--")]
    for name, column, cell in broken:
        print(f"{name}, {column}: {cell.why or 'not offered'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
