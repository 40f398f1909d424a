"""Studies made up from known effects, so that the page can be looked at and tested without training anything."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from scipy import stats

from steepest.results.records import (
    ArmRecord,
    ArmSummary,
    Difference,
    Event,
    Outcome,
    Plan,
    RungRecord,
    Study,
    Verdict,
)

# name -> (gain over the baseline in shares, best log10 learning rate, speed per epoch)
EFFECTS = {
    "cross_entropy + nadamw": (0.000, -2.5, 0.16),
    "cross_entropy + sgd(momentum=0.9)": (-0.003, -1.0, 0.11),
    "focal(gamma=2.0) + nadamw": (0.0045, -2.5, 0.15),
    "focal(gamma=2.0) + sgd(momentum=0.9)": (-0.008, -0.5, 0.09),
    "square + nadamw": (0.008, -2.5, 0.20),
    "square + sgd(momentum=0.9)": (-0.022, -1.0, 0.07),
}
EVIL = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "🦊 + 🚀👩‍🚀",
    "\u202eevil rtl\u202c שלום",
    "line\nbreak\r\ttab\x00null",
    "x" * 10_000,
    "]]> <!-- --> </style></script>",
    "{{ 7*7 }} {% raw %} ${x}",
    "&lt;b&gt; &amp;",
    "javascript:alert(1)",
    "lone \udc80 surrogate",
    "`code` \u2068iso\u2069",
    "",
    " ",
    "url(https://example.com/x)",
    "@import 'https://example.com'",
    "</title><script src=//example.com>",
    "a" * 60 + "1",
    "a" * 60 + "2",
]
SCHEDULE = "warmup_cosine"
CENTRE = {"nadamw": -2.5, "sgd(momentum=0.9)": -1.0}
RUNGS = [
    RungRecord("search 1", "search", 3, [0, 1, 2]),
    RungRecord("search 2", "search", 9, [0, 1, 2]),
    RungRecord("search 3", "search", 27, [0, 1, 2]),
    RungRecord("race look 1", "race", 27, [100, 101, 102, 103, 104]),
    RungRecord("race look 2", "race", 27, [105, 106, 107, 108]),
    RungRecord("race look 3", "race", 27, [109, 110, 111, 112]),
    RungRecord("confirm", "confirm", 27, list(range(1000, 1012))),
]


def noise(*keys: Any) -> float:
    """A standard normal number that belongs to these keys."""
    return float(np.random.default_rng(abs(hash_of(keys))).standard_normal())


def hash_of(keys: tuple[Any, ...]) -> int:
    import zlib

    return zlib.crc32(repr(keys).encode("utf-8", "surrogatepass"))


def trial(rung: RungRecord, arm: str, lr: float, seed: int, sign: float = 1.0) -> Outcome:
    """One run: a level by arm and seed, a parabola in log lr, an exponential approach, some noise."""
    gain, centre, speed = EFFECTS[arm]
    distance = math.log10(lr) - centre
    diverged = distance > 1.2 + 0.2 * noise(arm, seed, "edge")
    level = 0.958 + gain - 0.018 * distance**2 + 0.006 * noise(seed, "seed") + 0.0045 * noise(arm, seed)
    level -= 0.08 * math.exp(-speed * rung.epochs)
    epochs = list(range(1, (2 if diverged else rung.epochs) + 1))
    curve = [[e, level - 0.6 * math.exp(-3 * speed * e) + 0.002 * noise(arm, seed, e)] for e in epochs]
    losses = [[e, 0.05 + 2.0 * math.exp(-2 * speed * e) + (50.0 * e if diverged else 0.0)] for e in epochs]
    test = level - 0.004 + 0.003 * noise(arm, seed, "test") if rung.phase == "confirm" else None
    if sign < 0:
        level, test = 3000 * (1 - level), None if test is None else 3000 * (1 - test)
        curve = [[e, 3000 * (1 - s)] for e, s in curve]
    extra = {"accuracy": level, "f1": level - 0.004, "balanced_accuracy": level - 0.003} if sign > 0 else {"r2": 0.5}
    return Outcome(
        rung=rung.name,
        arm=arm,
        seed=seed,
        learning_rate=lr,
        epochs=rung.epochs,
        score=math.nan if diverged else level,
        diverged=diverged,
        test_score=None if diverged else test,
        metrics={} if diverged else extra,
        curve=curve,
        loss_curve=losses,
    )


def grid(arm: str) -> list[float]:
    centre = CENTRE[arm.split(" + ")[1]]
    return [10 ** (centre + k / 2) for k in range(-3, 4)]


def arm_record(name: str) -> ArmRecord:
    loss, optimizer = name.split(" + ")
    return ArmRecord(
        name, loss, optimizer, SCHEDULE, is_baseline=name == "cross_entropy + nadamw", learning_rates=grid(name)
    )


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "arms": [arm_record(n) for n in EFFECTS],
        "rungs": RUNGS,
        "metric": "accuracy",
        "best": "max",
        "unit": "points",
        "task": "classification",
        "model": "mlp",
        "data": {
            "name": "digits",
            "n_samples": 1797,
            "n_train": 1149,
            "n_select": 288,
            "n_test": 360,
            "n_features": 64,
            "n_classes": 10,
            "fingerprint": "9f2c51d07ab3e864",
            "class_names": [str(i) for i in range(10)],
        },
        "batch_size": 64,
        "epochs": 27,
        "budget": "60s",
        "budget_epochs": 4600.0,
        "max_seeds": 21,
        "rope": 0.002,
        "alpha": 0.05,
        "seed": 0,
        "engine": "stack",
        "device": "cpu (2 threads)",
        "command": "steepest compare mlp --data digits --losses cross_entropy,focal,square --optimizers nadamw,sgd --metric accuracy --budget 60s",
        "python": 'st.compare("mlp", "digits", losses=["cross_entropy", "focal", "square"], optimizers=["nadamw", "sgd"], metric="accuracy", budget="60s")',
        "versions": {"steepest": "0.1.0", "torch": "2.13.0", "python": "3.11.7", "platform": "Linux x86_64"},
        "sources": {
            "nadamw": "Dozat 2016, openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ",
            "square": "Hui & Belkin 2020, arXiv:2006.07322",
        },
        "forecast": "Differences of 0.5 points or more can be resolved, in about 1 minute.",
        "n_parameters": 8970,
    }
    values.update(changes)
    return Plan(**values)


def kept(arm: str, n: int) -> list[float]:
    """The n rates of the grid that are nearest to the arm's true best."""
    return sorted(sorted(grid(arm), key=lambda lr: abs(math.log10(lr) - EFFECTS[arm][1]))[:n])


