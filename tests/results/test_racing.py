"""A race drops arms that are worse, keeps those that are not, and says why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steepest.core.errors import UsageError
from steepest.results.evidence import alpha_at, alpha_spent, holm, race_step

LOOKS = (5, 9, 13, 17, 21)


def test_holms_adjustment_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1 give 0.02, 0.03, 0.06, 0.04; the last may not fall below 0.06."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.7, 0.6]) == [1.0, 1.0]
    assert holm([]) == []
    assert holm([0.03]) == [0.03]


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.001, 0.5))
def test_holm_rejects_what_its_definition_rejects(p_values, alpha):
    """From the smallest p upward, compare with alpha over the number of hypotheses left; stop at the first failure."""
    rejected = set()
    for k, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[i] * (len(p_values) - k) > alpha:
            break
        rejected.add(i)
    assert {i for i, p in enumerate(holm(p_values)) if p <= alpha} == rejected


def test_the_looks_together_spend_alpha():
    for looks in (1, 2, 5, 17):
        spent = [alpha_spent(k, looks, 0.05) for k in range(1, looks + 1)]
        assert spent == sorted(spent) and spent[-1] == pytest.approx(0.05)
        assert sum(alpha_at(k, looks, 0.05) for k in range(1, looks + 1)) == pytest.approx(0.05)
        assert all(alpha_at(k, looks, 0.05) > 0 for k in range(1, looks + 1))


@pytest.mark.parametrize(("look", "looks"), [(0, 5), (6, 5), (-1, 5)])
def test_a_look_outside_the_plan_is_refused(look, looks):
    with pytest.raises(UsageError, match="planned number"):
        alpha_spent(look, looks)


def arms(rng, means, n: int):
    """Seeds shared by all arms: correlation one half between arms, sd 1."""
    shared = rng.standard_normal(n)
    return {f"arm {i}": list(m + (shared + rng.standard_normal(n)) / math.sqrt(2)) for i, m in enumerate(means)}


def race(scores: dict[str, list[float]]) -> set[str]:
    """All looks in turn; returns the survivors."""
    alive = set(scores)
    for k, n in enumerate(LOOKS, 1):
        step = race_step({a: s[:n] for a, s in scores.items() if a in alive}, look=k, looks=len(LOOKS))
        alive -= set(step["eliminated"])
    return alive


def test_equal_arms_are_all_kept_in_95_percent_of_races():
    rng = np.random.default_rng(11)
    dropped = np.mean([len(race(arms(rng, [0.0] * 4, 21))) < 4 for _ in range(500)])
    assert dropped <= 0.05


def test_the_best_arm_survives_and_bad_arms_go():
    rng = np.random.default_rng(12)
    races = [race(arms(rng, [0.0, -0.3, -1.5, -3.0], 21)) for _ in range(200)]
    assert np.mean(["arm 0" in alive for alive in races]) >= 0.95
    assert np.mean(["arm 2" in alive for alive in races]) <= 0.05
    assert not any("arm 3" in alive for alive in races)


def test_a_look_says_what_it_compared_and_how():
    from scipy.stats import ttest_rel

    scores = arms(np.random.default_rng(0), [0.0, -1.0, -4.0], 9)
    step = race_step(scores, look=2, looks=5, alpha=0.05)
    assert (step["leader"], step["look"], step["looks"], step["n"]) == ("arm 0", 2, 5, 9)
    assert step["alpha"] == pytest.approx(0.01)
    assert set(step["arms"]) == {"arm 1", "arm 2"}
    for name, row in step["arms"].items():
        assert row["p"] == pytest.approx(ttest_rel(scores[name], scores["arm 0"]).pvalue)
        assert row["difference"] == pytest.approx(np.mean(scores[name]) - np.mean(scores["arm 0"]))
        assert row["eliminated"] == (row["p_adjusted"] <= step["alpha"]) == (name in step["eliminated"])
    assert step["arms"]["arm 2"]["threshold"] == pytest.approx(0.01 / 3)  # three arms, three pairs
    assert step["arms"]["arm 1"]["threshold"] == pytest.approx(0.01)  # one pair is left


def test_a_falling_metric_turns_the_race():
    scores = arms(np.random.default_rng(0), [0.0, -4.0, -4.0], 9)
    step = race_step(scores, look=1, looks=1, best="min")
    assert step["leader"] in ("arm 1", "arm 2") and "arm 0" in step["eliminated"]
    assert step["arms"]["arm 0"]["difference"] < 0


def test_an_arm_that_never_trains_is_dropped_at_the_first_look():
    scores = arms(np.random.default_rng(0), [0.0, 0.0], 5) | {"broken": [math.nan] * 5}
    step = race_step(scores, look=1, looks=5)
    assert step["eliminated"] == ["broken"]
    assert step["arms"]["broken"]["reason"] == "diverged on every seed, the leader on none"


def test_where_every_arm_diverges_none_is_dropped():
    step = race_step({"a": [math.nan] * 5, "b": [math.nan] * 5}, look=5, looks=5)
    assert step["eliminated"] == []


def test_an_arm_that_often_diverges_does_not_lead_for_its_few_good_scores():
    scores = {"steady": [0.5, 0.51, 0.52, 0.5, 0.51], "lucky": [0.9, math.nan, math.nan, math.nan, 0.9]}
    assert race_step(scores, look=1, looks=5)["leader"] == "steady"


def test_an_arm_that_diverges_half_the_time_is_dropped_in_the_end():
    good = list(np.linspace(0.5, 0.6, 21))
    bad = [math.nan if i % 2 else g - 0.01 for i, g in enumerate(good)]
    assert race_step({"good": good, "bad": bad}, look=5, looks=5)["eliminated"] == ["bad"]


def test_a_single_arm_leads_and_an_empty_race_is_refused():
    step = race_step({"a": [1.0, 2.0]}, look=1, looks=1)
    assert (step["leader"], step["eliminated"], step["arms"]) == ("a", [], {})
    with pytest.raises(UsageError):
        race_step({}, look=1, looks=1)
