"""The sentence of a verdict: what it claims, for whom, and what became of the user's own choice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from simulated import Truth, plan_of, play

from steepest.compare.conclude import conclude
from steepest.results.records import ArmRecord, Outcome


def confirmed(plan, arms: dict[str, list[float]], left_out: dict[str, list[float]] | None = None):
    """The verdict on these test scores."""
    outcomes = [
        Outcome("confirm", arm, 1000 + i, 1e-3, 1, s, False, s, test_jackknife=(left_out or {}).get(arm, []))
        for arm, scores in arms.items()
        for i, s in enumerate(scores)
    ]
    return conclude(plan, outcomes, dict.fromkeys(arms, 1e-3), {}, list(arms))


ROUGH = [0.01 * x for x in (1, -1, 2, -2, 0, 1, -1, 0, 2, -2, 1, -1)]


def test_the_interval_for_other_samples_stands_beside_that_of_seeds_and_takes_a_claim_back_a_step():
    scores = {"a": [0.95 + x / 8 for x in ROUGH], "b": [0.90 - x / 8 for x in ROUGH]}
    steady = {"a": [0.95] * 20, "b": [0.90 + 0.001 * (i % 2) for i in range(20)]}
    lucky = {"a": [0.95 + 0.02 * (i % 2) for i in range(20)], "b": [0.90] * 20}
    sure, unsure = (confirmed(plan_of(["a", "b"]), scores, left) for left in (steady, lucky))
    assert (sure.kind, unsure.kind) == ("better", "probably better")
    assert "; for other samples " in sure.sentence and "; for other samples -" in unsure.sentence
    assert any("jackknife" in note for note in sure.notes)


def test_small_data_say_that_splits_overlap_and_by_how_much():
    plan = replace(
        plan_of(["a", "b"]), resampled=True, data={"n_test": 36, "n_train": 107, "n_samples": 178, "n_select": 35}
    )
    verdict = confirmed(plan, {"a": [0.95 + x for x in ROUGH], "b": [0.93 - x for x in ROUGH]})
    assert "36 test samples, drawn anew for each" in verdict.sentence
    assert any("Two seeds share about 60 %" in note and "1/12 + 36/107" in note for note in verdict.notes)
    assert all(len(note) <= 300 for note in verdict.notes)  # a terminal shows no more
    d = verdict.confirmation[0]
    assert d.sample_low < d.low and d.sample_high > d.high


def test_without_facts_about_the_samples_the_page_says_that_they_are_not_covered():
    verdict = confirmed(plan_of(["a", "b"]), {"a": [0.95 + x for x in ROUGH], "b": [0.9] * 12})
    assert "for other samples" not in verdict.sentence
    assert any("not the drawing of the samples" in note for note in verdict.notes)


def test_a_difference_above_0_that_few_seeds_show_is_no_claim_and_says_why():
    pattern = np.array([-1.0, 1.0] * 20)
    verdict = confirmed(plan_of(["a", "b"]), {"a": list(0.9 + 0.01 * (pattern + 0.45)), "b": [0.9] * 40})
    assert verdict.kind == "undecided" and verdict.confirmation[0].low > 0
    said = "Undecided: a is ahead of b by 0.5 points of accuracy, but wins on 67 % of seeds only (95 % CI "
    assert verdict.sentence.startswith(said)
    assert any("not called" in note for note in verdict.notes)


def test_no_claim_survives_two_questions_with_an_interval_that_denies_it():
    """Both p values lie between alpha / 2 and alpha: taken back together, and shown at the level that took them back."""
    gap = [0.0077 + 0.8 * x for x in ROUGH]
    verdict = confirmed(plan_of(["b", "c", "a"]), {"a": [0.9 + g for g in gap], "c": [0.9] * 12, "b": [0.9] * 12})
    for d in verdict.confirmation:
        assert 0.025 < d.p_value <= 0.05
        assert (d.verdict, d.level) == ("undecided", 0.975) and d.low < 0 < d.high


def user_plan(*optimizers: str):
    """The user's own choice is the first, at its learning rate; where it stands a second time it is tuned."""
    arms = [
        ArmRecord(
            f"mse + {o}", "mse", o, "constant", is_baseline=i == 0, learning_rates=[1e-3], fixed_learning_rate=i == 0,
            untuned="sgd" if i == 0 else "",
        )
        for i, o in enumerate(optimizers)
    ]  # fmt: skip
    return replace(plan_of([]), arms=arms, request={"baseline": "mse + sgd(lr=0.001)"})


def test_the_users_own_choice_is_told_to_be_fine_when_nothing_beats_it():
    plan = user_plan("sgd(lr=0.001)", "adamw")
    mine, other = (a.name for a in plan.arms)
    for scores in ({mine: [0.95 + x for x in ROUGH], other: [0.9] * 12}, {other: [0.9] * 12, mine: [0.9] * 12}):
        assert f"Your choice was fine: nothing better than {mine} was found." in confirmed(plan, scores).sentence
    worse = confirmed(plan, {other: [0.95 + x for x in ROUGH], mine: [0.9] * 12})
    assert "Your choice" not in worse.sentence and worse.kind == "better"


def test_the_users_own_choice_may_be_fine_but_for_its_learning_rate():
    plan = user_plan("sgd(lr=0.001)", "adamw", "sgd")
    mine, _, tuned = (a.name for a in plan.arms)
    verdict = confirmed(plan, {tuned: [0.95 + x for x in ROUGH], mine: [0.9] * 12})
    assert "Your choice was fine but for its learning rate: 0.001 in the place of 0.001." in verdict.sentence


def test_a_best_rate_that_moves_to_the_edge_in_longer_runs_extends_the_grid_there():
    plan = plan_of(["a", "b"])
    truth = Truth({"a": 0.9, "b": 0.95}, sd=0.0, common_sd=0.0)

    class Moving(Truth):
        """The longer the run, the higher the best rate."""

        def answer(self, request):
            self.best_lr = 4e-3 if request.rung.epochs < 9 else 1.2e-2
            return super().answer(request)

    verdict, requests = play(plan, Moving(truth.levels, sd=0.0, common_sd=0.0))
    assert any(r.rung.name == "search 2, extension 1" for r in requests)
    assert all(a.learning_rate == 1e-2 and a.status != "not comparable" for a in verdict.arms)