def outcomes(sign: float = 1.0) -> list[Outcome]:
    survivors = {
        "search 1": list(EFFECTS),
        "search 2": list(EFFECTS),
        "search 3": list(EFFECTS),
        "race look 1": list(EFFECTS),
        "race look 2": [a for a in EFFECTS if not a.startswith("square + sgd")],
        "race look 3": ["cross_entropy + nadamw", "focal(gamma=2.0) + nadamw", "square + nadamw"],
        "confirm": ["cross_entropy + nadamw", "focal(gamma=2.0) + nadamw", "square + nadamw"],
    }
    rates = {"search 1": 7, "search 2": 3}
    return [
        trial(r, a, lr, s, sign)
        for r in RUNGS
        for a in survivors[r.name]
        for lr in kept(a, rates.get(r.name, 1))
        for s in r.seeds
    ]


def t_interval(x: list[float]) -> tuple[float, float, float]:
    mean = float(np.mean(x))
    half = float(stats.t.ppf(0.975, len(x) - 1) * np.std(x, ddof=1) / math.sqrt(len(x)))
    return mean, mean - half, mean + half


def difference(runs: list[Outcome], a: str, b: str, rope: float, sign: float) -> Difference:
    by = {(o.arm, o.seed): o.final() for o in runs if o.rung == "confirm"}
    d = [sign * (by[a, s] - by[b, s]) for s in RUNGS[-1].seeds]
    mean, low, high = t_interval(d)
    verdict = (
        "better"
        if low > rope
        else "probably better"
        if low > 0
        else "equivalent"
        if -rope <= low and high <= rope
        else "undecided"
    )
    return Difference(
        a,
        b,
        mean,
        low,
        high,
        0.95,
        len(d),
        float(stats.ttest_1samp(d, 0).pvalue),
        float(np.mean(np.array(d) > 0)),
        mean / float(np.std(d, ddof=1)),
        rope,
        verdict,
        9 if verdict == "undecided" else None,
    )


