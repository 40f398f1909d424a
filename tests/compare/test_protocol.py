"""The protocol's decisions, tried on made-up truths: what is claimed, what is eliminated, what is flagged."""

from __future__ import annotations

import pytest
from simulated import Truth, plan_of, play

from steepest.compare.plan import SIZES, fit_budget, parse_budget, parse_seeds, rungs_of
from steepest.core.errors import UsageError


def test_a_clear_difference_is_found_and_told_in_words():
    verdict, _ = play(plan_of(["a", "b", "c"]), Truth({"a": 0.90, "b": 0.95, "c": 0.90}))
    assert (verdict.kind, verdict.winner) == ("better", "b")
    assert verdict.sentence.startswith("b is better than ") and "95 % CI" in verdict.sentence
    first = verdict.confirmation[0]
    assert first.low <= 0.05 <= first.high and first.n >= 10


def test_a_claim_that_names_a_better_arm_is_told_before_a_tie():
    verdict, _ = play(plan_of(["base", "b", "c"]), Truth({"base": 0.80, "b": 0.95, "c": 0.95}, seed=2))
    assert verdict.confirmation[0].verdict == "better" and verdict.confirmation[0].b == "base"
    assert verdict.confirmation[1].verdict in ("undecided", "equivalent") and verdict.kind == "better"
    assert " is better than base (the baseline) by " in verdict.sentence.split("). ")[0]
    assert {verdict.winner, verdict.runner_up} == {"b", "c"}


def test_equal_arms_are_claimed_different_in_at_most_one_of_twenty_studies():
    claims = sum(
        play(plan_of(["a", "b", "c"], seeds=10), Truth({"a": 0.9, "b": 0.9, "c": 0.9}, seed=s))[0].kind == "better"
        for s in range(200)
    )
    assert claims <= 16  # 200 x 0.05 = 10; 16 or more happen with probability 0.05 at a true rate of 5 %


def test_a_difference_of_one_seed_sd_is_found_in_four_of_five_studies():
    found = 0
    for s in range(60):
        verdict, _ = play(
            plan_of(["a", "b"]), Truth({"a": 0.90, "b": 0.90 + 0.0142}, sd=0.01, seed=s)
        )  # sd of the paired difference: 0.01 * sqrt(2)
        found += verdict.kind in ("better", "probably better") and verdict.winner == "b"
    assert found >= 48


def test_the_phases_share_no_seed():
    _, requests = play(plan_of(["a", "b"]), Truth({"a": 0.9, "b": 0.95}))
    seeds: dict[str, set[int]] = {}
    for r in requests:
        seeds.setdefault(r.rung.phase, set()).update(k.seed for k in r.trials)
    assert set(seeds) == {"search", "race", "confirm"}
    assert not (
        seeds["search"] & seeds["race"] or seeds["race"] & seeds["confirm"] or seeds["search"] & seeds["confirm"]
    )


def test_only_the_confirmation_touches_the_test_part():
    _, requests = play(plan_of(["a", "b"]), Truth({"a": 0.9, "b": 0.95}))
    assert [r.on_test for r in requests] == [r.rung.phase == "confirm" for r in requests]
    assert sum(r.on_test for r in requests) == 1


def test_every_arm_gets_the_same_number_of_trials_in_the_search():
    _, requests = play(plan_of(["a", "b", "c"]), Truth({"a": 0.9, "b": 0.8, "c": 0.7}))
    first = [k.arm for k in requests[0].trials]
    assert first.count("a") == first.count("b") == first.count("c") == 21


def test_a_best_learning_rate_at_the_edge_extends_the_grid():
    verdict, requests = play(plan_of(["a", "b"]), Truth({"a": 0.9, "b": 0.95}, best_lr=2e-2, sd=0.001))
    extended = [e for r in requests for e in r.events if e.kind == "grid extended"]
    assert {e.arm for e in extended} == {"a", "b"} and min(extended[0].evidence["added"]) > 1e-2
    assert verdict.kind == "better" and verdict.arms[1].learning_rate > 1e-2


def test_an_arm_still_at_the_edge_after_all_extensions_is_not_comparable():
    verdict, _ = play(plan_of(["a", "b", "c"]), Truth({"a": 0.9, "b": 0.9, "c": 0.9}, best_lr=1e4, sd=0.0001))
    assert {a.status for a in verdict.arms} == {"not comparable"}
    assert verdict.kind == "nothing comparable" and verdict.winner is None


