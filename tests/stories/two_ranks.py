"""One of two processes that share a batch unevenly: `python two_ranks.py RANK FOLDER`. Not a test; test_losses_over_ranks runs it.

Each loss of separate items is trained one step under DistributedDataParallel, by its parts, and without; both gradients are kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "contract"))
from loss_cases import LOSSES, Given, as_input, batch, take

SHARES = (slice(0, 2), slice(2, 6))
WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 3.0, 0.25, 0.0], dtype=torch.float64)


def step(loss: Given, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradient of the whole batch: of both ranks together, and of one model alone."""
    like, y = batch(loss, 6)
    rows = torch.randn(6, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    models = [torch.nn.Linear(3, like[0].numel(), dtype=torch.float64) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    for model in models:
        for p in model.parameters():
            dist.broadcast(p.detach(), 0)
    share, shared = SHARES[rank], DistributedDataParallel(models[0])
    x = as_input(loss, shared(rows[share]).reshape(-1, *like.shape[1:]))
    numerator, denominator = loss.parts(x, take(y, share), weight=WEIGHTS[share])
    dist.all_reduce(denominator)
    (numerator / denominator * dist.get_world_size()).backward()  # DDP takes the mean over ranks
    loss(as_input(loss, models[1](rows).reshape(like.shape)), y, weight=WEIGHTS).backward()
    return models[0].weight.grad, models[1].weight.grad


def main(rank: int, folder: Path) -> None:
    torch.manual_seed(0)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    found = {item.name: step(item, rank) for item in LOSSES if not item.target.is_coupled}
    torch.save(found, folder / f"rank{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