def summaries(runs: list[Outcome]) -> list[ArmSummary]:
    rows = []
    for name in EFFECTS:
        race = [o.score for o in runs if o.arm == name and o.rung.startswith("race") and not o.diverged]
        test = [o.final() for o in runs if o.arm == name and o.rung == "confirm"]
        status = "winner" if name == "square + nadamw" else "confirmed" if test else "eliminated"
        mean, low, high = t_interval(race)
        tests = t_interval(test) if test else (None, None, None)
        mine = [o for o in runs if o.arm == name]
        rows.append(
            ArmSummary(
                name,
                status,
                kept(name, 1)[0],
                mean,
                low,
                high,
                len(race),
                *tests,
                len(test),
                sum(o.diverged for o in mine),
                len(mine),
                "best rate is the grid's upper edge" if "focal(gamma=2.0) + sgd" in name else "",
            )
        )
    return rows


def events(runs: list[Outcome]) -> list[Event]:
    return [
        Event(
            "engine",
            "search 1",
            "",
            "All 126 trials trained as one stack: the probe measured 5.8 times the speed of a loop.",
            {"ratio": 5.8},
        ),
        Event(
            "grid extended",
            "search 1",
            "focal(gamma=2.0) + sgd(momentum=0.9)",
            "The best learning rate was the grid's upper edge; two higher rates were added.",
            {"learning_rate": 3.16},
        ),
        Event(
            "learning rate chosen",
            "search 1",
            "square + nadamw",
            "4 of 7 learning rates were clearly behind.",
            {"kept": 3},
        ),
        Event(
            "arm eliminated",
            "race look 1",
            "square + sgd(momentum=0.9)",
            "Worse than square + nadamw on 5 paired seeds.",
            {"p": 0.00031, "threshold": 0.0011, "difference": -0.034, "look": 1},
        ),
        Event(
            "arm eliminated",
            "race look 2",
            "focal(gamma=2.0) + sgd(momentum=0.9)",
            "Worse than square + nadamw on 9 paired seeds.",
            {"p": 0.00004, "threshold": 0.0042, "difference": -0.02, "look": 2},
        ),
        Event(
            "arm eliminated",
            "race look 2",
            "cross_entropy + sgd(momentum=0.9)",
            "Worse than square + nadamw on 9 paired seeds.",
            {"p": 0.0009, "threshold": 0.0042, "difference": -0.013, "look": 2},
        ),
        Event("race stopped", "race look 3", "", "The race reached its last look with 3 arms alive.", {"alive": 3}),
    ]


def classification() -> Study:
    """Six arms, three rungs of search, three looks of a race, a confirmation on twelve fresh seeds."""
    runs = outcomes()
    confirmed = [
        difference(runs, "square + nadamw", "focal(gamma=2.0) + nadamw", 0.002, 1.0),
        difference(runs, "square + nadamw", "cross_entropy + nadamw", 0.002, 1.0),
    ]
    c, d = confirmed
    sentence = (
        f"square + nadamw is {d.verdict} than cross_entropy + nadamw (the baseline) by {100 * d.difference:.1f} points of accuracy "
        f"(95 % CI {100 * d.low:.1f} to {100 * d.high:.1f}; {d.n} fresh seeds, test part of 360 samples). "
        "focal(gamma=2.0) + nadamw may be as good."
    )
    verdict = Verdict(
        sentence,
        d.verdict,
        d.a,
        c.b,
        d.b,
        confirmed,
        summaries(runs),
        0.0042,
        len(runs),
        sum(o.epochs for o in runs),
        [
            "Differences within ±0.2 points count as equivalent (as given).",
            "Intervals cover split, initialisation, batch order and dropout; the test part is one and the same for all seeds.",
        ],
    )
    seconds = {r.name: s for r, s in zip(RUNGS, [6.1, 7.4, 9.8, 13.0, 8.8, 5.4, 7.7])}
    return Study(plan(), runs, events(runs), verdict, sum(seconds.values()), seconds, [r.name for r in RUNGS])


def regression() -> Study:
    """A metric where less is better, measured in its own unit; undecided."""
    runs = outcomes(sign=-1.0)
    confirmed = [difference(runs, "square + nadamw", "cross_entropy + nadamw", 15.0, -1.0)]
    verdict = Verdict(
        f"square + nadamw is {confirmed[0].verdict} than cross_entropy + nadamw.",
        confirmed[0].verdict,
        "square + nadamw",
        "cross_entropy + nadamw",
        None,
        confirmed,
        summaries(runs),
        21.0,
        len(runs),
        900.0,
    )
    data = {
        "name": "diabetes",
        "n_samples": 442,
        "n_train": 282,
        "n_select": 71,
        "n_test": 89,
        "n_features": 10,
        "n_classes": None,
        "fingerprint": "ab12",
    }
    changed = plan(
        metric="mean_squared_error", best="min", unit="mean_squared_error", task="regression", data=data, rope=None
    )
    return Study(changed, runs, [], verdict, 51.0, {}, [r.name for r in RUNGS])


