"""Two processes on gloo: what sums of gradients that run beside the backward pass gain over sums behind it.

    python bench/fit_ranks.py [--rounds 15] [--width 1024] [--depth 6] [--rows 64]

Wall time of a forward and backward pass and of the sums, the slower process; ways in turn:
- alone: no sums, what both ways wait for,
- behind: buckets of 24 MB, after the backward pass,
- beside: as steepest.fit does it, a bucket travels as soon as its gradients are there,
- torch's: DistributedDataParallel, buckets of 25 MB.
Ratios are of least and median. On a machine with as many processes as cores the sums want the cores that the backward
pass has; with a second machine behind a wire they would not.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from steepest.fit.sums import Sums, sum_behind


def ways(width: int, depth: int, rows: int) -> dict[str, Callable[[], None]]:
    torch.manual_seed(0)
    layers = [layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())]
    model = nn.Sequential(*layers)
    twin = DistributedDataParallel(nn.Sequential(*layers))  # of the same weights
    x, parameters = torch.randn(rows, width), [*model.parameters()]
    sums = Sums(parameters)

    def alone() -> None:
        model.zero_grad()
        model(x).square().mean().backward()

    def behind() -> None:
        alone()
        sum_behind(parameters)

    def beside() -> None:
        model.zero_grad()
        value = model(x).square().mean()
        sums.begin()
        value.backward()
        sums.send_rest()
        sums.finish(are_kept=True)

    def torchs() -> None:
        twin.zero_grad()
        twin(x).square().mean().backward()

    return {"alone": alone, "behind": behind, "beside": beside, "torch's": torchs}


def one_process(asked: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    found = ways(asked.width, asked.depth, asked.rows)
    spent: dict[str, list[float]] = {name: [] for name in found}
    for name in [name for _ in range(asked.rounds + 2) for name in found]:
        distributed.barrier()
        begun = time.perf_counter()
        found[name]()
        seconds = torch.tensor(time.perf_counter() - begun, dtype=torch.float64)
        distributed.all_reduce(seconds, distributed.ReduceOp.MAX)
        spent[name].append(seconds.item())
    if distributed.get_rank() == 0:
        n = asked.depth * asked.width * (asked.width + 1)
        print(f"torch {torch.__version__}, {os.cpu_count()} cores, {n:,} parameters, {asked.rows} rows a process")
        print(f"{'':10}{'least ms':>10}{'median ms':>11}{'to behind':>11}{'':>7}")
        behind = spent["behind"][2:]
        for name, times in ((name, times[2:]) for name, times in spent.items()):
            middle = statistics.median(times)
            ratios = f"{min(times) / min(behind):11.2f}{middle / statistics.median(behind):7.2f}"
            print(f"{name:10}{min(times) * 1e3:10.1f}{middle * 1e3:11.1f}{ratios}")
    distributed.destroy_process_group()


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--rounds", type=int, default=15)
    asked.add_argument("--width", type=int, default=1024)
    asked.add_argument("--depth", type=int, default=6)
    asked.add_argument("--rows", type=int, default=64)
    given = asked.parse_args()
    if "RANK" in os.environ:
        one_process(given)
        return
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    common = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    words = [sys.executable, *sys.argv]
    started = [subprocess.Popen(words, env=common | {"RANK": str(rank)}) for rank in range(2)]
    sys.exit(max(one.wait() for one in started))


if __name__ == "__main__":
    main()
