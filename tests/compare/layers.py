"""Every kind of layer in torch.nn inside a small net, so that a population can be held against solo runs of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LENGTH, IMAGE, VOLUME = (4, 6), (4, 6, 6), (4, 4, 4, 4)
"""Channels and axes of what a layer is given."""


@dataclass(frozen=True)
class Layer:
    """build() -> the layer, which takes (N, *shape). call: how its output becomes a tensor."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...] = (12,)
    call: Callable[[nn.Module, Tensor], Tensor] = lambda layer, x: layer(x)


def _first(layer: nn.Module, x: Tensor) -> Tensor:
    return layer(x)[0]


def _with_itself(layer: nn.Module, x: Tensor) -> Tensor:
    return layer(x, x)


def _tokens(layer: nn.Module, x: Tensor) -> Tensor:
    found = layer((x.detach().abs() * 3).long().clamp(max=6))
    return found.flatten(1) + x.mean(1, keepdim=True)


def _attended(layer: nn.Module, x: Tensor) -> Tensor:
    return layer(x, x, x)[0] + layer(x, x, x, need_weights=False)[0]


def _unpooled(layer: nn.Module, x: Tensor) -> Tensor:
    pool = {nn.MaxUnpool1d: F.max_pool1d, nn.MaxUnpool2d: F.max_pool2d, nn.MaxUnpool3d: F.max_pool3d}[type(layer)]
    kept, places = pool(x, 2, return_indices=True)
    return layer(kept, places)


def _between(layer: nn.Module, x: Tensor) -> Tensor:
    return layer(x, x.tanh() + 1).unsqueeze(1)


def _of_axes(names: str, build: Callable[[int, str], nn.Module], **more: object) -> dict[str, Layer]:
    """The same for "Name{}d" with one, two and three axes."""
    return {
        name.format(n): Layer(lambda n=n, name=name: build(n, name.format(n)), (LENGTH, IMAGE, VOLUME)[n - 1], **more)
        for name in names.split()
        for n in (1, 2, 3)
        if hasattr(nn, name.format(n))
    }


def _plain(names: str, *args: object, shape: tuple[int, ...] = (12,), **more: object) -> dict[str, Layer]:
    return {name: Layer(lambda name=name: getattr(nn, name)(*args), shape, **more) for name in names.split()}


