"""A padding mask that hides the tokens and shows the padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from steepest.core.checks import check

from ..examples import training
from ..facts import Facts
from ..finding import Seen
from ..reading.sequences import padding_turned_round

if TYPE_CHECKING:
    from torch import Tensor


@check(
    code="T06",
    title="the padding mask has the wrong polarity",
    damage=(
        "In torch True means: ignore this place. Turned round, the model reads the padding alone and is "
        "blind to the text."
    ),
    repair="key_padding_mask = tokens == padding id (True where there is nothing).",
    bad=training(
        data="""
lengths = torch.randint(3, 12, (240, 1))
X = torch.randint(1, 11, (240, 12)) * (torch.arange(12) < lengths)
y = (X > 5).sum(1) % 3
""",
        model="""
class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.layer(self.embed(x), src_key_padding_mask=x != 0).mean(1))

model = Bag()
""",
    ),
    good=training(
        data="""
lengths = torch.randint(3, 12, (240, 1))
X = torch.randint(1, 11, (240, 12)) * (torch.arange(12) < lengths)
y = (X > 5).sum(1) % 3
""",
        model="""
class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 16)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return self.head(self.layer(self.embed(x), src_key_padding_mask=x == 0)[:, 0])

model = Bag()
""",
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="PyTorch documentation, MultiheadAttention: key_padding_mask",
)
def padding_mask_turned_round(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(padding_turned_round)
    for call in facts.run.calls if facts.run else ():
        tokens = next(
            (t for t in call.inputs if t.dim() == 2 and not t.is_floating_point() and str(t.dtype) != "torch.bool"),
            None,
        )
        for layer in call.layers:
            for name in ("src_key_padding_mask", "key_padding_mask", "tgt_key_padding_mask"):
                mask = layer.kwargs.get(name)
                if mask is None or str(mask.dtype) != "torch.bool" or mask.dim() != 2:
                    continue
                real = hidden_tokens(mask, tokens)
                if real:
                    yield Seen(
                        f"{name} is True at {real:.0%} of the real tokens and False at the padding", call.place.line
                    )
                    return


def hidden_tokens(mask: Tensor, tokens: Tensor | None) -> float:
    """The share of real tokens under a mask that hides just them; 0.0 for a sound mask."""
    ends = mask[:, -1].float().mean()
    if tokens is not None and tokens.shape == mask.shape:
        pad = tokens[:, -1].mode().values
        is_pad = tokens == pad
        if bool(is_pad.any()) and bool((mask == ~is_pad).all()) and float(is_pad[:, 0].float().mean()) < 0.05:
            return 1.0
        return 0.0
    falling = bool((mask[:, :-1] >= mask[:, 1:]).all())
    return 1.0 if falling and bool(mask[:, 0].all()) and float(ends) < 0.9 and bool((~mask).any()) else 0.0
