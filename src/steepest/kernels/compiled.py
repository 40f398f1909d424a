"""C++ beside this file, compiled on first use; without a compiler there is no kernel, and the declared body runs.

A file is compiled for one kind of numbers at a time, REAL in its text: half the wait, and most need one kind only.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

FLAGS = (
    "-O3",
    "-march=native",
    "-std=c++17",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fopenmp-simd",
    "-shared",
    "-fPIC",
)
OFF = "STEEPEST_KERNELS"
"""The environment variable that, set to 0, leaves everything to torch."""


@lru_cache(maxsize=None)
def library(name: str, real: str) -> ctypes.CDLL | None:
    """The functions of kernels/NAME.cpp for "float" or "double", or None where they cannot be had.

    The first time takes about a second.
    """
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if os.environ.get(OFF) == "0" or compiler is None or sys.platform == "win32":
        return None
    source = Path(__file__).with_name(f"{name}.cpp")
    try:
        return ctypes.CDLL(str(_built(source, compiler, real)))
    except (OSError, RuntimeError, subprocess.SubprocessError):  # no compiler that works, no home, a full disk
        return None


def folder() -> Path:
    """Where compiled kernels are kept between runs: a folder of the user's own."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "steepest" / "kernels"


def _built(source: Path, compiler: str, real: str) -> Path:
    """The shared object of this source for this processor and this compiler; two processes may build it at once."""
    texts = [file.read_text(encoding="utf-8") for file in (source, *sorted(source.parent.glob("*.h")))]
    made_of = (*texts, *FLAGS, real, os.path.realpath(compiler), _processor())
    target = folder() / f"{source.stem}-{hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]}.so"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=target.parent) as build:
        made = Path(build, "kernel.so")
        command = [compiler, *FLAGS, f"-DREAL={real}", str(source), "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        os.replace(made, target)
    return target


def _processor() -> str:
    """What -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()} {platform.release()}"
    return next((line for line in lines if line.startswith(("flags", "Features"))), "") + platform.machine()