LAYERS: dict[str, Layer] = {
    **_plain(
        "Identity ReLU ReLU6 LeakyReLU ELU CELU SELU GELU SiLU Mish Tanh Sigmoid LogSigmoid Softplus Softsign Hardtanh "
        "Hardsigmoid Hardswish Tanhshrink Hardshrink Softshrink PReLU GLU Flatten"
    ),
    **_plain("Threshold", 0.1, 0.2),
    **_plain("Softmax LogSoftmax Softmin", 1),
    **_plain("Softmax2d", shape=IMAGE),
    **_plain("Dropout AlphaDropout FeatureAlphaDropout RReLU"),
    **_of_axes("Dropout{}d", lambda n, name: getattr(nn, name)(0.4)),
    **_of_axes("Conv{}d", lambda n, name: getattr(nn, name)(4, 6, 3, padding=1)),
    **_of_axes("ConvTranspose{}d", lambda n, name: getattr(nn, name)(4, 3, 2, stride=2)),
    **_of_axes("MaxPool{}d AvgPool{}d", lambda n, name: getattr(nn, name)(2)),
    **_of_axes("LPPool{}d", lambda n, name: getattr(nn, name)(2, 2)),
    **_of_axes("AdaptiveAvgPool{}d AdaptiveMaxPool{}d", lambda n, name: getattr(nn, name)(2)),
    **_of_axes("BatchNorm{}d InstanceNorm{}d", lambda n, name: getattr(nn, name)(4)),
    **_of_axes("ReflectionPad{}d ReplicationPad{}d ZeroPad{}d CircularPad{}d", lambda n, name: getattr(nn, name)(1)),
    **_of_axes("ConstantPad{}d", lambda n, name: getattr(nn, name)(1, 0.5)),
    **_of_axes("MaxUnpool{}d", lambda n, name: getattr(nn, name)(2), call=_unpooled),
    **_of_axes("FractionalMaxPool{}d", lambda n, name: getattr(nn, name)(2, output_size=2)),
    "Linear": Layer(lambda: nn.Linear(12, 7)),
    "Bilinear": Layer(lambda: nn.Bilinear(12, 12, 5), call=_with_itself),
    "Embedding": Layer(lambda: nn.Embedding(7, 3), call=_tokens),
    "EmbeddingBag": Layer(lambda: nn.EmbeddingBag(7, 3), call=_tokens),
    "LayerNorm": Layer(lambda: nn.LayerNorm(12)),
    "RMSNorm": Layer(lambda: nn.RMSNorm(12, eps=1e-6)),
    "GroupNorm": Layer(lambda: nn.GroupNorm(2, 4), IMAGE),
    "LocalResponseNorm": Layer(lambda: nn.LocalResponseNorm(2), IMAGE),
    "CrossMapLRN2d": Layer(lambda: nn.CrossMapLRN2d(2), IMAGE),
    "Unflatten": Layer(lambda: nn.Unflatten(1, (3, 4))),
    "Unfold": Layer(lambda: nn.Unfold(2), IMAGE),
    "Fold": Layer(lambda: nn.Fold((3, 3), 2), (8, 4)),
    "PixelShuffle": Layer(lambda: nn.PixelShuffle(2), IMAGE),
    "PixelUnshuffle": Layer(lambda: nn.PixelUnshuffle(2), IMAGE),
    "ChannelShuffle": Layer(lambda: nn.ChannelShuffle(2), IMAGE),
    "Upsample": Layer(lambda: nn.Upsample(scale_factor=2), IMAGE),
    "UpsamplingNearest2d": Layer(lambda: nn.UpsamplingNearest2d(scale_factor=2), IMAGE),
    "UpsamplingBilinear2d": Layer(lambda: nn.UpsamplingBilinear2d(scale_factor=2), IMAGE),
    "CosineSimilarity": Layer(lambda: nn.CosineSimilarity(), call=_between),
    "PairwiseDistance": Layer(lambda: nn.PairwiseDistance(), call=_between),
    "RNN": Layer(lambda: nn.RNN(6, 5, batch_first=True), LENGTH, _first),
    "GRU": Layer(lambda: nn.GRU(6, 5, batch_first=True), LENGTH, _first),
    "LSTM": Layer(lambda: nn.LSTM(6, 5, batch_first=True), LENGTH, _first),
    "RNNCell": Layer(lambda: nn.RNNCell(12, 5)),
    "GRUCell": Layer(lambda: nn.GRUCell(12, 5)),
    "LSTMCell": Layer(lambda: nn.LSTMCell(12, 5), (12,), _first),
    "MultiheadAttention": Layer(lambda: nn.MultiheadAttention(6, 2, dropout=0.2, batch_first=True), LENGTH, _attended),
    "TransformerEncoderLayer": Layer(lambda: _encoder_layer(), LENGTH),
    "TransformerEncoder": Layer(lambda: nn.TransformerEncoder(_encoder_layer(), 2), LENGTH),
    "TransformerDecoderLayer": Layer(lambda: _decoder_layer(), LENGTH, _with_itself),
    "TransformerDecoder": Layer(lambda: nn.TransformerDecoder(_decoder_layer(), 2), LENGTH, _with_itself),
    "Transformer": Layer(lambda: nn.Transformer(6, 2, 1, 1, 8, batch_first=True), LENGTH, _with_itself),
    "Sequential": Layer(lambda: nn.Sequential(nn.Linear(12, 5), nn.Tanh())),
    "ModuleList": Layer(lambda: nn.ModuleList([nn.Linear(12, 5)]), call=lambda layer, x: layer[0](x)),
    "ModuleDict": Layer(lambda: nn.ModuleDict({"a": nn.Linear(12, 5)}), call=lambda layer, x: layer["a"](x)),
    "ParameterList": Layer(lambda: nn.ParameterList([torch.ones(12)]), call=lambda layer, x: layer[0] * x),
    "ParameterDict": Layer(lambda: nn.ParameterDict({"a": torch.ones(12)}), call=lambda layer, x: layer["a"] * x),
    "SyncBatchNorm": Layer(lambda: nn.SyncBatchNorm(4), IMAGE),
}
NOISY = "AlphaDropout FeatureAlphaDropout RReLU FractionalMaxPool2d FractionalMaxPool3d".split()
"""Draw random numbers other than dropout's: there is no plain run with the same numbers."""
NO_LAYERS = {
    "Module Container RNNBase RNNCellBase": "bases of others",
    "DataParallel": "spreads a model over accelerators",
    "AdaptiveLogSoftmaxWithLoss LinearCrossEntropyLoss": "a head with its loss: takes labels",
}


def _encoder_layer() -> nn.Module:
    return nn.TransformerEncoderLayer(6, 2, 8, dropout=0.1, batch_first=True)


def _decoder_layer() -> nn.Module:
    return nn.TransformerDecoderLayer(6, 2, 8, batch_first=True)


def kinds() -> set[str]:
    """The names in torch.nn of what is a layer: no losses, and none whose sizes are still open."""
    left_out = {name for names in NO_LAYERS for name in names.split()}
    found = {n for n in dir(nn) if isinstance(getattr(nn, n), type) and issubclass(getattr(nn, n), nn.Module)}
    return {n for n in found - left_out if "Loss" not in n and not n.startswith("Lazy")}


class Around(nn.Module):
    """Weights before and behind a layer: a gradient passes through it."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        n_inputs = torch.Size(layer.shape).numel()
        self.shape, self.call = layer.shape, layer.call
        self.before, self.layer = nn.Linear(64, n_inputs), layer.build()
        with torch.no_grad():
            n_outputs = self.call(self.layer.eval(), torch.ones(2, *layer.shape)).flatten(1).shape[1]
        self.layer.train()
        self.behind = nn.Linear(n_outputs, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.before(x)).reshape(x.shape[0], *self.shape)
        return self.behind(self.call(self.layer, h).flatten(1))
