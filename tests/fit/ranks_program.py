"""One process of a run over several: python ranks_program.py OUT KIND, with torchrun's environment; each writes OUT.

KIND may begin with "sharded ": the program applies fully_shard itself; or with "shard ": fit(..., shard=True) does.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from steepest.core.errors import Unsupported
from steepest.fit import fit, loop


def sharded(model: nn.Module) -> nn.Module:
    """In shards over the processes; they begin alike, as fully_shard asks for."""
    torch.distributed.init_process_group("gloo")
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    for parameter in model.parameters():
        torch.distributed.broadcast(parameter.detach(), src=0)
    mesh = init_device_mesh("cpu", (torch.distributed.get_world_size(),))
    fully_shard(model[2], mesh=mesh)
    return fully_shard(model, mesh=mesh)


class Failing:
    """A loss that raises an error in the tenth step."""

    def __init__(self) -> None:
        self.n_steps = 0

    def __call__(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.n_steps += torch.is_grad_enabled()
        if self.n_steps == 10:
            raise ArithmeticError("the tenth step")
        return nn.functional.cross_entropy(output, target)


def main(out: Path, kind: str, *rest: str) -> None:
    torch.set_num_threads(1)
    shards, kind = kind.split(" ", 1) if kind.startswith("shard") else ("", kind)
    is_alone = "RANK" not in os.environ
    draw = torch.Generator().manual_seed(2)
    x = torch.randn(107, 5, generator=draw, dtype=torch.float64)
    y = (x @ torch.randn(5, 3, generator=draw, dtype=torch.float64)).argmax(1)
    weight = torch.rand(107, generator=draw, dtype=torch.float64)
    weight[:40] = 0.0
    torch.manual_seed(3 + int(os.environ.get("RANK", "0")))  # other weights in each process: the first one's count
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3), nn.Linear(3, 3)).double()
    options = {"validation": (x[:31], y[:31]), "metrics": "accuracy, auroc", "shard": shards == "shard"}
    data = (x, y, weight)
    if kind == "loader":
        data = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    elif kind == "accumulated":
        options |= {"accumulate": 2, "clip_norm": 0.05, "ema": 0.9}
    elif kind == "best":
        options |= {"patience": 1, "optimizer": "sgd(lr=0.9, momentum=0.5)", "epochs": 6}
    elif kind == "averaging rule":
        options |= {"optimizer": "schedule_free_adamw(lr=0.01)"}
    elif kind == "few rows":  # fewer than processes in the last batch
        data = (x[:33], y[:33])
        options |= {"loss": nn.CrossEntropyLoss(), "batch_size": 4, "validation": (x[:5], y[:5])}
    elif kind == "halves":
        model, data = model.float(), (x.float(), y, weight.float())
        options |= {"precision": rest[0], "validation": (x[:31].float(), y[:31]), "clip_norm": 0.5}
    elif kind == "frozen part":
        model[0].requires_grad_(False)
    if kind == "dies":
        loop.BEAT_S = -1.0
        options |= {
            "out": rest[0],
            "checkpoint_s": 0.0,
            "callbacks": lambda e: os._exit(7) if e.step == int(rest[1]) else 0,
        }
    elif kind == "resumes":
        options |= {"out": rest[0]}
    elif kind == "stopped":
        options |= {"callbacks": lambda e: e.stop("enough") if e.kind == "step" and e.step == 9 else None}
    if shards == "sharded" and not is_alone:
        model = sharded(model)
    if kind == "wrapped" and not is_alone:
        torch.distributed.init_process_group("gloo")
        model = nn.parallel.DistributedDataParallel(model)
    asked = {"optimizer": "adamw(lr=0.01)", "epochs": 3, "batch_size": 16, "progress": False, "check": False}
    asked["loss"] = "cross_entropy(ignore_index=2)" if kind == "ignored" else "cross_entropy"
    if kind == "fails":
        return failing(out, model, data[:2], {**asked, **options, "loss": Failing()})
    history = fit(model, data, **{**asked, **options})
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history]
    write(out, {"rows": rows, "weights": weights_of(model), "stopped": history.stopped})


def failing(out: Path, model: nn.Module, data: Any, options: dict[str, Any]) -> None:
    """Two runs that end in an error: of a rule that shards cannot have, and of the loss."""
    if options["shard"]:
        with pytest.raises(Unsupported, match="muon looks at more"):
            fit(model, data, **{**options, "optimizer": "muon"})
    begun = weights_of(model)
    with pytest.raises(ArithmeticError):
        fit(model, data, **options)
    write(out, {"rows": [], "weights": weights_of(model), "begun": begun})


def weights_of(model: nn.Module) -> list[Any]:
    return [getattr(p, "full_tensor", lambda p=p: p)().tolist() for p in model.parameters()]


def write(out: Path, found: dict[str, Any]) -> None:
    Path(f"{out}.{os.environ.get('RANK', '0')}").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
    if torch.distributed.is_initialized():  # a group that nobody ends may abort its process at exit
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
