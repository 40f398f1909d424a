"""Solo runs in plain torch.nn and torch.optim: the truth that a population is held against.

Nothing of the population is used here: batches and dropout masks are drawn anew from their named streams, losses and
optimizers are torch's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest import mock

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from steepest import losses, optim
from steepest.compare import Arm, Trial
from steepest.compare.task import Task
from steepest.core.streams import generator
from steepest.optim import schedules

HORIZON = 100


def one_hot(z: Tensor, y: Tensor) -> Tensor:
    return F.one_hot(y, z.shape[1]).to(z.dtype)


@dataclass(frozen=True)
class Twin:
    """One of our items with options, and torch's own way of writing it."""

    item: object
    options: dict
    torch_way: Callable


LOSSES = [
    Twin(losses.cross_entropy, {}, lambda z, y: F.cross_entropy(z, y)),
    Twin(losses.cross_entropy, {"label_smoothing": 0.1}, lambda z, y: F.cross_entropy(z, y, label_smoothing=0.1)),
    Twin(losses.mse, {}, lambda z, y: F.mse_loss(z, one_hot(z, y))),
    Twin(losses.huber, {"delta": 0.3}, lambda z, y: F.huber_loss(z, one_hot(z, y), delta=0.3)),
    Twin(losses.huber, {"delta": 0.7}, lambda z, y: F.huber_loss(z, one_hot(z, y), delta=0.7)),
    Twin(losses.bce_with_logits, {}, lambda z, y: F.binary_cross_entropy_with_logits(z, one_hot(z, y))),
]
RULES = [
    Twin(optim.sgd, {"momentum": 0.9}, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)),
    Twin(optim.adam, {}, lambda p, lr: torch.optim.Adam(p, lr)),
    Twin(optim.adamw, {}, lambda p, lr: torch.optim.AdamW(p, lr)),
    Twin(
        optim.nadamw,
        {"beta1": 0.8},
        lambda p, lr: torch.optim.NAdam(p, lr, betas=(0.8, 0.999), weight_decay=0.01, decoupled_weight_decay=True),
    ),
    Twin(optim.rmsprop, {}, lambda p, lr: torch.optim.RMSprop(p, lr)),
    Twin(optim.adagrad, {}, lambda p, lr: torch.optim.Adagrad(p, lr)),
]
# Learning rates at which each rule trains well: far above, training itself amplifies rounding without bound.
RATES = {"sgd": 0.02, "adam": 1e-3, "adamw": 1e-3, "nadamw": 1e-3, "rmsprop": 5e-4, "adagrad": 5e-3}


@dataclass(frozen=True)
class Case:
    """One trial and how torch writes its loss and its optimizer."""

    trial: Trial
    loss: Callable
    optimizer: Callable


def cases(n: int) -> list[Case]:
    """n trials that mix every loss with every rule, several learning rates and two seeds."""
    found = []
    for i in range(n):
        loss, rule = LOSSES[i % len(LOSSES)], RULES[(i + i // len(LOSSES)) % len(RULES)]
        arm = Arm(
            loss=loss.item,
            loss_options=loss.options,
            rule=rule.item,
            rule_hyper=rule.options,
            schedule=schedules.warmup_cosine,
            name=str(i),
        )
        rate = RATES[rule.item.name] * (1 + i % 3) / 2
        found.append(Case(Trial(arm, rate, i % 2), loss.torch_way, rule.torch_way))
    return found


def plain_run(task: Task, case: Case, looks: Sequence[int]) -> list[dict[str, Tensor]]:
    """What a competent user would write, one run at a time; the model's state after each number of steps in looks."""
    states = []
    seed, model = case.trial.seed, task.build(case.trial.seed).train()
    part, optimizer = task.train_set(seed), case.optimizer(model.parameters(), case.trial.learning_rate)
    schedule = case.trial.arm.schedule
    for step in range(looks[-1]):
        epoch, batch = divmod(step, task.steps_per_epoch)
        if batch == 0:
            order = torch.randperm(len(part.y), generator=generator("batches", task.seed, seed, epoch))
            batches = order.split(task.batch_sizes)
        for group in optimizer.param_groups:
            group["lr"] = case.trial.learning_rate * float(schedule(step, HORIZON))
        optimizer.zero_grad()
        with mock.patch.multiple(F, **masked_dropout(task.seed, seed, step)):
            case.loss(model(part.x[batches[batch]]), part.y[batches[batch]]).backward()
        with default_dtype(task.dtype):  # in which torch's NAdam keeps its running product of momenta
            optimizer.step()
        if step + 1 in looks:
            states.append(state_of(model))
    return states


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def masked_dropout(study: int, seed: int, step: int) -> dict[str, Callable]:
    """torch.nn.functional's dropouts with the masks of the stream."""
    calls = iter(range(1000))

    def mask(shape: tuple[int, ...], p: float) -> Tensor:
        uniform = torch.rand(shape, generator=generator("dropout", study, seed, step, next(calls)))
        return (uniform >= p).double() / (1 - p)

    def dropout(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        return x * mask(x.shape, p).to(x.dtype) if training else x

    def of_channels(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        return x * mask((*x.shape[:2], *[1] * (x.dim() - 2)), p).to(x.dtype) if training else x

    def attention(
        q: Tensor, k: Tensor, v: Tensor, mask: None = None, dropout_p: float = 0.0, causal: bool = False
    ) -> Tensor:
        assert mask is None and not causal
        shares = torch.einsum("...td,...sd->...ts", q, k).div(q.shape[-1] ** 0.5).softmax(-1)
        return torch.einsum("...ts,...sd->...td", dropout(shares, dropout_p, dropout_p > 0), v)

    found = {f"dropout{n}d": of_channels for n in (1, 2, 3)}
    return {**found, "dropout": dropout, "scaled_dot_product_attention": attention}


def state_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def distance(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> float:
    """The largest, over parameters and buffers, of the norm of the difference over the norm."""
    assert list(found) == list(wanted)
    gaps = [(found[n].double() - w.double()).norm() / w.double().norm().clamp(min=1e-3) for n, w in wanted.items()]
    return float(torch.stack(gaps).max())