def test_an_arm_that_diverges_everywhere_is_counted_and_named():
    truth = Truth({"a": 0.9, "b": 0.95, "bad": 0.99}, diverges=lambda arm, lr: arm == "bad")
    verdict, _ = play(plan_of(["a", "b", "bad"]), truth)
    bad = next(a for a in verdict.arms if a.name == "bad")
    assert bad.status == "diverged" and bad.n_diverged == bad.n_trials > 0
    assert verdict.winner == "b" and any("bad" in note for note in verdict.notes)


def test_a_learning_rate_that_diverges_ranks_last():
    truth = Truth({"a": 0.9, "b": 0.95}, best_lr=3e-3, diverges=lambda arm, lr: lr > 2e-3)
    verdict, _ = play(plan_of(["a", "b"]), truth)
    assert all(a.learning_rate <= 2.2e-3 for a in verdict.arms)


def test_metrics_that_fall_are_compared_the_right_way_round():
    truth = Truth({"a": 0.5, "b": 0.3}, curvature=-0.02)
    verdict, _ = play(plan_of(["a", "b"], best="min"), truth)
    assert verdict.winner == "b" and verdict.confirmation[0].difference > 0


def test_answers_from_a_store_lead_to_the_same_verdict():
    plan, truth = plan_of(["a", "b", "c"]), Truth({"a": 0.9, "b": 0.92, "c": 0.91})
    first, second = play(plan, truth), play(plan, truth)
    assert first[0] == second[0] and [r.trials for r in first[1]] == [r.trials for r in second[1]]


def test_the_race_keeps_the_budget_of_the_confirmation():
    names = ["a", "b", "c", "d"]
    plan = plan_of(names, budget_epochs=5500)
    _, requests = play(plan, Truth({n: 0.9 + i / 1000 for i, n in enumerate(names)}))
    assert sum(r.cost for r in requests) <= 5500 and requests[-1].rung.phase == "confirm"


def test_given_seeds_confirm_with_exactly_that_many():
    _, requests = play(plan_of(["a", "b"], seeds=7), Truth({"a": 0.9, "b": 0.95}))
    assert len({k.seed for k in requests[-1].trials}) == 7


@pytest.mark.parametrize(
    ("text", "seconds", "epochs"),
    [("60s", 60, None), ("5m", 300, None), ("1h", 3600, None), (90, 90, None), ("2000epochs", None, 2000)],
)
def test_budgets_are_times_or_epochs(text, seconds, epochs):
    budget = parse_budget(text)
    assert (budget.seconds, budget.epochs) == (seconds, epochs)


@pytest.mark.parametrize("text", ["", "soon", "-5s", "0s", "5 parsecs"])
def test_a_budget_that_is_no_budget_is_refused_with_examples(text):
    with pytest.raises(UsageError, match="60s"):
        parse_budget(text)


def test_one_seed_is_refused_because_it_is_no_evidence():
    with pytest.raises(UsageError, match="luck"):
        parse_seeds(1)


def test_a_budget_too_small_says_how_much_is_needed():
    with pytest.raises(UsageError, match="at least"):
        fit_budget(20, n_arms=6, n_tuned=6, steps_per_epoch=20, n_seeds=0, epochs=None)


def test_a_larger_budget_never_shortens_the_runs():
    lengths = [fit_budget(b, 6, 6, 20, 0, None).epochs for b in (1200, 1500, 3000, 10000, 100000)]
    assert lengths == sorted(lengths) and lengths[-1] == 100


@pytest.mark.parametrize(
    ("epochs", "steps_per_epoch", "lengths"),
    [(27, 100, [3, 9, 27]), (20, 6, [5, 20]), (40, 2, [15, 40]), (2, 100, [2])],
)
def test_the_search_leaves_out_a_rung_that_saves_nothing_on_the_next(epochs, steps_per_epoch, lengths):
    rungs = rungs_of(SIZES[0], epochs, 0, steps_per_epoch)
    assert [r.epochs for r in rungs if r.phase == "search"] == lengths


@pytest.mark.parametrize(("n", "looks"), [(3, [3]), (8, [5, 3]), (10, [5, 5]), (13, [5, 4, 4]), (0, [5, 4, 4, 4, 4])])
def test_every_look_after_the_first_adds_three_seeds_or_more(n, looks):
    assert [len(r.seeds) for r in rungs_of(SIZES[0], 27, n) if r.phase == "race"] == looks
