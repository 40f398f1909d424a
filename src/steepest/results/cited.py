"""What a study rests on: the sources of its items, and of the statistics behind its verdict."""

from __future__ import annotations

from steepest.core.citations import Citations

from .records import Study


def citations(study: Study) -> Citations:
    """Of exactly what was used: losses, weightings, rules, schedules, transforms, metric, data, and the statistics."""
    return Citations.of({**study.plan.sources, **methods(study)})


def methods(study: Study) -> dict[str, str]:
    """Statistical method -> its source, of those that this study used."""
    found = {"all sources of variation drawn anew by seed": "Bouthillier et al. 2021, arXiv:2103.03098"}
    if any(event.kind == "arm eliminated" for event in study.events):
        found["arms left by tests that share one error rate"] = "Holm 1979, Scandinavian Journal of Statistics 6:65-70"
    differences = study.verdict.confirmation if study.verdict else []
    if any(d.rope for d in differences):
        found["equivalence by two one-sided tests"] = "Schuirmann 1987, doi:10.1007/BF01068419"
    if any(d.method == "signed rank" for d in differences):
        found["signed ranks"] = (
            "Hodges & Lehmann 1963, doi:10.1214/aoms/1177704172; ties: Pratt 1959, doi:10.1080/01621459.1959.10501526"
        )
    if study.plan.resampled:
        found["variance of repeated splits"] = "Nadeau & Bengio 2003, doi:10.1023/A:1024068626366"
    if any(d.sample_low is not None for d in differences):
        found["the interval for other samples"] = "Efron & Stein 1981, doi:10.1214/aos/1176345462"
    return found
