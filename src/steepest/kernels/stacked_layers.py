"""Layers for K models at once: x (K, N, *) and weights (K, *) in, (K, N, *) out, faster than vmap's own forms.

A form is made from a module and the names of its tensors, and is called with the run that holds the K models' tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import images
from .norms import batch_norm_of_models


class Run(Protocol):
    """What a stacked forward pass can reach: the K models' tensors by name, and the masks of dropout."""

    tensors: Mapping[str, Tensor]
    is_training: bool

    def drop(self, kind: str, x: Tensor, p: float) -> Tensor:
        """Dropout of x (K, N, *) with this step's masks."""
        ...


Form = Callable[..., Any]
"""(run, x (K, N, *)) -> (K, N, *); more of a call's arguments may follow."""
Names = Mapping[str, str]
"""A module's own tensor names ("weight") -> the names under which the run holds them; None-valued ones are absent."""


# -- matrices --------------------------------------------------------------------------------------------------------


def stacked_linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x (K, N, *, I), weight (K, O, I), bias (K, O) -> (K, N, *, O).

    In memory the result of (K, N, I) is (K, O, N). So the gradient of the weight comes out as (K, O, I), as it lies in
    its flat row, and a softmax over O runs along memory: 1.75 -> 1.21 ms for 32 x 64-64-64-10 (bench/population.py).
    """
    if x.dim() == 3:
        columns = x.transpose(1, 2)
        out = torch.bmm(weight, columns) if bias is None else torch.baddbmm(bias.unsqueeze(2), weight, columns)
        return out.transpose(1, 2)
    rows, across = x.flatten(1, -2), weight.transpose(1, 2)
    out = torch.bmm(rows, across) if bias is None else torch.baddbmm(bias.unsqueeze(1), rows, across)
    return out.unflatten(1, x.shape[1:-1])


def linear(module: nn.Module, names: Names) -> Form:
    weight, bias = names["weight"], names.get("bias")
    return lambda run, x: stacked_linear(x, run.tensors[weight], None if bias is None else run.tensors[bias])


# -- images: the trial axis goes into the channels, so that each kernel sees one model with K times the channels -----


def fold(x: Tensor) -> Tensor:
    """(K, N, C, *) -> (N, K*C, *)."""
    return x.transpose(0, 1).flatten(1, 2)


def unfold(x: Tensor, k: int) -> Tensor:
    """(N, K*C, *) -> (K, N, C, *)."""
    return x.unflatten(1, (k, -1)).transpose(0, 1)


def convolution(module: Any, names: Names) -> Form | None:
    """K convolutions by our kernels, one after the other; what they do not know as one with K times the groups."""
    if module.padding_mode != "zeros":
        return None
    apply = {nn.Conv1d: F.conv1d, nn.Conv2d: F.conv2d, nn.Conv3d: F.conv3d}[type(module)]
    weight, bias = names["weight"], names.get("bias")

    def form(run: Run, x: Tensor) -> Tensor:
        k, kernel, shift = x.shape[0], run.tensors[weight], None if bias is None else run.tensors[bias]
        places = module.stride, module.padding, module.dilation
        found = images.conv2d_of_models(x, kernel, shift, *places, module.groups)
        if found is not None:
            return found
        flat = None if shift is None else shift.flatten()
        return unfold(apply(fold(x), kernel.flatten(0, 1), flat, *places, k * module.groups), k)

    return form


def transposed_convolution(module: Any, names: Names) -> Form:
    """The same of transposed ones, whose kernels have their inputs first."""
    kinds = {nn.ConvTranspose1d: F.conv_transpose1d, nn.ConvTranspose2d: F.conv_transpose2d}
    apply, weight, bias = kinds.get(type(module), F.conv_transpose3d), names["weight"], names.get("bias")

    def form(run: Run, x: Tensor) -> Tensor:
        k = x.shape[0]
        kernel, shift = run.tensors[weight].flatten(0, 1), None if bias is None else run.tensors[bias].flatten()
        sizes = module.stride, module.padding, module.output_padding, k * module.groups, module.dilation
        return unfold(apply(fold(x), kernel, shift, *sizes), k)

    return form


def pooling(module: nn.Module, names: Names) -> Form:
    return lambda run, x: pooled(module, x)


def pooled(apply: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Planes are pooled one by one: the trial axis may stand before samples or channels, wherever it lies in memory."""
    with images.FasterImages():
        if x.is_contiguous():
            return apply(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return unfold(apply(fold(x)), x.shape[0])


# -- normalisations --------------------------------------------------------------------------------------------------


def batch_norm(module: Any, names: Names) -> Form | None:
    """Each model's own statistics of its own batch; running ones are updated in place."""
    if module.momentum is None:  # needs the count of batches as a Python number
        return None
    weight, bias = names.get("weight"), names.get("bias")
    mean, var, count = names.get("running_mean"), names.get("running_var"), names.get("num_batches_tracked")

    def form(run: Run, x: Tensor) -> Tensor:
        def own(name: str | None) -> Tensor | None:
            return None if name is None else run.tensors[name]

        def flat(name: str | None) -> Tensor | None:
            return None if name is None else run.tensors[name].flatten()

        if run.is_training and count is not None:
            run.tensors[count].add_(1)
        if run.is_training:
            found = batch_norm_of_models(x, [own(mean), own(var)], own(weight), own(bias), module.momentum, module.eps)
            if found is not None:
                return found
        by_batch = run.is_training or mean is None
        folded = x.transpose(1, 2).flatten(0, 1).unsqueeze(0) if x.dim() == 3 else fold(x)  # (1, K*C, N) or (N, K*C, *)
        out = F.batch_norm(
            folded, flat(mean), flat(var), flat(weight), flat(bias), by_batch, module.momentum, module.eps
        )
        return (
            out.squeeze(0).unflatten(0, (x.shape[0], -1)).transpose(1, 2) if x.dim() == 3 else unfold(out, x.shape[0])
        )

    return form


def layer_norm(module: Any, names: Names) -> Form:
    weight, bias = names.get("weight"), names.get("bias")

    def form(run: Run, x: Tensor) -> Tensor:
        out = F.layer_norm(x, module.normalized_shape, eps=module.eps)
        if weight is not None:
            out = out * beside(run.tensors[weight], out)
        return out if bias is None else out + beside(run.tensors[bias], out)

    return form


def group_norm(module: Any, names: Names) -> Form:
    weight, bias = names.get("weight"), names.get("bias")

    def form(run: Run, x: Tensor) -> Tensor:
        out = F.group_norm(x.flatten(0, 1), module.num_groups, eps=module.eps).unflatten(0, x.shape[:2])
        if weight is not None:
            out = out * of_channels(run.tensors[weight], x)
        return out if bias is None else out + of_channels(run.tensors[bias], x)

    return form


def instance_norm(module: Any, names: Names) -> Form | None:
    """Of each sample's channels by themselves."""
    weight, bias = names.get("weight"), names.get("bias")
    if module.track_running_stats:
        return None

    def form(run: Run, x: Tensor) -> Tensor:
        out = F.instance_norm(x.flatten(0, 1), eps=module.eps).unflatten(0, x.shape[:2])
        if weight is not None:
            out = out * of_channels(run.tensors[weight], x)
        return out if bias is None else out + of_channels(run.tensors[bias], x)

    return form


def rms_norm(module: Any, names: Names) -> Form:
    weight = names.get("weight")

    def form(run: Run, x: Tensor) -> Tensor:
        out = F.rms_norm(x, module.normalized_shape, eps=module.eps)
        return out if weight is None else out * beside(run.tensors[weight], out)

    return form


def of_channels(value: Tensor, like: Tensor) -> Tensor:
    """value (K, C) beside like (K, N, C, *)."""
    return value.reshape(like.shape[0], 1, -1, *[1] * (like.dim() - 3))


def beside(value: Tensor, like: Tensor) -> Tensor:
    """value (K, *) with ones after the trial axis, so that the rest aligns with like on the right."""
    missing = like.dim() - value.dim()
    return value.reshape(value.shape[0], *[1] * missing, *value.shape[1:]) if missing > 0 else value


# -- tables and slopes -----------------------------------------------------------------------------------------------


def embedding(module: Any, names: Names) -> Form | None:
    """Tokens (K, N, *) -> (K, N, *, D): K tables as one, each model's tokens moved to its own part of it."""
    if module.max_norm is not None or module.sparse or module.scale_grad_by_freq or module.padding_idx is not None:
        return None
    weight = names["weight"]

    def form(run: Run, x: Tensor) -> Tensor:
        table = run.tensors[weight]
        first = torch.arange(len(table), device=x.device) * table.shape[1]
        return F.embedding(x + first.reshape(-1, *[1] * (x.dim() - 1)), table.flatten(0, 1))

    return form


def prelu(module: Any, names: Names) -> Form:
    weight = names["weight"]

    def form(run: Run, x: Tensor) -> Tensor:
        slope = of_channels(run.tensors[weight], x) if x.dim() > 2 else run.tensors[weight]
        return torch.where(x > 0, x, slope * x)

    return form


# -- no weights ------------------------------------------------------------------------------------------------------


def elementwise(module: nn.Module, names: Names) -> Form:
    return lambda run, x: module(x)


def by_sample(module: nn.Module, names: Names) -> Form | None:
    """A layer without tensors that looks at each sample by itself: the samples of all models as one batch."""
    if names:
        return None

    def form(run: Run, x: Tensor, *others: Tensor) -> Tensor:
        rows = (value.flatten(0, 1) for value in (x, *others))
        return module(*rows).unflatten(0, x.shape[:2])

    return form


def dropout(kind: str) -> Callable[[Any, Names], Form]:
    def make(module: Any, names: Names) -> Form:
        return lambda run, x: run.drop(kind, x, module.p) if run.is_training and module.p > 0 else x

    return make


def shifted(dim: int) -> int:
    """An axis of one model's tensor as an axis of the stack's."""
    return dim + 1 if dim >= 0 else dim


def softmax(module: Any, names: Names) -> Form | None:
    apply = {nn.Softmax: torch.softmax, nn.LogSoftmax: torch.log_softmax}[type(module)]
    dim = module.dim
    return None if dim is None else lambda run, x: apply(x, shifted(dim))


def flatten(module: Any, names: Names) -> Form | None:
    start, end = module.start_dim, module.end_dim
    return None if start == 0 else lambda run, x: x.flatten(shifted(start), shifted(end))


def unflatten(module: Any, names: Names) -> Form | None:
    if not isinstance(module.dim, int) or module.dim == 0:
        return None
    return lambda run, x: x.unflatten(shifted(module.dim), module.unflattened_size)


ELEMENTWISE = (
    nn.Identity,
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Tanh,
    nn.Sigmoid,
    nn.LogSigmoid,
    nn.Softplus,
    nn.Softsign,
    nn.Hardtanh,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.Tanhshrink,
    nn.Hardshrink,
    nn.Softshrink,
    nn.Threshold,
)
POOLING = (
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool1d,
    nn.AdaptiveMaxPool2d,
)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
BY_SAMPLE = (
    nn.Softmin,
    nn.Softmax2d,
    nn.GLU,
    nn.LPPool1d,
    nn.LPPool2d,
    nn.LPPool3d,
    nn.MaxPool3d,
    nn.AvgPool3d,
    nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool3d,
    nn.LocalResponseNorm,
    nn.Fold,
    nn.Unfold,
    nn.PixelShuffle,
    nn.PixelUnshuffle,
    nn.ChannelShuffle,
    nn.Upsample,
    nn.UpsamplingNearest2d,
    nn.UpsamplingBilinear2d,
    nn.CosineSimilarity,
    nn.PairwiseDistance,
    *(getattr(nn, f"{kind}Pad{n}d") for kind in ("Reflection", "Replication", "Zero", "Circular") for n in (1, 2, 3)),
    *(getattr(nn, f"ConstantPad{n}d") for n in (1, 2, 3)),
)

FORMS: dict[type[nn.Module], Callable[[Any, Names], Form | None]] = {
    nn.Linear: linear,
    nn.BatchNorm1d: batch_norm,
    nn.BatchNorm2d: batch_norm,
    nn.BatchNorm3d: batch_norm,
    nn.InstanceNorm1d: instance_norm,
    nn.InstanceNorm2d: instance_norm,
    nn.InstanceNorm3d: instance_norm,
    nn.RMSNorm: rms_norm,
    nn.Embedding: embedding,
    nn.PReLU: prelu,
    nn.LayerNorm: layer_norm,
    nn.GroupNorm: group_norm,
    nn.Flatten: flatten,
    nn.Unflatten: unflatten,
    nn.Softmax: softmax,
    nn.LogSoftmax: softmax,
    nn.Dropout: dropout("dropout"),
    nn.Dropout1d: dropout("feature"),
    nn.Dropout2d: dropout("feature"),
    nn.Dropout3d: dropout("feature"),
    **{kind: elementwise for kind in ELEMENTWISE},
    **{kind: pooling for kind in POOLING},
    **{kind: convolution for kind in CONVOLUTIONS},
    **{kind: transposed_convolution for kind in TRANSPOSED},
    **{kind: by_sample for kind in BY_SAMPLE},
}
