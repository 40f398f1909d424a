"""What the figures of a study depend on beside its data: refused where a study would go on with other versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from steepest.core.errors import StoreError
from steepest.results.records import Plan


def refuse_other_versions(plan: Plan) -> None:
    """Half a study of one version and half of another is neither's."""
    now = versions()
    changed = [name for name in ("steepest", "torch") if plan.versions.get(name) not in (None, now[name])]
    if changed:
        raise StoreError(
            where="resume",
            seen="the study began with " + " and ".join(f"{n} {plan.versions[n]}, here is {now[n]}" for n in changed),
            needed="the versions with which it began were needed",
            consequence="Its trials would not be comparable: another version trains to other numbers.",
            repair="pip install "
            + " ".join(f"{n}=={plan.versions[n]}" for n in changed)
            + ", or begin a new study in another folder. steepest report shows what is known so far.",
        )


def versions() -> dict[str, str]:
    """What the figures depend on."""
    found = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "threads": str(torch.get_num_threads()),
    }
    for package in ("steepest", "numpy", "scipy", "scikit-learn"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
