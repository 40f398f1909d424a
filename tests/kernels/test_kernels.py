"""Each faster form equals what it stands for: the declared loss, torch's layer in a plain loop."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from steepest import losses
from steepest.kernels.fast_losses import FAST, fast_form
from steepest.kernels.stacked_layers import ELEMENTWISE
from steepest.kernels.stacked_program import NotStackable, read_program
from steepest.kernels.trial_slopes import slope_form

EXTREMES = torch.tensor([0.0, 1e-3, -1.0, 5.0, -30.0, 100.0, -1e4, 1e4])


def grid(dtype) -> torch.Tensor:
    """Logits (K, C, N): every pair of extremes beside a third class."""
    a, b = torch.meshgrid(EXTREMES, EXTREMES, indexing="ij")
    return torch.stack([a.flatten(), b.flatten(), torch.zeros(64)]).expand(2, 3, 64).to(dtype).clone()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", [module.rpartition(".")[2] for module in FAST])
def test_a_fast_loss_equals_its_declaration_in_value_and_gradient(name, dtype):
    loss, x = losses[name], grid(dtype).requires_grad_()
    y = torch.arange(128).reshape(2, 64) % 3
    y = y if loss.target.name == "classes" else nn.functional.one_hot(y, 3).transpose(1, 2).to(dtype)
    all_options = {
        "cross_entropy": [{}, {"label_smoothing": 0.2}],
        "focal": [{}, {"gamma": 1.5}],
        "huber": [{}, {"delta": 0.3}],
    }
    for options in all_options.get(name, [{}]):
        form = fast_form(loss, options)
        found, wanted = form(x, y, **options), loss.items(x, y, **options).values
        g, w = (torch.autograd.grad(v.sum(), x, retain_graph=True)[0] for v in (found, wanted))
        size = wanted.detach().abs().clamp(min=1)
        assert ((found - wanted).detach().abs() / size).max() < 8 * torch.finfo(dtype).eps
        assert (g - w).abs().max() < 16 * torch.finfo(dtype).eps * max(1.0, float(w.abs().max()))


def test_options_that_a_fast_loss_does_not_know_take_the_declared_body():
    assert fast_form(losses.cross_entropy, {"class_weight": torch.ones(3)}) is None
    assert fast_form(losses.bce_with_logits, {"pos_weight": 2.0}) is None
    assert fast_form(losses.focal, {"gamma": 0.5}) is None and fast_form(losses.square, {}) is None


LAYERS = {
    nn.Linear: (lambda: nn.Linear(6, 4), (5, 6)),
    "linear without bias": (lambda: nn.Linear(6, 4, bias=False), (5, 6)),
    "linear on sequences": (lambda: nn.Linear(6, 4), (5, 3, 6)),
    nn.Conv1d: (lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), (5, 4, 9)),
    nn.Conv2d: (lambda: nn.Conv2d(2, 4, 3, padding="same", dilation=2), (5, 2, 6, 7)),
    nn.BatchNorm1d: (lambda: nn.BatchNorm1d(6), (5, 6)),
    "batch norm on sequences": (lambda: nn.BatchNorm1d(4, momentum=0.3), (5, 4, 7)),
    "batch norm without memory": (lambda: nn.BatchNorm1d(6, affine=False, track_running_stats=False), (5, 6)),
    nn.BatchNorm2d: (lambda: nn.BatchNorm2d(3), (5, 3, 4, 4)),
    nn.LayerNorm: (lambda: nn.LayerNorm((3, 4)), (5, 3, 4)),
    "layer norm without bias": (lambda: nn.LayerNorm(4, bias=False), (5, 3, 4)),
    nn.GroupNorm: (lambda: nn.GroupNorm(2, 4), (5, 4, 3, 3)),
    "group norm without weights": (lambda: nn.GroupNorm(2, 4, affine=False), (5, 4)),
    nn.MaxPool1d: (lambda: nn.MaxPool1d(2), (5, 3, 8)),
    nn.MaxPool2d: (lambda: nn.MaxPool2d(2), (5, 3, 8, 6)),
    nn.AvgPool1d: (lambda: nn.AvgPool1d(2), (5, 3, 8)),
    nn.AvgPool2d: (lambda: nn.AvgPool2d(3, 2), (5, 3, 8, 8)),
    nn.AdaptiveAvgPool1d: (lambda: nn.AdaptiveAvgPool1d(2), (5, 3, 7)),
    nn.AdaptiveAvgPool2d: (lambda: nn.AdaptiveAvgPool2d((1, 2)), (5, 3, 7, 8)),
    nn.AdaptiveMaxPool1d: (lambda: nn.AdaptiveMaxPool1d(2), (5, 3, 7)),
    nn.AdaptiveMaxPool2d: (lambda: nn.AdaptiveMaxPool2d(2), (5, 3, 7, 8)),
    nn.Flatten: (lambda: nn.Flatten(), (5, 3, 4)),
    "flatten some axes": (lambda: nn.Flatten(2, -1), (5, 2, 3, 4)),
    nn.Unflatten: (lambda: nn.Unflatten(1, (2, 3)), (5, 6)),
    nn.Softmax: (lambda: nn.Softmax(1), (5, 6)),
    nn.LogSoftmax: (lambda: nn.LogSoftmax(-1), (5, 6)),
    nn.Threshold: (lambda: nn.Threshold(0.1, 2.0), (5, 6)),
    nn.ConvTranspose1d: (lambda: nn.ConvTranspose1d(4, 6, 3, 2, 1, output_padding=1, groups=2), (5, 4, 5)),
    nn.ConvTranspose2d: (lambda: nn.ConvTranspose2d(2, 3, 3, dilation=2, bias=False), (5, 2, 4, 3)),
    nn.Conv3d: (lambda: nn.Conv3d(4, 2, 2, stride=2, groups=2), (5, 4, 4, 4, 4)),
    nn.InstanceNorm2d: (lambda: nn.InstanceNorm2d(3, affine=True), (5, 3, 4, 4)),
    nn.RMSNorm: (lambda: nn.RMSNorm((3, 4)), (5, 3, 4)),
    nn.PReLU: (lambda: nn.PReLU(3), (5, 3, 4)),
    nn.GLU: (lambda: nn.GLU(1), (5, 6, 3)),
    "encoder, norms first": (
        lambda: nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, activation="gelu", norm_first=True, bias=False),
        (5, 3, 4),
    ),
    "encoder with a norm": (
        lambda: nn.TransformerEncoder(
            nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True), 2, nn.LayerNorm(4), False
        ),
        (5, 3, 4),
    ),
}


@pytest.mark.parametrize("name", ["cross_entropy", "focal", "poly", "mse", "huber", "bce_with_logits", "asl"])
@pytest.mark.parametrize("n_rows", [None, 7], ids=["mean of items", "sum over rows"])
def test_losses_of_trials_and_their_slopes_are_those_of_each_trial_by_itself(name, n_rows):
    loss, draw = losses[name], torch.Generator().manual_seed(0)
    form = slope_form(loss, {})
    assert form is not None
    outputs = torch.randn(3, 4, 7, generator=draw, dtype=torch.float64)
    labels = torch.randint(0, 4, (3, 7), generator=draw)
    targets = labels if loss.target.name == "classes" else nn.functional.one_hot(labels, 4).transpose(1, 2).double()
    both = form(outputs, targets, None, 3, n_rows)
    if both is None:
        pytest.skip("no compiler here")
    found, slope = both
    for k in range(3):
        row = outputs[k : k + 1].clone().requires_grad_()
        wanted = loss(row, targets[k : k + 1], reduction="mean" if n_rows is None else "sum") / (n_rows or 1)
        assert torch.allclose(found[k], wanted, rtol=1e-12)
        assert torch.allclose(slope[k], torch.autograd.grad(wanted, row)[0][0], rtol=1e-9, atol=1e-15)


class Alone:
    """A run of one program over given tensors."""

    def __init__(self, tensors, is_training=True):
        self.tensors, self.is_training = tensors, is_training

    def drop(self, kind, x, p):
        return x * (2.0 if kind == "dropout" else 3.0) * p


@pytest.mark.parametrize(
    "which",
    [*LAYERS, *(k for k in ELEMENTWISE if k not in LAYERS)],
    ids=str,
)
def test_a_stacked_layer_equals_the_layer_of_each_model(which):
    """Outputs, gradients and buffers, in training mode."""
    make, shape = LAYERS.get(which, (which, (5, 6)))
    torch.manual_seed(0)
    alone = [nn.Sequential(make()).double().train() for _ in range(3)]
    for layer in alone:
        for p in layer.parameters():
            nn.init.normal_(p)
    x = torch.randn(3, *shape, dtype=torch.float64, requires_grad=True)
    tensors = {
        n: torch.stack([t.detach().clone() for t in ts])
        for n, *ts in zip(alone[0].state_dict(), *(m.state_dict().values() for m in alone))
    }
    leaves = {n: tensors[n].requires_grad_() for n, _ in alone[0].named_parameters()}
    found = read_program(alone[0], is_training=True)(Alone(tensors), x)
    wanted = torch.stack([layer(row) for layer, row in zip(alone, x)])
    assert torch.allclose(found, wanted, atol=1e-12)
    pull = torch.randn_like(wanted)
    stacked = torch.autograd.grad((found * pull).sum(), [x, *leaves.values()])
    own = torch.autograd.grad((wanted * pull).sum(), [x, *(p for m in alone for p in m.parameters())])
    assert torch.allclose(stacked[0], own[0], atol=1e-12)
    for i, g in enumerate(stacked[1:]):
        assert torch.allclose(g, torch.stack(own[1 + i :: len(leaves)]), atol=1e-12)
    for n, _ in alone[0].named_buffers():
        assert torch.allclose(tensors[n], torch.stack([dict(m.named_buffers())[n] for m in alone]), atol=1e-12)


def test_dropout_asks_for_masks_by_kind_and_only_in_training():
    x, model = torch.ones(2, 3, 4), nn.Sequential(nn.Dropout(0.5), nn.Dropout1d(0.25))
    assert torch.equal(read_program(model, True)(Alone({}), x), x * 0.75)
    assert torch.equal(read_program(model, False)(Alone({}, is_training=False), x), x)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (nn.Sequential(nn.Conv2d(1, 1, 3, padding_mode="reflect")), "has no stacked form"),
        (nn.Sequential(nn.Softmax()), "has no stacked form"),
        (nn.Sequential(nn.Flatten(0)), "has no stacked form"),
        (nn.Sequential(nn.Linear(2, 2), nn.GRU(2, 1, bidirectional=True)), "has no stacked form"),
    ],
)
def test_what_has_no_stacked_form_is_named(model, words):
    with pytest.raises(NotStackable, match=words):
        read_program(model, True)
