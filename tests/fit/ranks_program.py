"""One process of a run over several: python ranks_program.py OUT KIND, with torchrun's environment; rank 0 writes OUT."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from steepest.fit import fit, loop


def main(out: Path, kind: str, *rest: str) -> None:
    torch.set_num_threads(1)
    draw = torch.Generator().manual_seed(2)
    x = torch.randn(107, 5, generator=draw, dtype=torch.float64)
    y = (x @ torch.randn(5, 3, generator=draw, dtype=torch.float64)).argmax(1)
    weight = torch.rand(107, generator=draw, dtype=torch.float64)
    weight[:40] = 0.0
    torch.manual_seed(3 + int(os.environ.get("RANK", "0")))  # other weights in each process: the first one's count
    model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3), nn.Linear(3, 3)).double()
    options = {"validation": (x[:31], y[:31]), "metrics": "accuracy, auroc"}
    data = (x, y, weight)
    if kind == "loader":
        data = DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True)
    elif kind == "accumulated":
        options |= {"accumulate": 2, "clip_norm": 0.5, "ema": 0.9}
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
    history = fit(
        model,
        data,
        loss="cross_entropy(ignore_index=2)" if kind == "ignored" else "cross_entropy",
        optimizer="adamw(lr=0.01)",
        epochs=3,
        batch_size=16,
        progress=False,
        check=False,
        **options,
    )
    rank = os.environ.get("RANK", "0")
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history]
    weights = [p.tolist() for p in model.parameters()]
    Path(f"{out}.{rank}").write_text(json.dumps({"rows": rows, "weights": weights, "stopped": history.stopped}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
