"""What the recorder sees of optimizers and schedules: a state machine over clearing, backward and step."""

from __future__ import annotations

import time
from typing import Any

from torch import Tensor

from .gradients import is_zero
from .patches import Patches
from .place import Place, here
from .record import Event, OptimizerSeen, Run
from .tracer import Tracer


class Optimizers:
    """The half of the recorder that torch.optim and the schedules tell. The recorder has the attributes."""

    run: Run
    tracer: Tracer
    stepping: list[OptimizerSeen]
    stepped_since_backward: bool
    first_step: float
    stops_tracing_after: int
    has_traced: bool
    when_stepped: Any
    _tracing: Any
    _patches: Patches | None

    def event(self, kind: str, of: Any = None, **data: Any) -> Event:
        raise NotImplementedError

    def _count_inside(self, place: Place, which: int) -> None:
        raise NotImplementedError

    def _look_clean(self, o: OptimizerSeen) -> bool:
        if not o.clean and o.steps < 400:
            o.clean = all(is_zero(p.grad) for p in o.params)
        return o.clean

    def zero_grad(self, params: list[Tensor]) -> None:
        """Before gradients are cleared."""
        place, ids = here(), {id(p) for p in params}
        self.run.events.append(Event("zero", place, self.tracer.count))
        for o in self.run.optimizers:
            if o.steps > 400 or not any(id(p) in ids for p in o.params):
                continue
            unused = o.backward_since_step and not self.stepped_since_backward and o not in self.stepping
            if unused and any(not is_zero(p.grad) for p in o.params if id(p) in ids):
                o.thrown_away.append(place)
            o.last_zero = place
            o.zeroed_since_backward = True

    def optimizer_built(self, optimizer: Any) -> None:
        params = [p for g in optimizer.param_groups for p in g["params"]]
        seen = OptimizerSeen(optimizer, params, here(), self.tracer.count)
        seen.first_lr = _lr(optimizer)
        self.run.optimizers.append(seen)

    def seen(self, optimizer: Any) -> OptimizerSeen:
        for o in reversed(self.run.optimizers):
            if o.optimizer is optimizer:
                if sum(len(g["params"]) for g in optimizer.param_groups) != len(o.params):
                    o.params = [p for g in optimizer.param_groups for p in g["params"]]
                return o
        self.optimizer_built(optimizer)
        return self.run.optimizers[-1]

    def before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        o = self.seen(optimizer)
        closure = kwargs.get("closure") or next((a for a in args if callable(a) and a is not optimizer), None)
        o.has_closure = closure is not None
        if not o.has_closure:
            self.tracer.paused += 1
        self.stepping.append(o)
        if o.steps > 400 or o.has_closure:
            return
        place = here()
        if o.backward_since_step:
            if o.steps and not o.clean:
                o.dirty_steps.append(place)
            if o.zeroed_since_backward and all(is_zero(p.grad) for p in o.params):
                o.empty_steps.append(place)
        if o.steps < 40:
            for p in o.params:
                if p.requires_grad and p.grad is None:
                    o.unreached[id(p)] = o.unreached.get(id(p), 0) + 1

    def after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        o = self.stepping.pop() if self.stepping else self.seen(optimizer)
        if not o.has_closure and self.tracer.paused:
            self.tracer.paused -= 1
        o.steps += 1
        o.clean = False
        o.backward_since_step = 0
        if len(o.lrs) < 5000:
            o.lrs.append(_lr(optimizer))
        self.stepped_since_backward = True
        self.run.steps += 1
        self.tracer.step = self.run.steps
        self.first_step = self.first_step or time.process_time()
        event = self.event("step", o)
        self._count_inside(event.place, 0)
        if self.stops_tracing_after and self.run.steps == self.stops_tracing_after:
            self._tracing.close()
            self.has_traced = True
            if self._patches is not None:
                self._patches.leave_models()
        if self.when_stepped is not None:
            self.when_stepped(self.run.steps)

    def schedule_built(self, scheduler: Any) -> None:
        self.event("schedule built", scheduler)

    def schedule_step(self, scheduler: Any, args: Any, kwargs: Any) -> None:
        given = args[0] if args else kwargs.get("metrics", kwargs.get("epoch"))
        event = Event("schedule", here(), self.tracer.count, scheduler, {"given": given, "steps": self.run.steps})
        if len(self.run.schedules) < 5000:
            self.run.schedules.append(event)

    def clipped(self, params: list[Tensor]) -> None:
        ids = {id(p) for p in params}
        data = {}
        for o in self.run.optimizers:
            if any(id(p) in ids for p in o.params):
                data = {
                    "backward": o.backward_since_step,
                    "steps": o.steps,
                    "empty": all(is_zero(p.grad) for p in params),
                }
        self.run.clips.append(Event("clip", here(), self.tracer.count, None, data))


def _lr(optimizer: Any) -> float:
    return max((float(g.get("lr", 0.0) or 0.0) for g in optimizer.param_groups), default=0.0)
