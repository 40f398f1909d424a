"""Hooks and the profiler see a step as they see torch's, whether or not the class has a step of its own."""

from __future__ import annotations

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.profiler import ProfilerActivity, profile

from steepest import optim


class Own(optim.SGD):
    """With a step of its own, as people write it."""

    def step(self, closure=None):
        return super().step(closure)


class Renamed(optim.SGD):
    """Without one."""


CLASSES = (optim.SGD, Renamed, Own, torch.optim.SGD)
each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.__module__}.{cls.__name__}")


def made(cls) -> torch.optim.Optimizer:
    param = torch.ones(80, 80, requires_grad=True)
    param.grad = torch.ones_like(param)
    return cls([param], lr=0.5)


@each_class
def test_the_profiler_shows_each_step_once(cls):
    optimizer = made(cls)
    optimizer.step()
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        optimizer.step()
    assert [event.name for event in seen.events() if "Optimizer.step" in event.name] == [
        f"Optimizer.step#{cls.__name__}.step"
    ]


@each_class
def test_hooks_of_one_optimizer_are_called_once_and_in_order(cls):
    optimizer, called = made(cls), []
    before = optimizer.register_step_pre_hook(lambda *_: called.append("before"))
    after = optimizer.register_step_post_hook(lambda *_: called.append("after"))
    optimizer.step()
    assert called == ["before", "after"]
    before.remove()
    after.remove()
    optimizer.step()
    assert called == ["before", "after"]


@each_class
def test_hooks_of_all_optimizers_are_called_once(cls):
    optimizer, called = made(cls), []
    handles = [
        register_optimizer_step_pre_hook(lambda *_: called.append("before")),
        register_optimizer_step_post_hook(lambda *_: called.append("after")),
    ]
    try:
        optimizer.step()
    finally:
        for handle in handles:
            handle.remove()
    assert called == ["before", "after"]


@each_class
def test_a_hook_may_give_the_step_another_closure(cls):
    optimizer = made(cls)
    optimizer.register_step_pre_hook(lambda _, args, kwargs: ((args[0], lambda: "its loss"), kwargs))
    assert optimizer.step() == "its loss"
