"""How much memory a study may take: what is asked for, what is free on a machine or in a container, and what follows."""

from __future__ import annotations

import pytest
import torch
from small_studies import ask_for

from steepest import models
from steepest.compare import compare
from steepest.compare.limits import USUAL_BYTES, free_bytes, memory_of, parse_bytes
from steepest.compare.prepare import prepared
from steepest.compare.shards import cut_for
from steepest.core.errors import UsageError
from steepest.core.progress import Silent

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("words", "n_bytes"),
    [("2GB", 2 * 10**9), ("512 MiB", 2**29), ("1.5gb", 15 * 10**8), (4096, 4096), ("4096", 4096), ("8 kB", 8000)],
)
def test_an_amount_of_memory_is_read_with_its_unit(words, n_bytes):
    assert parse_bytes(words) == n_bytes


@pytest.mark.parametrize("words", ["a lot", "2 elephants", "-1GB", "0", 0, "", "50%", True, "GB", "1e400"])
def test_what_is_no_amount_is_refused_with_an_example(words):
    with pytest.raises(UsageError, match='"2GB"'):
        parse_bytes(words)


def machine(root, *, available, group="0::/", **files):
    """A machine as it shows itself in proc and sys; files: of its control groups, with __ for a slash."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable: {available // 1024} kB\n")
    (root / "proc/self/cgroup").write_text(group + "\n")
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


def test_without_a_container_what_the_machine_has_left_is_free(tmp_path):
    assert free_bytes(machine(tmp_path, available=2**33)) == 2**33


def test_a_container_has_left_what_its_limit_leaves_and_files_that_it_can_forget_are_no_loss(tmp_path):
    own = machine(
        tmp_path,
        available=2**40,
        memory_dot_max=2**31,
        memory_dot_current=2**30,
        memory_dot_stat=f"anon 5\ninactive_file {2**28}",
    )
    assert free_bytes(own) == 2**30 + 2**28


def test_the_tightest_of_nested_groups_counts(tmp_path):
    own = machine(
        tmp_path,
        available=2**40,
        group="0::/job/step",
        job__step__memory_dot_max="max",
        job__step__memory_dot_current=77,
        job__memory_dot_max=2**30,
        job__memory_dot_current=2**29,
    )
    assert free_bytes(own) == 2**29


def test_the_older_kind_of_group_counts_and_its_word_for_no_limit_is_none(tmp_path):
    limited = machine(
        tmp_path / "limited",
        available=2**40,
        group="5:memory:/job",
        memory__job__memory_dot_limit_in_bytes=2**30,
        memory__job__memory_dot_usage_in_bytes=2**20,
        memory__memory_dot_limit_in_bytes=9223372036854771712,
        memory__memory_dot_usage_in_bytes=2**20,
    )
    assert free_bytes(limited) == 2**30 - 2**20


def test_here_some_memory_is_free():
    assert free_bytes() > 2**20


@pytest.mark.parametrize(("free", "limit"), [(2**34, None), (2**32, 2**30), (2**32 + 12345, 2**30), (2**30, 2**28)])
def test_where_memory_is_short_a_quarter_of_it_is_the_limit(monkeypatch, free, limit):
    monkeypatch.setattr("steepest.compare.limits.free_bytes", lambda: free)
    assert memory_of(None, CPU) == limit
    assert (free // 4 >= USUAL_BYTES) == (limit is None)


def test_a_study_cuts_its_rungs_by_the_memory_that_it_may_take_and_keeps_that_in_its_plan():
    study = prepared(ask_for(model=lambda: models.mlp(13, 3, width=256)), None, Silent(), memory="8MB")
    assert study.plan.memory == 8 * 10**6
    arms = study.trainer.arms
    narrow, usual = (cut_for(study.trainer.task, arms, "stacked", n) for n in (study.plan.memory, None))
    assert 1 <= narrow.most < usual.most


def test_memory_for_less_than_one_trial_is_refused_before_anything_is_trained():
    with pytest.raises(UsageError, match=r"memory: .* allowed, and one trial takes .* room for one trial was needed"):
        compare("mlp", "wine", losses="cross_entropy", optimizers="sgd, adamw", memory="20kB", progress=False)
