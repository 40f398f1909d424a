"""The places in torch that are replaced while a recorder is at work, and put back afterwards."""

from __future__ import annotations

import functools
import os
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler
from torch.utils.data import DataLoader
from torch.utils.data import dataloader as dataloader_module

from steepest.core.loss import Loss

from .place import here, is_users


class Patches:
    """A context: every replaced attribute is put back at its end."""

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.undo: list[tuple[Any, str, Any, bool]] = []

    def __enter__(self) -> Patches:
        self._modules()
        self._gradients()
        self._optimizers()
        self._schedules()
        self._loaders()
        self._files()
        self._our_losses()
        return self

    def __exit__(self, *_: object) -> None:
        self._put_back(self.undo)

    def leave_models(self) -> None:
        """Calls of modules are no longer recorded: with the tracer gone they would show nothing."""
        calls = [u for u in self.undo if u[0] is nn.Module and u[1] in ("__call__", "__init__")]
        self._put_back(calls)
        self.undo = [u for u in self.undo if u not in calls]

    def _put_back(self, undo: list[tuple[Any, str, Any, bool]]) -> None:
        for owner, name, old, own in reversed(undo):
            if own:
                setattr(owner, name, old)
            else:
                delattr(owner, name)

    def put(self, owner: Any, name: str, new: Any) -> Any:
        """Replace an attribute; returns what was there."""
        old = getattr(owner, name)
        own = name in vars(owner)
        self.undo.append((owner, name, vars(owner)[name] if own else old, own))
        setattr(owner, name, new)
        return old

    def _modules(self) -> None:
        recorder = self.recorder
        call, init, train = nn.Module.__call__, nn.Module.__init__, nn.Module.train

        def __call__(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return recorder.called(functools.partial(call, module), module, args, kwargs)

        def __init__(module: nn.Module, *args: Any, **kwargs: Any) -> None:
            init(module, *args, **kwargs)
            recorder.built(module)

        def new_train(module: nn.Module, mode: bool = True) -> Any:
            return recorder.train_mode(train, module, mode)

        def __init_subclass__(cls: Any, **kwargs: Any) -> None:
            super(nn.Module, cls).__init_subclass__(**kwargs)  # type: ignore[misc]
            forward = cls.__dict__.get("forward")
            if callable(forward) and is_users(
                getattr(getattr(forward, "__code__", None), "co_filename", "site-packages")
            ):
                cls.forward = _calls(recorder, forward)

        load = nn.Module.load_state_dict

        @functools.wraps(load)
        def load_state_dict(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            recorder.loaded(module)
            return load(module, *args, **kwargs)

        self.put(nn.Module, "load_state_dict", load_state_dict)
        self.put(nn.Module, "__call__", __call__)
        self.put(nn.Module, "__init__", __init__)
        self.put(nn.Module, "train", new_train)
        self.put(nn.Module, "__init_subclass__", classmethod(__init_subclass__))

    def _gradients(self) -> None:
        recorder = self.recorder
        of_tensor, of_autograd = torch.Tensor.backward, torch.autograd.backward
        grad, zero = torch.autograd.grad, nn.Module.zero_grad

        def tensor_backward(self: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            return recorder.backward(of_tensor, self, (self, *args), kwargs)

        def autograd_backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            return recorder.backward(of_autograd, tensors, (tensors, *args), kwargs)

        def autograd_grad(*args: Any, **kwargs: Any) -> Any:
            recorder.event("grad")
            recorder.tracer.paused += 1
            try:
                return grad(*args, **kwargs)
            finally:
                recorder.tracer.paused -= 1

        def zero_grad(module: nn.Module, set_to_none: bool = True) -> None:
            recorder.zero_grad(list(module.parameters()))
            zero(module, set_to_none)

        self.put(torch.Tensor, "backward", tensor_backward)
        self.put(torch.autograd, "backward", autograd_backward)
        self.put(torch.autograd, "grad", autograd_grad)
        self.put(nn.Module, "zero_grad", zero_grad)
        for name in ("clip_grad_norm_", "clip_grad_value_", "clip_grad_norm"):
            if hasattr(nn.utils, name):
                new = self._clip(getattr(nn.utils, name))
                self.put(nn.utils, name, new)
                if hasattr(nn.utils.clip_grad, name):
                    self.put(nn.utils.clip_grad, name, new)

    def _clip(self, original: Any) -> Any:
        recorder = self.recorder

        @functools.wraps(original)
        def clip(parameters: Any, *args: Any, **kwargs: Any) -> Any:
            params = [parameters] if isinstance(parameters, torch.Tensor) else list(parameters)
            recorder.clipped(params)
            recorder.tracer.paused += 1
            try:
                return original(params, *args, **kwargs)
            finally:
                recorder.tracer.paused -= 1

        return clip

    def _optimizers(self) -> None:
        recorder, init, zero = self.recorder, Optimizer.__init__, Optimizer.zero_grad

        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            recorder.tracer.paused += 1
            try:
                init(optimizer, *args, **kwargs)
            finally:
                recorder.tracer.paused -= 1
            recorder.optimizer_built(optimizer)

        def zero_grad(optimizer: Any, set_to_none: bool = True) -> None:
            recorder.zero_grad([p for g in optimizer.param_groups for p in g["params"]])
            zero(optimizer, set_to_none)

        self.put(Optimizer, "__init__", __init__)
        self.put(Optimizer, "zero_grad", zero_grad)

    def _schedules(self) -> None:
        classes = [c for c in vars(lr_scheduler).values() if isinstance(c, type) and hasattr(c, "step")]
        for cls in classes:
            if "step" in vars(cls):
                self.put(cls, "step", self._schedule_step(vars(cls)["step"]))
            if "__init__" in vars(cls):
                self.put(cls, "__init__", self._schedule_init(vars(cls)["__init__"]))

    def _schedule_step(self, original: Any) -> Any:
        recorder = self.recorder

        @functools.wraps(original)
        def step(scheduler: Any, *args: Any, **kwargs: Any) -> Any:
            if not recorder.depth["schedule"]:
                recorder.schedule_step(scheduler, args, kwargs)
            with recorder._inside("schedule"):
                return original(scheduler, *args, **kwargs)

        return step

    def _schedule_init(self, original: Any) -> Any:
        recorder = self.recorder

        @functools.wraps(original)
        def __init__(scheduler: Any, *args: Any, **kwargs: Any) -> None:
            outer = not recorder.depth["schedule"]
            with recorder._inside("schedule"):
                original(scheduler, *args, **kwargs)
            if outer:
                recorder.schedule_built(scheduler)

        return __init__

    def _loaders(self) -> None:
        """Loaders work in this process: what their workers do would not be seen."""
        recorder, init, enter = self.recorder, DataLoader.__init__, DataLoader.__iter__
        base = dataloader_module._BaseDataLoaderIter
        draw = base.__next__

        @functools.wraps(init)
        def __init__(loader: Any, *args: Any, **kwargs: Any) -> None:
            names = init.__code__.co_varnames[1 : 1 + len(args)]
            given = {**dict(zip(names, args)), **kwargs}
            if given.get("num_workers"):
                given = {k: v for k, v in given.items() if k not in _OF_WORKERS}
            init(loader, **given)

        def __iter__(loader: Any) -> Any:
            seen = recorder.loader_entered(loader, here())
            made = enter(loader)
            try:
                setattr(made, "_steepest_loader", seen.loader)  # noqa: B010
            except AttributeError:
                pass
            return made

        def __next__(iterator: Any) -> Any:
            recorder.tracer.paused += 1
            try:
                batch = draw(iterator)
            finally:
                recorder.tracer.paused -= 1
            loader = getattr(iterator, "_steepest_loader", None)
            if loader is not None:
                recorder.batch_drawn(loader, batch)
            return batch

        self.put(DataLoader, "__init__", __init__)
        self.put(DataLoader, "__iter__", __iter__)
        self.put(base, "__next__", __next__)

    def _our_losses(self) -> None:
        """Losses of steepest are told under the name of torch's twin; how they compute is theirs."""
        recorder, call = self.recorder, Loss.__call__

        @functools.wraps(call)
        def told(item: Any, *args: Any, **kwargs: Any) -> Any:
            name = TWINS.get(item.name)
            if name is None or recorder.tracer.paused or kwargs.get("from_probs"):
                return call(item, *args, **kwargs)

            def quietly(*args: Any, **kwargs: Any) -> Any:
                recorder.tracer.paused += 1
                try:
                    return call(item, *args, **kwargs)
                finally:
                    recorder.tracer.paused -= 1

            quietly.__name__ = name
            return recorder.tracer.__torch_function__(quietly, (), args, kwargs)

        self.put(Loss, "__call__", told)

    def _files(self) -> None:
        """torch.save opens paths in C++; through Python's open they go where all other writing goes."""
        recorder, save = self.recorder, torch.save

        @functools.wraps(save)
        def through_open(obj: Any, f: Any, *args: Any, **kwargs: Any) -> None:
            recorder.tracer.paused += 1
            try:
                if isinstance(f, (str, os.PathLike)):
                    with open(f, "wb") as opened:
                        save(obj, opened, *args, **kwargs)
                else:
                    save(obj, f, *args, **kwargs)
            finally:
                recorder.tracer.paused -= 1

        self.put(torch, "save", through_open)


TWINS = {
    "cross_entropy": "cross_entropy", "nll": "nll_loss", "bce": "binary_cross_entropy", "mse": "mse_loss", "l1": "l1_loss",
    "bce_with_logits": "binary_cross_entropy_with_logits", "huber": "huber_loss", "smooth_l1": "smooth_l1_loss", "focal": "cross_entropy",
}  # fmt: skip
_OF_WORKERS = ("num_workers", "prefetch_factor", "persistent_workers", "multiprocessing_context", "timeout", "worker_init_fn",
               "in_order")  # fmt: skip


def _calls(recorder: Any, forward: Any) -> Any:
    """`model.forward(x)` counts as a call of the model too."""

    @functools.wraps(forward)
    def counted(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if not recorder.active or not isinstance(module, nn.Module):
            return forward(module, *args, **kwargs)
        return recorder.called(functools.partial(forward, module), module, args, kwargs)

    return counted
