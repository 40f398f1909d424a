"""How the trials of a rung are cut into shards, each trained as one population: a rule that sees no machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .engines import Sample, look_at
from .memory import Need, held_bytes
from .race import TrialKey
from .task import Task
from .trial import Arm, Trial

MOST_TRIALS = {"cpu": 32}
"""In a shard whose trials pass through the model together: on a CPU no more gain by it (compare/team.py)."""
MOST_ELSEWHERE = 128
MOST_LOOPED = 8
"""In a shard whose trials run one after another: some, for the steps of their rules; few, so that nobody waits."""
HEAVY_BYTES, MOST_HEAVY = 2**20, 8
"""Trials that hold so much keep a core busy by themselves, and in large numbers leave its cache: in 10 + 10 instead of
20 a 64-256-256-10 net costs 1.05 times as much, 64-64-64-10 1.24 times."""
MEMORY = 2**29
"""Bytes of a shard, where no limit is given."""


def most_together(task: Task, arms: Mapping[str, Arm], engine: str, memory: int = MEMORY) -> int:
    """How many trials a shard may have, by one pass of a fresh model over some rows: the same on every machine."""
    model, trials = task.build(0), [Trial(arm, 0.0, 0) for arm in arms.values()]
    need = Need(held_bytes(model, trials), look_at(Sample.of(task, model, 0)).passing_bytes)
    most = MOST_LOOPED if engine == "loop" else MOST_TRIALS.get(task.device.type, MOST_ELSEWHERE)
    if task.device.type == "cpu" and need.held > HEAVY_BYTES:
        most = min(most, MOST_HEAVY)
    return min(most, need.most_trials(memory))


def cut(keys: Sequence[TrialKey], arms: Mapping[str, Arm], most: int) -> list[list[TrialKey]]:
    """Shards of near-equal size, at most `most`; trials of one rule and arm stand together."""
    order = sorted(keys, key=lambda k: (arms[k.arm].rule.name, k.arm, k.seed, k.learning_rate))
    n_shards = -(-len(order) // most)
    edges = [len(order) * i // n_shards for i in range(n_shards + 1)]
    return [order[a:b] for a, b in zip(edges, edges[1:])]
