"""Every check on its own examples: bad fires exactly it, good fires nothing, and no check fires on another one's good example."""

from __future__ import annotations

import re

import pytest
from watched import only_read, watched

from steepest.check.catalogue import all_checks

CHECKS = all_checks()
CATALOGUE = {
    **{"L": range(1, 17), "T": range(1, 9), "G": range(1, 6), "P": range(1, 5), "O": range(1, 5), "Z": range(1, 6)},
    **{"S": range(1, 4), "M": range(1, 4), "D": range(1, 10), "E": range(1, 6), "H": range(1, 12)},
}


def test_every_code_of_the_catalogue_has_its_file():
    assert {c.code for c in CHECKS} == {f"{letter}{n:02}" for letter, numbers in CATALOGUE.items() for n in numbers}


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_the_bad_example_fires_exactly_its_check(check):
    report = watched(check.bad, f"<bad {check.code}>")
    assert [f.code for f in report.findings] == [check.code], report.findings
    assert report.not_run == []
    assert report.findings[0].severity in (check.severity, "note", "warning")


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_the_good_example_fires_nothing(check):
    report = watched(check.good, f"<good {check.code}>")
    assert report.findings == [] and report.not_run == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_reading_alone_finds_no_error_in_the_good_example_and_no_wrong_one_in_the_bad(check):
    assert [f.code for f in only_read(check.good).findings if f.severity != "note"] == []
    assert {f.code for f in only_read(check.bad).findings if f.severity == "error"} <= {check.code}


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.code)
def test_a_check_says_what_it_is_for_what_it_costs_and_what_to_do(check):
    assert re.fullmatch(r"[LTGPOZSMDEH]\d\d", check.code) and check.fn.__module__.rpartition(".")[2].startswith(
        check.code.lower()
    )
    assert check.purpose.endswith(".") and check.title and check.damage.endswith(".") and check.repair and check.source
    assert check.bad != check.good


STEP_FIRST = """import torch
from torch import nn
model = nn.Linear(4, 2)
optimizer = torch.optim.Adam(model.parameters())
x, y = torch.randn(8, 4), torch.randint(0, 2, (8,))
for _ in range(5):
    optimizer.zero_grad()
    loss = nn.CrossEntropyLoss()(model(x), y)
    optimizer.step()
    loss.backward()
"""


def test_a_step_before_backward_is_seen_by_reading():
    (found,) = only_read(STEP_FIRST).findings
    assert (found.code, found.line) == ("Z02", 9)
    backward_last = STEP_FIRST.replace("    optimizer.zero_grad()\n", "")
    assert "Z02" not in [f.code for f in only_read(backward_last).findings]


HUGE = """import torch
from torch import nn
x = 1e5 * torch.rand(200, 4)
y = x.sum(1)
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for _ in range(6):
    loss = ((net(x).squeeze(1) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def test_a_loss_that_becomes_infinite_is_told_beside_the_scale_that_made_it_so():
    codes = [f.code for f in watched(HUGE, "<huge>").findings]
    assert codes[:1] == ["H01"] and "D08" in codes and "H10" not in codes
