"""Writes what the examples found into docs/experiments.md, from the folders of their finished studies.

python examples/square_loss.py --out runs/square_loss
python examples/weighted_mse.py --out runs/weighted_mse
python examples/write_verdicts.py runs
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from steepest.results.records import Study
from steepest.results.store import read_study

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "experiments.md"
ARM = ("name", "status", "learning_rate", "test_score", "test_low", "test_high", "n_test_seeds")
ASKED = ("losses", "weightings", "optimizers", "baseline", "epochs", "budget", "seeds")
PAIR = ("a", "b", "difference", "low", "high", "level", "n", "verdict")


def facts(study: Study) -> dict[str, Any]:
    """What the page tells of a finished study, as plain values."""
    verdict, plan = study.verdict, study.plan
    assert verdict is not None, "the study is not finished"
    asked = {n: plan.request[n] for n in ASKED}
    return {
        "verdict": verdict.sentence,
        "kind": verdict.kind,
        "arms": [{n: getattr(arm, n) for n in ARM} for arm in verdict.arms],
        "confirmation": [{n: getattr(d, n) for n in PAIR} for d in verdict.confirmation],
        "n_trials": verdict.n_trials,
        "total_epochs": verdict.total_epochs,
        "asked": asked,
        "versions": {n: plan.versions[n] for n in ("steepest", "torch", "python")},
    }


def rendered(told: dict[str, Any]) -> str:
    """The block of the page."""
    lines = [
        f"**{told['verdict']}**",
        "",
        "| arm | learning rate | accuracy on the test part, % | fresh seeds | ended |",
    ]
    lines.append("|---|---|---|---|---|")
    for arm in told["arms"]:
        score = "–"
        if arm["test_score"] is not None:
            score = "{:.1f} [{:.1f}, {:.1f}]".format(*(100 * arm[n] for n in ("test_score", "test_low", "test_high")))
        rate = f"{arm['learning_rate']:.3g}" if arm["learning_rate"] is not None else "–"
        lines.append(f"| `{arm['name']}` | {rate} | {score} | {arm['n_test_seeds']} | {arm['status']} |")
    lines.append("")
    for d in told["confirmation"]:
        numbers = "{:+.1f} points [{:.1f}, {:.1f}]".format(*(100 * d[n] for n in ("difference", "low", "high")))
        lines.append(
            f"- `{d['a']}` minus `{d['b']}`: {numbers} at {100 * d['level']:g} %, {d['n']} seeds: {d['verdict']}"
        )
    versions = ", ".join(f"{name} {version}" for name, version in told["versions"].items())
    lines += ["", f"{told['n_trials']} trials, {told['total_epochs']:,.0f} epochs in all; {versions}."]
    return "\n".join(lines)


def with_block(page: str, name: str, block: str) -> str:
    """The page with the figures of one example replaced."""
    pattern = re.compile(rf"(<!-- figures of {name} -->\n)(?:(?!<!-- end -->).)*(<!-- end -->)", re.DOTALL)
    assert pattern.search(page), f"the page has no place for {name}"
    return pattern.sub(lambda match: f"{match[1]}{block}\n{match[2]}", page)


def main(runs: Path) -> None:
    for name in sorted(folder.name for folder in runs.iterdir() if read_study(folder).verdict is not None):
        told = facts(read_study(runs / name))
        (HERE / "verdicts" / f"{name}.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
        PAGE.write_text(with_block(PAGE.read_text("utf-8"), name, rendered(told)), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
