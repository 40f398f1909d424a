"""A model that sees the tokens that it should predict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steepest.core.checks import check

from ..examples import TOKENS, training
from ..facts import Facts
from ..finding import Seen
from ..reading.sequences import shown_the_future
from ..running.graph import unflattened
from ..seeing import SQUARES, losses, number

if TYPE_CHECKING:
    from torch import Tensor


@check(
    code="T05",
    title="the output at time t depends on later input",
    damage=("The answer stands in the input: the loss goes to 0 in training, and generation yields nonsense."),
    repair=(
        "Pass a causal mask: nn.Transformer.generate_square_subsequent_mask(T), or is_causal=True in "
        "scaled_dot_product_attention; no bidirectional RNN."
    ),
    bad=training(
        data=TOKENS,
        model="""
class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 11)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.head(self.layer(self.embed(x))).transpose(1, 2)

model = Words()
""",
    ),
    good=training(
        data=TOKENS,
        model="""
class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 11)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        return self.head(self.layer(self.embed(x), src_mask=mask)).transpose(1, 2)

model = Words()
""",
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="https://github.com/pytorch/tutorials/issues/2478: TransformerEncoder is not causal",
)
def sees_the_future(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(shown_the_future)
    for call, _, _ in losses(facts, "cross_entropy", "nll_loss", *SQUARES):
        start = unflattened(call.op.ref(1, "target"))
        target = start.tensor if start else None
        if target is None or target.dim() < 2 or target.shape[1] < 4:
            continue
        for model in facts.run.calls if facts.run else ():
            if not model.inputs or model.step != call.op.step or not model.is_model or not model.kept:
                continue
            given = (
                model.inputs[-1] if len(model.inputs) > 1 and is_shifted(model.inputs[-1], target) else model.inputs[0]
            )
            if not is_shifted(given, target):
                continue
            moved = facts.run.look.looks_ahead(
                model, model.inputs.index(given) if given is model.inputs[0] else len(model.inputs) - 1
            )
            if moved > 1e-3:
                yield Seen(
                    f"the target is the input moved by one; changing the second half of the input moves the outputs of the first half "
                    f"by {number(moved)} of their spread",
                    call.op.place.line,
                )
                return


def is_shifted(given: Tensor, target: Tensor) -> bool:
    """The target at t is the input at t + 1."""
    if given.dim() != target.dim() or given.shape != target.shape or given.dim() < 2 or given.dtype != target.dtype:
        return False
    same = target[:, :-1] == given[:, 1:]
    return bool(same.all()) and not bool((given[:, 1:] == given[:, :-1]).all())
