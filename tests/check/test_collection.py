"""The two-halves collection of programs is whole: every program is listed, compiles and tells where its situation comes from."""

from __future__ import annotations

import re

import pytest
from judge_programs import COLLECTIONS, PROGRAMS, judge, line, programs, table
from watched import only_read


@pytest.mark.parametrize("half", COLLECTIONS)
def test_the_manifest_lists_exactly_the_programs_of_its_half(half):
    listed = [p.file for p in programs(half)]
    assert sorted(listed) == sorted((PROGRAMS / half).glob("*/*.py"))


@pytest.mark.parametrize("half", COLLECTIONS)
def test_every_program_compiles_and_cites_a_public_source(half):
    for program in programs(half):
        compile(program.file.read_text(encoding="utf-8"), str(program.file), "exec")
        assert re.fullmatch(r"https?://\S+", program.source), program.file
        assert len(program.description) > 20, program.file


@pytest.mark.parametrize("half", COLLECTIONS)
def test_faulty_programs_name_their_codes_and_correct_ones_none(half):
    for program in programs(half):
        assert bool(program.codes) == program.faulty, program.file
        assert all(re.fullmatch(r"[LTGPOZSMDEH]\d\d", code) for code in program.codes), program.file


def test_the_halves_are_large_enough_and_share_no_program():
    seen, unseen = programs("seen"), programs("unseen")
    assert {p.file.name for p in seen}.isdisjoint(p.file.name for p in unseen)
    for half in (seen, unseen):
        assert sum(p.faulty for p in half) >= 60
        assert sum(not p.faulty for p in half) >= 40


@pytest.mark.parametrize(("half", "share"), [("seen", 0.85), ("threads", 0.9), ("unseen", 0.6)])
def test_reading_alone_names_most_mistakes_and_accuses_nobody_wrongly(half, share):
    """Measured: 53 of 60, 42 of 44, 40 of 62."""
    right, wrong = [], []
    for program in programs(half):
        report = only_read(program.file.read_text(encoding="utf-8"), str(program.file))
        told = {f.code for f in report.findings if f.severity != "note"}
        right += [program.file.name] * bool(told & program.codes)
        accused = {f.code for f in report.errors} - program.codes if program.faulty else told
        wrong += [(program.file.name, accused)] * bool(accused)
    assert wrong == []
    assert len(right) >= share * sum(p.faulty for p in programs(half))


@pytest.mark.slow
def test_the_seen_half_is_judged_as_well_as_is_claimed():
    results = judge(programs("seen"), run=True)
    faulty = [t for t in results if t.program.faulty]
    correct = [t for t in results if not t.program.faulty]
    report = "\n".join([*map(line, results), table(results)])
    assert sum(t.found for t in faulty) >= 0.9 * len(faulty), report
    assert sum(t.right for t in faulty) >= 0.85 * len(faulty), report
    assert sum(t.wrong for t in faulty) <= 0.05 * len(faulty), report
    assert not any(t.errors for t in correct), report
    assert sum(bool(t.warnings) for t in correct) <= 0.03 * len(correct), report
