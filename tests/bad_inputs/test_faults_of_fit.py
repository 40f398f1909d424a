"""What may happen to a machine while st.fit runs: signals, full disks, lost folders, wrong clocks, no memory."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import time

import pytest
import torch
from plain_data import LABELS, X, net
from torch import nn

import steepest
from steepest.core.errors import OutOfMemory, SteepestError, StoreError
from steepest.fit import checkpoint, loop


def fit(out=None, at_step=None, act=None, model=None, **options):
    """A run of 3 epochs of 4 steps; act() is called when `at_step` steps are done."""

    def callback(event):
        if event.kind == "step" and event.step == at_step:
            act()

    model = model or net()
    asked = {"loss": "cross_entropy", "epochs": 3, "batch_size": 8, "progress": False, "device": "cpu"} | options
    return model, steepest.fit(model, (X, LABELS), out=out, callbacks=callback, **asked)


@pytest.fixture(autouse=True)
def python_s_own_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def send(number):
    return lambda: os.kill(os.getpid(), number)


def same(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))


def test_74_ctrl_c_returns_the_history_and_the_same_call_goes_on(tmp_path):
    _, history = fit(tmp_path, 6, send(signal.SIGINT))
    assert history.stopped == "interrupted" and len(history) == 1
    assert same(fit(tmp_path)[0], fit()[0])


def test_74_a_second_ctrl_c_ends_at_once(tmp_path):
    def twice():
        send(signal.SIGINT)()
        send(signal.SIGINT)()

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, 6, twice)


def test_74_sigterm_saves_and_ends_the_process(tmp_path):
    with pytest.raises(SystemExit) as ended:
        fit(tmp_path, 6, send(signal.SIGTERM))
    assert ended.value.code == 143 and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert checkpoint.newest(tmp_path / "checkpoints")[0]["step"] == 6
    assert same(fit(tmp_path)[0], fit()[0])


def test_75_a_full_disk_costs_checkpoints_and_not_the_run(tmp_path, monkeypatch):
    def full(path, content):
        raise StoreError(
            where=str(path), seen=os.strerror(errno.ENOSPC), needed="space was needed", repair="Free some."
        )

    monkeypatch.setattr(checkpoint, "atomic_write", full)
    model, history = fit(tmp_path)
    assert history.stopped == "finished" and same(model, fit()[0])
    assert any("No checkpoint at step" in note and "No space" in note for note in history.notes)


def test_76_a_folder_that_is_removed_meanwhile_costs_checkpoints_and_not_the_run(tmp_path):
    model, history = fit(tmp_path / "run", 2, lambda: shutil.rmtree(tmp_path / "run"))
    assert history.stopped == "finished" and same(model, fit()[0])


def test_77_a_checkpoint_of_a_newer_version_is_refused_by_name(tmp_path, monkeypatch):
    with monkeypatch.context() as newer:
        newer.setattr(checkpoint, "FORMAT", checkpoint.FORMAT + 1)
        fit(tmp_path)
    with pytest.raises(StoreError, match="its format is"):
        fit(tmp_path)


def test_77_a_pickle_in_the_place_of_tensors_is_not_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os._exit, (66,)

    fit(tmp_path)
    for path in (tmp_path / "checkpoints").glob("*.safetensors"):
        torch.save(Bomb(), path)
    with pytest.raises(StoreError, match="not those that were written"):
        fit(tmp_path)


def test_78_a_second_run_in_the_folder_is_refused_with_the_owner_s_name(tmp_path):
    def second():
        with pytest.raises(StoreError, match=f"pid {os.getpid()} on .* is at work on the run"):
            fit(tmp_path)

    assert fit(tmp_path, 2, second)[1].stopped == "finished"


def test_79_a_clock_that_jumps_changes_nothing(tmp_path, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 3600 * (id(object()) % 3))
    monkeypatch.setattr(loop, "BEAT_S", -1.0)
    assert same(fit(tmp_path, checkpoint_s=0.0)[0], fit()[0])


class Hungry(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = net()

    def forward(self, x):
        if self.training:
            torch.empty(2**60)
        return self.layer(x)


def test_80_a_step_that_does_not_fit_into_memory_is_told_with_what_helps():
    with pytest.raises(OutOfMemory, match="accumulate=4"):
        fit(model=Hungry(), check=False)


@pytest.mark.parametrize("name", ["<script>", 'a "b" & c', "名😀", "new\nline", "x" * 200], ids=repr)
def test_83_any_name_of_a_folder_will_do(tmp_path, name):
    assert fit(tmp_path / name)[1].stopped == "finished"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"asked": 5}', '{"asked": {}}', '{"asked": {"epochs": NaN}}'])
def test_84_a_broken_memory_of_the_command_is_refused_with_the_repair(tmp_path, text):
    from steepest.cli.runs import ASKED, go_on

    (tmp_path / ASKED).write_text(text)
    with pytest.raises(SteepestError) as caught:
        go_on(tmp_path)
    assert caught.value.repair
