"""Attention and recurrent layers for K models at once: products of all models where torch runs one after another."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .dropped_attention import dropped_attention
from .stacked_layers import Form, Names, Run, layer_norm, linear, stacked_linear

# -- attention -------------------------------------------------------------------------------------------------------


def attention(module: Any, names: Names) -> Form | None:
    """nn.MultiheadAttention without masks: (output, mean weights or None)."""
    if not module._qkv_same_embed_dim or module.bias_k is not None or module.add_zero_attn:
        return None
    weight, bias, n_heads = names["in_proj_weight"], names.get("in_proj_bias"), module.num_heads
    out_weight, out_bias = names["out_proj.weight"], names.get("out_proj.bias")

    def heads(x: Tensor) -> Tensor:
        """(K, N, T, E) -> (K, N, heads, T, E / heads)."""
        return x.unflatten(-1, (n_heads, -1)).transpose(2, 3)

    def form(run: Run, query: Tensor, key: Tensor, value: Tensor, need_weights: bool = True, **masks: Any) -> Any:
        if any(mask is not None and mask is not False for mask in masks.values()):
            raise NotImplementedError("attention with masks")
        into, shift = run.tensors[weight].chunk(3, 1), [None] * 3 if bias is None else run.tensors[bias].chunk(3, 1)
        given = [x if module.batch_first else x.transpose(1, 2) for x in (query, key, value)]
        q, k, v = (heads(stacked_linear(x, w, b)) for x, w, b in zip(given, into, shift))
        kept: list[Tensor] = []

        def drop(shares: Tensor) -> Tensor:
            kept.append(run.drop("dropout", shares, module.dropout) if has_dropout else shares)
            return kept[0]

        has_dropout = run.is_training and module.dropout > 0
        is_plain = not need_weights and not has_dropout
        mixed = F.scaled_dot_product_attention(q, k, v) if is_plain else dropped_attention(drop, q, k, v)
        own = run.tensors[out_weight], None if out_bias is None else run.tensors[out_bias]
        out = stacked_linear(mixed.transpose(2, 3).flatten(-2), *own)
        return (out if module.batch_first else out.transpose(1, 2)), kept[0].mean(2) if need_weights else None

    return form


def encoder_layer(module: Any, names: Names) -> Form | None:
    """nn.TransformerEncoderLayer without masks."""

    def part(name: str) -> tuple[Any, Names]:
        return getattr(module, name), _within(names, name)

    if any(type(norm) is not nn.LayerNorm for norm in (module.norm1, module.norm2)):
        return None
    attend, norms = attention(*part("self_attn")), [layer_norm(*part(n)) for n in ("norm1", "norm2")]
    first, second = linear(*part("linear1")), linear(*part("linear2"))
    if attend is None:
        return None

    def dropped(run: Run, x: Tensor, p: float) -> Tensor:
        return run.drop("dropout", x, p) if run.is_training and p > 0 else x

    def mixed(run: Run, x: Tensor) -> Tensor:
        return dropped(run, attend(run, x, x, x, need_weights=False)[0], module.dropout1.p)

    def fed(run: Run, x: Tensor) -> Tensor:
        inner = dropped(run, module.activation(first(run, x)), module.dropout.p)
        return dropped(run, second(run, inner), module.dropout2.p)

    def form(run: Run, x: Tensor) -> Tensor:
        if module.norm_first:
            x = x + mixed(run, norms[0](run, x))
            return x + fed(run, norms[1](run, x))
        x = norms[0](run, x + mixed(run, x))
        return norms[1](run, x + fed(run, x))

    return form


def encoder(module: Any, names: Names) -> Form | None:
    """nn.TransformerEncoder without masks."""
    forms = [encoder_layer(layer, _within(names, f"layers.{i}")) for i, layer in enumerate(module.layers)]
    is_plain = type(module.norm) in (nn.LayerNorm, type(None))
    if None in forms or not is_plain or {*map(type, module.layers)} != {nn.TransformerEncoderLayer}:
        return None
    if module.norm is not None:
        forms.append(layer_norm(module.norm, _within(names, "norm")))

    def form(run: Run, x: Tensor) -> Tensor:
        for one in forms:
            assert one is not None
            x = one(run, x)
        return x

    return form


def _within(names: Names, part: str) -> Names:
    """The tensors of a part of a module, by their names in it."""
    return {name.removeprefix(f"{part}."): own for name, own in names.items() if name.startswith(f"{part}.")}


# -- recurrent layers --------------------------------------------------------------------------------------------------


def recurrent(module: Any, names: Names) -> Form | None:
    """nn.RNN, nn.GRU and nn.LSTM of one direction from a state of zeros: (outputs, last states)."""
    if module.bidirectional or module.dropout > 0 or getattr(module, "proj_size", 0):
        return None
    step = {"RNN_TANH": _tanh_step, "RNN_RELU": _relu_step, "GRU": _gru_step, "LSTM": _lstm_step}[module.mode]

    def form(run: Run, x: Tensor) -> Any:
        x = x if module.batch_first else x.transpose(1, 2)
        last = []
        for layer in range(module.num_layers):
            own = [run.tensors[names[f"{kind}_l{layer}"]] for kind in ("weight_ih", "weight_hh")]
            shifts = [run.tensors.get(names.get(f"{kind}_l{layer}", "")) for kind in ("bias_ih", "bias_hh")]
            given = stacked_linear(x, own[0], shifts[0])  # of all times at once
            states: tuple[Tensor, ...] = (x.new_zeros(*x.shape[:2], module.hidden_size),) * (1 + (step is _lstm_step))
            outputs = []
            for moment in given.unbind(2):
                states = step(moment, stacked_linear(states[0], own[1], shifts[1]), states)
                outputs.append(states[0])
            x = torch.stack(outputs, 2)
            last.append(states)
        ends = tuple(torch.stack(parts, 1) for parts in zip(*last))
        return (x if module.batch_first else x.transpose(1, 2)), ends if module.mode == "LSTM" else ends[0]

    return form


States = tuple[Tensor, ...]


def _tanh_step(given: Tensor, kept: Tensor, states: States) -> States:
    return (torch.tanh(given + kept),)


def _relu_step(given: Tensor, kept: Tensor, states: States) -> States:
    return (torch.relu(given + kept),)


def _gru_step(given: Tensor, kept: Tensor, states: States) -> States:
    (r, z, n), (r_kept, z_kept, n_kept) = given.chunk(3, -1), kept.chunk(3, -1)
    new = torch.tanh(n + torch.sigmoid(r + r_kept) * n_kept)
    return (new + torch.sigmoid(z + z_kept) * (states[0] - new),)


def _lstm_step(given: Tensor, kept: Tensor, states: States) -> States:
    i, f, g, o = (given + kept).chunk(4, -1)
    cell = torch.sigmoid(f) * states[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(cell), cell


FORMS = {
    nn.MultiheadAttention: attention,
    nn.TransformerEncoderLayer: encoder_layer,
    nn.TransformerEncoder: encoder,
    nn.RNN: recurrent,
    nn.GRU: recurrent,
    nn.LSTM: recurrent,
}
