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
    place = Path(__file__).parent
    headers = "".join(file.read_text(encoding="utf-8") for file in sorted(place.glob("*.h")))
    text = (place / f"{name}.cpp").read_text(encoding="utf-8")
    return compiled_text(name, text, (f"-DREAL={real}", f"-I{place}"), made_of=headers)


def compiled_text(name: str, text: str, flags: tuple[str, ...], made_of: str = "") -> ctypes.CDLL | None:
    """The functions of a C++ text; None without a compiler that works, or where they are switched off.

    made_of: what else the result depends on.
    """
    compiler = shutil.which(os.environ.get("CXX", "g++"))
    if os.environ.get(OFF) == "0" or compiler is None or sys.platform == "win32":
        return None
    try:
        return ctypes.CDLL(str(_built(name, text, flags, made_of, compiler)))
    except (OSError, RuntimeError, subprocess.SubprocessError):
        return None


def folder() -> Path:
    """Where compiled kernels are kept between runs: a folder of the user's own."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "steepest" / "kernels"


def _built(name: str, text: str, flags: tuple[str, ...], made_of: str, compiler: str) -> Path:
    """The shared object of this text for this processor and this compiler; two processes may build it at once."""
    own = [flag for flag in flags if not flag.startswith("-I")]
    everything = (text, made_of, *FLAGS, *own, os.path.realpath(compiler), _processor())
    target = folder() / f"{name}-{hashlib.sha256(repr(everything).encode()).hexdigest()[:16]}.so"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=target.parent) as build:
        source, made = Path(build, "kernel.cpp"), Path(build, "kernel.so")
        source.write_text(text, encoding="utf-8")
        command = [compiler, *FLAGS, *flags, str(source), "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        os.replace(made, target)
    return target


@lru_cache(maxsize=None)
def _processor() -> str:
    """What -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()} {platform.release()}"
    return next((line for line in lines if line.startswith(("flags", "Features"))), "") + platform.machine()
