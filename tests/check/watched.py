"""A program run under the recorder in this process, for tests: the same facts as in the process of `--run`, without its walls."""

from __future__ import annotations

import contextlib
import io
import random
import warnings

import numpy
import torch

from steepest.check.facts import Facts
from steepest.check.finding import Report
from steepest.check.judge import judge
from steepest.check.reading.read import read
from steepest.check.running.execute import execute
from steepest.check.running.recorder import Recorder


def watched(text: str, name: str = "<program>") -> Report:
    """Read and watched; the program's random numbers do not reach other tests."""
    states = torch.get_rng_state(), random.getstate(), numpy.random.get_state()
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = execute(text, name, Recorder(limit_s=60))
            return judge(Facts(read(text, name), run), text.splitlines(), name)
    finally:
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        numpy.random.set_state(states[2])


def only_read(text: str, name: str = "<program>") -> Report:
    return judge(Facts(read(text, name)), text.splitlines(), name)
