"""Trains many trials at once, each as it would alone: one forward pass for all, a loss and a rule for each group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from steepest.core.declare import Schedule
from steepest.core.errors import UsageError
from steepest.core.sealed import kept_generator
from steepest.kernels.allocator import keep_freed_memory

from .batches import Batches, Stretch
from .dropout import StepMasks
from .engines import ENGINES, Choice, Sample, check_engine_name, choose
from .groups import places, training_order
from .memory import CACHED_LAYERS_BYTES, PASSING_BYTES, Need, held_bytes
from .probe import fastest
from .task import Part, Task
from .team import make_teams
from .trial import Arm, Trial
from .weights import Weights

CHOICES: WeakKeyDictionary[Task, dict[str, Choice]] = WeakKeyDictionary()
"""Of each task, by the engine that was asked for: its model is looked at and tried once, 8 ms for a small one."""
JUDGED_NUMBERS = 2**20
"""Input numbers that pass through the models at once in evaluation: bounds the memory of activations."""


class Population:
    """K trials of one task, in training together.

    horizon: the step at which every schedule ends.
    engine: "auto" (a fixed rule), "stacked", "vmap", "loop", or "probe" (measures them and takes the fastest).
    memory: bytes that the trials may take; as many pass through the model together as fit; UsageError if none can.
    Everything that comes out stands in the order of `trials`. `.engine` is the one in use, `.message` says why.
    """

    def __init__(
        self,
        task: Task,
        trials: Sequence[Trial],
        *,
        horizon: int,
        engine: str = "auto",
        memory: int | None = None,
    ) -> None:
        check_engine_name(engine)
        if not trials:
            raise UsageError(
                where="Population",
                seen="no trial",
                needed="at least one was needed",
                repair="Trial(arm, learning_rate, seed)",
            )
        for arm in {id(t.arm): t.arm for t in trials}.values():
            task.check(arm)
        keep_freed_memory()
        self.task, self.trials, self.horizon, self.step_index = task, list(trials), horizon, 0
        order = training_order(trials)
        self._in_order = [trials[i] for i in order]
        self._row_of = {trial: row for row, trial in enumerate(order)}
        self._order = torch.tensor(order)
        self._rows = torch.tensor([self._row_of[i] for i in range(len(trials))])
        seeds = sorted({t.seed for t in trials})
        self._schedules, self._schedule_of = _distinct([t.arm for t in self._in_order])
        self._peaks = torch.tensor([t.learning_rate for t in self._in_order], dtype=torch.float64)
        self._reduction = torch.ones(len(trials), dtype=torch.float64)
        self._batches = Batches(task, seeds)
        self._seed_rows = torch.tensor([seeds.index(t.seed) for t in self._in_order], device=task.device)
        models = [task.build(seed) for seed in seeds]
        choice, measured = self._choose(engine, models[0], memory)
        self._engine, self.message = choice.engine, measured or choice.message
        most = self._most_passing(models[0], choice, memory)
        self._weights = Weights(models, self._seed_rows.tolist())
        self._teams = make_teams(
            self._in_order, self._weights, self._engine, self._batches, self._seed_rows, most, horizon
        )
        self._losses = torch.zeros(len(trials), dtype=torch.float64, device=task.device)
        self._n_losses, self._has_failed = 0, torch.zeros(len(trials), dtype=torch.bool, device=task.device)

    @property
    def engine(self) -> str:
        return self._engine.name

    # -- training ----------------------------------------------------------------------------------------------------

    def train(self, n_steps: int) -> None:
        """n_steps more steps of every trial; a diverged one goes on with its NaN and disturbs nobody."""
        with kept_generator():
            for stretch in self._batches.stretches(self.step_index, n_steps):
                rates, masks = self._rates(stretch), self._masks(stretch)
                for team in self._teams:
                    team.train(stretch, masks, rates, self._losses)
                self.step_index += len(stretch)
                self._n_losses += len(stretch)

    def reduce(self, multipliers: Tensor) -> None:
        """Multiply the learning rates of all further steps by these (K,), beside what the schedules say."""
        self._reduction = multipliers.double().cpu()[self._order]

    def _masks(self, stretch: Stretch) -> list[StepMasks]:
        task, seeds = self.task, self._batches.seeds
        return [
            StepMasks(task.seed, seeds, stretch.first_step + i, task.dtype, task.device) for i in range(len(stretch))
        ]

    def _rates(self, stretch: Stretch) -> Tensor:
        """Learning rates (n, K) of the steps of a stretch, in float64."""
        steps = torch.arange(stretch.first_step, stretch.first_step + len(stretch), dtype=torch.float64)
        curves = [schedule(steps, float(self.horizon), **hyper) for schedule, hyper in self._schedules]
        return (torch.stack(curves, 1)[:, self._schedule_of] * self._peaks * self._reduction).to(self.task.device)

    # -- what came of it ---------------------------------------------------------------------------------------------

    def mean_loss(self) -> Tensor:
        """Each trial's mean training loss since the last call (K,), float64; NaN when there was no step."""
        self._note_failures()
        mean = self._losses / self._n_losses if self._n_losses else torch.full_like(self._losses, torch.nan)
        self._losses, self._n_losses = torch.zeros_like(self._losses), 0
        return mean.cpu()[self._rows]

    @property
    def diverged(self) -> Tensor:
        """(K,) bool: trials whose loss or parameters became NaN or infinite."""
        self._note_failures()
        return self._has_failed.cpu()[self._rows]

    def _note_failures(self) -> None:
        """A sum of losses with one NaN or infinity in it is not finite: no step has to look."""
        self._has_failed |= ~self._losses.isfinite()
        for flat in self._weights.flats:
            self._has_failed |= ~flat.values.isfinite().all(1)

    def predict(self, parts: Part | Tensor | Mapping[int, Part | Tensor] | Callable[[int], Part]) -> Tensor:
        """Outputs (K, N, *) in evaluation mode. parts: rows for all trials, or each seed's own (mapping, function)."""
        per_seed = [_rows_of(parts, seed) for seed in self._batches.seeds]
        n_rows = len(per_seed[0])
        found = []
        with torch.no_grad(), kept_generator(), self._at_evaluated():
            for block in (block for team in self._teams for block, _ in team.blocks):
                n_together = max(1, JUDGED_NUMBERS // (len(block.seed_rows) * per_seed[0][0].numel()))
                cuts = [torch.stack([x[i : i + n_together] for x in per_seed]) for i in range(0, n_rows, n_together)]
                found.append(torch.cat([self._engine.judge(block, x) for x in cuts], 1))
        return torch.cat(found)[self._rows.to(self.task.device)]

    def learned_factors(self) -> list[list[float]]:
        """Of each trial what the summands of its loss are multiplied by now; nothing where that is not learned."""
        by_row = {row: own for team in self._teams for found in team.learned for row, own in found.by_row().items()}
        return [by_row.get(self._row_of[k], []) for k in range(len(self.trials))]

    def model(self, k: int) -> nn.Module:
        """A copy of trial k's model as a plain module, in evaluation mode, with the weights at which it is judged."""
        with self._at_evaluated():
            return self._weights.copy(self._row_of[k]).eval()

    @contextmanager
    def _at_evaluated(self) -> Iterator[None]:
        """For a while the rows hold the weights at which the trials are judged: running means, where one keeps them."""
        rules = [rule for team in self._teams for rule in team.rules]
        with torch.no_grad():
            kept = [rule.put_evaluated(self._weights) for rule in rules]
        try:
            yield
        finally:
            with torch.no_grad():
                for rule, values in zip(rules, kept):
                    rule.put_back(self._weights, values)

    # -- set-up ------------------------------------------------------------------------------------------------------

    def _most_passing(self, model: nn.Module, choice: Choice, memory: int | None) -> int:
        n = len(self.trials)
        cached = max(1, CACHED_LAYERS_BYTES // max(1, choice.layer_bytes)) if self.task.device.type == "cpu" else n
        if memory is None:
            return min(cached, Need(0, choice.passing_bytes).most_passing(n, PASSING_BYTES))
        need = Need(held_bytes(model, self.trials), choice.passing_bytes)
        need.refuse_more(n, memory)
        return min(cached, need.most_passing(n, memory))

    def _choose(self, asked: str, model: nn.Module, memory: int | None) -> tuple[Choice, str]:
        """The engine, and what the probe measured, if asked; the probe tries fresh populations of the same trials."""
        measured = ""
        if asked == "probe":
            asked, measured = fastest(
                lambda name: Population(self.task, self.trials, horizon=self.horizon, engine=name, memory=memory),
                ENGINES,
            )
        known = CHOICES.setdefault(self.task, {})
        if asked not in known:
            known[asked] = choose(asked, Sample.of(self.task, model, self._batches.seeds[0]))
        return known[asked], measured


def _distinct(arms: Sequence[Arm]) -> tuple[list[tuple[Schedule, Mapping[str, Any]]], Tensor]:
    """The schedules of these arms with their hyperparameters, each once, and which of them is whose."""
    keys = [(id(arm.schedule), tuple(sorted(arm.schedule_hyper.items()))) for arm in arms]
    groups = places(keys)
    of_arm = torch.empty(len(arms), dtype=torch.long)
    for i, group in enumerate(groups):
        of_arm[group] = i
    return [(arms[group[0]].schedule, arms[group[0]].schedule_hyper) for group in groups], of_arm


def _rows_of(parts: Part | Tensor | Mapping[int, Part | Tensor] | Callable[[int], Part], seed: int) -> Tensor:
    own = (
        parts[seed]
        if isinstance(parts, Mapping)
        else parts(seed)
        if callable(parts) and not isinstance(parts, Tensor)
        else parts
    )
    return own.x if isinstance(own, Part) else own  # type: ignore[return-value]
