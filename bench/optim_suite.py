"""Torch's own test data of its optimizers, driven through torch.optim and through steepest.optim: what each keeps.

    OMP_NUM_THREADS=1 python bench/optim_suite.py [seed]

All configurations of torch.testing._internal.common_optimizers.optim_db that take dense gradients, 25 steps along random
ones. Without a seed a fresh one is drawn and shown. Columns: configurations; the largest distance between the two ways in
float64 and float32, in units of the last place of the largest parameter (torch's float64 runs count in float64 too); in
bfloat16 the share of stored values that are the float64 step rounded once, torch / ours; configurations in which a run
resumed from a checkpoint repeats every bit, over float64, float32, bfloat16 and float16, torch / ours; refusals of wrong
input in torch's words. Muon iterates in bfloat16 here, as torch's does, and its distances are counted in that. The last
line is JSON.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "optim"))
try:
    from torch.testing._internal.common_optimizers import OptimizerErrorEnum
    from torch_db import CASES, CPU, Case, Run, ulps
except ModuleNotFoundError as missing:  # torch's test data want expecttest
    print(f"left out: {missing}; pip install -e '.[test]' brings it")
    sys.exit()

from steepest import optim

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


def maker(case: Case, ours: bool) -> Any:
    more = {"iterate_in": "bfloat16"} if ours and case.info.name == "Muon" else {}
    cls = case.ours if ours else case.torchs
    return lambda params: cls(params, **{**case.kwargs(), **more})


def distance(case: Case, dtype: torch.dtype, seed: int) -> float:
    torch.set_default_dtype(torch.float64 if dtype == torch.float64 else torch.float32)
    mine, theirs = (Run(maker(case, ours), case, dtype, seed).go().values() for ours in (True, False))
    torch.set_default_dtype(torch.float32)
    inside = torch.finfo(torch.bfloat16).eps / torch.finfo(dtype).eps if case.info.name == "Muon" else 1.0
    return ulps(theirs, mine) / inside


def rounded_once(case: Case, ours: bool, seed: int) -> float:
    """The share of bfloat16 values that are the float64 step from the same state, rounded."""
    run, right, n = Run(maker(case, ours), case, torch.bfloat16, seed), 0, 0
    for _ in range(10):
        exact = run.fork(maker(case, ours))
        exact.params = [torch.nn.Parameter(p.detach().double()) for p in run.params]
        exact.optimizer, exact.dtype = maker(case, ours)(exact.params), torch.float64
        exact.optimizer.load_state_dict(saved(run))
        rounded, own = exact.go(1).values().to(torch.bfloat16), run.go(1).values()
        right, n = right + int((rounded == own).sum()), n + len(own)
    return right / n


def saved(run: Run) -> Any:
    file = io.BytesIO()
    torch.save(run.optimizer.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def resumes(case: Case, ours: bool, seed: int) -> bool:
    for dtype in DTYPES:
        run = Run(maker(case, ours), case, dtype, seed).go(7)
        again = run.fork(maker(case, ours))
        again.optimizer.load_state_dict(saved(run))
        if not torch.equal(again.go(7).values(), run.go(7).values()):
            return False
    return True


def refused(name: str, wrong: Any) -> bool:
    """Whether ours raises torch's kind of error (or warning) with torch's words."""
    given = wrong.optimizer_error_input
    params = given.params if given.params is not None else [torch.nn.Parameter(torch.randn(2, 3))]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            optimizer = getattr(optim, name)(params, **given.kwargs)
            if wrong.error_on is OptimizerErrorEnum.STEP_ERROR:
                optimizer.step()
    except (ValueError, TypeError, RuntimeError, UserWarning) as error:
        return isinstance(error, wrong.error_type) and re.search(wrong.error_regex, str(error)) is not None
    return False


def main(seed: int) -> None:
    print(f"{platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} thread(s), seed {seed}\n")
    head = ("configs", "float64", "float32", "bfloat16", "resumes", "refusals")
    print(f"{'class':12}" + "".join(f"{word:>15}" for word in head))
    found: dict[str, Any] = {}
    for name in dict.fromkeys(case.info.name for case in CASES):
        cases = [case for case in CASES if case.info.name == name]
        info, n = cases[0].info, len(cases)
        wide, narrow = (max(distance(c, d, seed) for c in cases) for d in DTYPES[:2])
        shares = [sum(rounded_once(c, ours, seed) for c in cases) / n for ours in (False, True)]
        kept = [sum(resumes(c, ours, seed) for c in cases) for ours in (False, True)]
        wrong = info.optim_error_inputs_func(device=CPU, dtype=torch.float32)
        right = sum(refused(name, each) for each in wrong)
        row = (str(n), f"{wide:.1f}", f"{narrow:.1f}", "/".join(f"{share:.1%}" for share in shares))
        row += (f"{kept[0]}/{kept[1]} of {n}", f"{right} of {len(wrong)}")
        print(f"{name:12}" + "".join(f"{cell:>15}" for cell in row), flush=True)
        found[name] = {"configs": n, "ulps64": wide, "ulps32": narrow, "rounded_once": shares, "resumes": kept}
        found[name]["refusals"] = [right, len(wrong)]
    print(json.dumps({"seed": seed, "torch": torch.__version__, "classes": found}))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else int.from_bytes(os.urandom(2), "big"))
