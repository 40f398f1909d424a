"""The checks against their own examples, one line per code: python tools/check_table.py [CODE...]

bad: the codes told of the bad program, watched (the check alone is wanted); good: those told of the good one (none is wanted);
read: those told of the bad program without running it. At the end the sums, and how many errors were told under another code.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "check"))
from watched import only_read, watched  # noqa: E402

from steepest.check.catalogue import all_checks
from steepest.check.finding import Report


def told(report: Report) -> str:
    return " ".join(f"{f.code}{'' if f.severity == 'error' else ' ' + f.severity}" for f in report.findings) or "-"


def main(codes: list[str]) -> None:
    exact = silent = by_reading = wrong = 0
    checks = [c for c in all_checks() if not codes or c.code in codes]
    print(f"{'code':6s}{'bad':16s}{'good':8s}{'read':16s}title")
    for check in checks:
        bad, good, text = watched(check.bad), watched(check.good), only_read(check.bad)
        exact += {f.code for f in bad.findings} == {check.code}
        silent += not good.findings
        by_reading += check.code in {f.code for f in text.findings}
        wrong += sum(f.code != check.code for report in (bad, good, text) for f in report.errors)
        print(f"{check.code:6s}{told(bad):16s}{told(good):8s}{told(text):16s}{check.title}", flush=True)
    n = len(checks)
    print(f"bad fires exactly its check {exact} of {n}, good fires nothing {silent} of {n}, named by reading alone "
          f"{by_reading} of {n}, errors under another code {wrong}")  # fmt: skip


if __name__ == "__main__":
    main([word.upper() for word in sys.argv[1:]])
