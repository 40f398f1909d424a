"""How each kind of layer in torch.nn trains in a population: in which engine, and why not in a faster one.

    python tools/layer_table.py [--only LSTM,Conv2d]

Each is held against solo runs in float64, as in tests/compare/test_every_layer.py. Exit code 1 when one differs.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "compare")]

from layers import LAYERS  # noqa: E402
from test_every_layer import check  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="names, comma between them")
    asked = [name for name in parser.parse_args().only.split(",") if name]
    torch.set_num_threads(1)
    engines: Counter[str] = Counter()
    for name in asked or sorted(LAYERS):
        try:
            engine, message = check(name)
        except AssertionError:
            engine, message = "DIFFERS", "not equal to solo runs"
        engines[engine] += 1
        print(f"{name:<28}{engine:<9}{'' if engine == 'stacked' else message}", flush=True)
    print(", ".join(f"{n} {engine}" for engine, n in engines.most_common()))
    return 1 if engines["DIFFERS"] else 0


if __name__ == "__main__":
    sys.exit(main())
