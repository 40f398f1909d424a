"""torch's own test data of its losses, driven through torch.nn and through steepest.nn: what each gets right.

    python bench/torch_suite.py [seed]

Parts: module_db, criterion_tests (with the reductions that their names say), loss_reference_fns and the loss OpInfos of
op_db, read from the installed torch; float32, float64 and the halves that torch lists. The adaptive softmax, which is in
none of them, has a part by hand. Without a seed a fresh one is
drawn and shown. Columns: trials; how many torch.nn and steepest.nn get right against torch's reference; in how many the
two are the same to the last bit (value, gradients, or type and text of the error). A function may refuse an input in
other words than its class: there torch.nn itself is not right. Exit code 1 when steepest.nn loses anything; the last
line is JSON.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "nn"))
try:
    import torch_suite  # noqa: E402
except ModuleNotFoundError as missing:  # torch's test data want expecttest
    print(f"left out: {missing}; pip install -e '.[test]' brings it")
    sys.exit()

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
COLUMNS = ("trials", "torch.nn", "steepest.nn", "same bits")


def main(seed: int) -> int:
    print(f"{platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} thread(s), seed {seed}\n")
    print(f"{'class':32}{'part':20}" + "".join(f"{c:>13}" for c in COLUMNS))
    totals, differences = dict.fromkeys(COLUMNS, 0), []
    for score in torch_suite.suite(seed, DTYPES):
        counts = (score.trials, score.torch_right, score.ours_right, score.same_bits)
        print(f"{score.name:32}{score.part:20}" + "".join(f"{c:13d}" for c in counts), flush=True)
        totals = {column: totals[column] + count for column, count in zip(COLUMNS, counts)}
        differences += [f"{score.name} {score.part}: {what}" for what in score.differences]
    print(f"{'all':52}" + "".join(f"{totals[c]:13d}" for c in COLUMNS))
    print("\n".join(differences) or "nothing lost")
    print(json.dumps({"seed": seed, **totals, "lost": len(differences)}))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else int.from_bytes(os.urandom(3), "big")))
