"""What every test shares: one thread per worker, fixed examples, no clock."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported: two workers on two cores must not fight

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # started in the background: Ctrl-C has tests of its own
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # tests read tools/, which no wheel carries

settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.load_profile("fixed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """An address in a test's name differs from worker to worker, and xdist then refuses the whole suite at length."""
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid}: the name of a test holds an address; give parametrize other ids")


@pytest.fixture
def quick_path(tmp_path) -> Iterator[Path]:
    """An empty folder in memory where there is one: on a busy disk 800 flushes of a store took 5 s, here 0.5 s."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=memory))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT
