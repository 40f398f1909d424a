"""The rule's step of one large parameter, a piece at a time: what surrounds the rule needs no copy of all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from .apply import Block, Scratch
from .states import raise_counts
from .work import Member, Work, run_elementwise


class Pieces:
    """A step of a rule that looks at single elements. It counts as one: nothing is counted before the first piece."""

    def __init__(self, work: Work, param: Tensor, member: Callable[[], Member]) -> None:
        """work: of the parameter's group, without members; member: makes the states and says what takes part."""
        self.param = param
        self._work, self._make, self._scratch = work, member, Scratch()
        self._member: Member | None = None
        self._scalars: dict[str, Any] = {}

    def move(self, block: Block, param: Tensor, grad: Tensor) -> None:
        """One step of `param`, which is a view of param[block], along this gradient."""
        self._run(param, grad, self._states(block))

    def rehearse(self, block: Block, param: Tensor, grad: Tensor) -> None:
        """The same where `param` is a copy, which alone moves."""
        self._run(param, grad, {name: value.clone() for name, value in self._states(block).items()})

    def _states(self, block: Block) -> dict[str, Any]:
        if self._member is None:
            self._member = self._make()
            if "step" in self._member.state:
                raise_counts([self._member.state["step"]])
                self._member.count = self._member.state["step"].item()
        return {name: self._member.state[name][block] for name in self._work.tensor_states}

    def _run(self, param: Tensor, grad: Tensor, states: dict[str, Any]) -> None:
        whole, work = self._member, self._work
        assert whole is not None
        self._scalars = {name: whole.state[name].clone() for name in work.rule.scalar_states}
        work.members = [Member(param, grad, {**states, **self._scalars}, whole.count)]
        run_elementwise(work, self._scratch)

    def close(self) -> None:
        """Every piece began with the same scalar states; what became of them is written once."""
        for name, value in self._scalars.items():
            assert self._member is not None
            self._member.state[name].copy_(value)
