"""How the trials of a rung are cut into shards, each trained as one population: a rule that sees no machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

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
WEIGHTS = ((2**20, 8), (3 * 2**17, 16))
"""(bytes that a trial holds, most of such trials in a shard) on a CPU: those that keep a core busy by themselves, so that
cutting costs little, and in large numbers leave its cache. In 10 + 10 instead of 20 a 64-128-128-10 net costs 1.1 times as
much, 64-64-64-10 1.2, 30-64-1 1.55 (bench/two_processes.py)."""
PASSES = ((2**22, 8), (2**20, 16))
"""(bytes that a batch of a trial leaves for its way back, most of such trials in a shard) on a CPU, for the same reason: 30
trials of a conv net of 28 x 28 (6 MB) in four shards cost 1.02 times as much as in one, in two of 8 x 8 (1.2 MB) 1.09."""
EVEN_BYTES = 2**17
"""Trials that hold so much, and those of PASSES, stand in an even number of shards: two workers then end together."""
FEWEST_TO_CUT = 16
"""With fewer trials in a rung, halves would cost more than they save."""
MEMORY = 2**29
"""Bytes of a shard, where no limit is given."""


@dataclass(frozen=True)
class Cut:
    """The rule of a study: at most so many trials in a shard; whether their number is even."""

    most: int
    is_even: bool

    def of(self, keys: Sequence[TrialKey], arms: Mapping[str, Arm]) -> list[list[TrialKey]]:
        """Shards of near-equal size; trials of one rule and arm stand together."""
        order = sorted(keys, key=lambda k: (arms[k.arm].rule.name, k.arm, k.seed, k.learning_rate))
        n_shards = -(-len(order) // self.most)
        if self.is_even and len(order) >= FEWEST_TO_CUT:
            n_shards = max(2, n_shards + n_shards % 2)
        edges = [len(order) * i // n_shards for i in range(n_shards + 1)]
        return [order[a:b] for a, b in pairwise(edges)]


def need_of(task: Task, arms: Mapping[str, Arm]) -> Need:
    """What a trial takes, by one pass of a fresh model over some rows: the same on every machine."""
    model, trials = task.build(0), [Trial(arm, 0.0, 0) for arm in arms.values()]
    return Need(held_bytes(model, trials), look_at(Sample.of(task, model, 0)).passing_bytes)


def cut_for(task: Task, arms: Mapping[str, Arm], engine: str, memory: int | None = None) -> Cut:
    """How the rungs of a study are cut; memory: bytes for the trials of a shard."""
    need = need_of(task, arms)
    most = MOST_LOOPED if engine == "loop" else MOST_TRIALS.get(task.device.type, MOST_ELSEWHERE)
    if task.device.type == "cpu":
        heavy = [n for n_bytes, n in WEIGHTS if need.held > n_bytes]
        most = min([most, *heavy, *(n for n_bytes, n in PASSES if need.passing > n_bytes)])
    is_even = need.held > EVEN_BYTES or need.passing > PASSES[-1][0]
    return Cut(min(most, need.most_trials(MEMORY if memory is None else memory)), is_even)
