"""KL divergence of numbers that are no log-probabilities, or with its arguments swapped."""

from __future__ import annotations

from collections.abc import Iterator

from steepest.core.checks import check

from ..examples import MLP3, training
from ..facts import Facts
from ..finding import Seen
from ..reading.network import no_logarithms
from ..seeing import losses, number, rows_sum_to_one


@check(
    code="L09",
    title="KLDivLoss is fed with something else than log-probabilities",
    damage=(
        "KLDivLoss computes target * (log target - input): of probabilities or logits that is no "
        "divergence, may be negative, and its minimum is not at the target."
    ),
    repair='F.kl_div(F.log_softmax(output, dim=1), target_probabilities, reduction="batchmean").',
    bad=training(
        data="X = torch.randn(240, 8)\ny = torch.softmax(X @ torch.randn(8, 3), dim=1)\n",
        model=MLP3.replace("3))", "3), nn.Softmax(dim=1))"),
        loss="loss_fn = nn.KLDivLoss(reduction='batchmean')\n",
    ),
    good=training(
        data="X = torch.randn(240, 8)\ny = torch.softmax(X @ torch.randn(8, 3), dim=1)\n",
        model=MLP3.replace("3))", "3), nn.LogSoftmax(dim=1))"),
        loss="loss_fn = nn.KLDivLoss(reduction='batchmean')\n",
    ),
    needs="batch",
    certainty="proven",
    severity="error",
    source="https://github.com/microsoft/ProDA/issues/43; PyTorch documentation, KLDivLoss",
)
def kl_div_of_no_logarithms(facts: Facts) -> Iterator[Seen]:
    yield from facts.read(no_logarithms)
    for call, output, target in losses(facts, "kl_div"):
        op, line = call.op, call.op.place.line
        log_target = bool(op.value(-1, "log_target", False))
        sums = [output.double().exp().sum(d) for d in {output.dim() - 1, min(1, output.dim() - 1)}]
        if rows_sum_to_one(output):
            yield Seen("the input of kl_div holds probabilities (rows sum to 1), it needs their logarithms", line)
        elif all(bool(((s - 1).abs() > 0.02).any()) for s in sums):
            yield Seen(
                f"exp of the input's rows sums to {number(sums[0].min())} ... {number(sums[0].max())}, it must be 1",
                line,
            )
        elif not log_target and bool((target < 0).any()):
            yield Seen(
                f"the target of kl_div goes down to {number(target.min())}: these are logarithms, and log_target is False",
                line,
            )
        elif op.grad and op.tensor(1, "target").requires_grad and not op.tensor(0, "input").requires_grad:
            yield Seen("the arguments are swapped: what is trained stands in the place of the target", line)
        elif op.value(-1, "reduction", "mean") == "mean" and op.value(-1, "size_average") is None:
            yield Seen(
                f"reduction='mean' divides by all {output.numel()} numbers, not by the {output.shape[0]} samples",
                line,
                severity="warning",
            )