def unfinished() -> Study:
    """Stopped after the second rung: no verdict."""
    whole = classification()
    done = ["search 1", "search 2"]
    runs = [o for o in whole.outcomes if o.rung in done]
    return dataclasses.replace(
        whole, verdict=None, outcomes=runs, events=whole.events[:3], finished_rungs=done, seconds=13.5
    )


def empty() -> Study:
    """Planned, nothing trained."""
    return Study(plan(), [], [], None)


def one_arm() -> Study:
    """A single arm on one seed: nothing to compare."""
    name = "cross_entropy + nadamw"
    rung = RungRecord("search 1", "search", 9, [0])
    runs = [trial(rung, name, lr, 0) for lr in grid(name)]
    best = max((o for o in runs if not o.diverged), key=lambda o: o.score)
    row = ArmSummary(name, "winner", best.learning_rate, best.score, None, None, 1, n_trials=len(runs))
    verdict = Verdict(
        f"{name} was the only arm.", "only one comparable arm", name, None, None, [], [row], None, len(runs), 63.0
    )
    return Study(plan(arms=[arm_record(name)], rungs=[rung]), runs, [], verdict, 1.0, {"search 1": 1.0}, ["search 1"])


def all_diverged() -> Study:
    """No trial survived."""
    runs = [
        dataclasses.replace(o, score=math.nan, diverged=True, test_score=None, metrics={})
        for o in outcomes()
        if o.rung == "search 1"
    ]
    rows = [ArmSummary(n, "diverged", None, None, None, None, 0, n_diverged=21, n_trials=21) for n in EFFECTS]
    verdict = Verdict(
        "Every trial diverged: nothing can be compared.",
        "nothing comparable",
        None,
        None,
        None,
        [],
        rows,
        None,
        len(runs),
        63.0,
    )
    return Study(plan(), runs, [], verdict, 2.0, {}, ["search 1"])


def hostile(n_trials: int = 1000) -> Study:
    """A thousand trials of twenty arms with names that try to break the page."""
    rung, race = (
        RungRecord("search </script>", "search", 30, [0]),
        RungRecord("race look 1", "race", 30, list(range(20))),
    )
    confirm = RungRecord("confirm", "confirm", 30, list(range(100, 110)))
    effects = list(EFFECTS)
    runs = []
    for i in range(n_trials):
        k, name = i // len(EVIL), EVIL[i % len(EVIL)]
        r, seed = (rung, 0) if k < 5 else (race, k % 20) if k < n_trials // len(EVIL) - 10 else (confirm, 100 + k % 10)
        model = effects[i % len(EVIL) % len(effects)]
        lr = grid(model)[1 + k % 5] if r is rung else kept(model, 1)[0]
        runs.append(dataclasses.replace(trial(r, model, lr, seed), arm=name, rung=r.name))
    rows = [
        ArmSummary(n, "winner" if i == 0 else "eliminated", 0.003, 0.95, 0.94, 0.96, 20, note=n[:200])
        for i, n in enumerate(EVIL)
    ]
    compared = [
        Difference(EVIL[0], EVIL[i], 0.01, 0.004, 0.016, 0.95, 10, 0.001, 0.9, 1.1, 0.002, "better") for i in (1, 6)
    ]
    verdict = Verdict(
        f"{EVIL[0]} is better than {EVIL[1]}.",
        "better",
        EVIL[0],
        EVIL[1],
        EVIL[6],
        compared,
        rows,
        0.004,
        n_trials,
        3e4,
        list(EVIL),
    )
    records = [ArmRecord(n, n, n, n, learning_rates=grid(effects[i % 6])) for i, n in enumerate(EVIL)]
    audit = [Event("arm eliminated", "race look 1", n, n, {"p": 0.001, "threshold": 0.01, n[:50]: n}) for n in EVIL[2:]]
    evil_plan = plan(
        arms=records,
        rungs=[rung, race, confirm],
        model=EVIL[0],
        command=" ".join(EVIL),
        python="\n".join(EVIL),
        metric="<b>accuracy</b>",
        versions=dict.fromkeys(EVIL, EVIL[0]),
        data={"name": EVIL[1], "n_samples": 10, "class_names": EVIL, "fingerprint": EVIL[7]},
    )
    return Study(evil_plan, runs, audit, verdict, 100.0, {}, [rung.name, race.name, confirm.name])
