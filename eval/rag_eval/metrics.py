"""Many judged cases as figures: means with bootstrap intervals, over all and by kind.

The interval is the percentile bootstrap (Efron 1979): cases are drawn with replacement 1,000 times,
and the middle 95% of the means is what the value might have been with other cases of the same
kind. The generator's seed is fixed, so the same outcomes give the same interval. When every case
has the same value, the interval has no width: that says nothing about rarer failures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag_eval.outcomes import METRICS

if TYPE_CHECKING:
    from rag_eval.outcomes import Outcome

__all__ = [
    "Latency",
    "Measure",
    "Summary",
    "area_under_risk",
    "latency",
    "measure",
    "percentile",
    "risk_coverage",
    "summarise",
]

_RESAMPLES = 1_000
_SEED = 20240116


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The mean of a metric over the cases it applies to, and its 95% interval."""

    value: float
    low: float
    high: float
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds from question to reply, by percentile, each with its interval."""

    p50: Measure
    p95: Measure
    p99: Measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Metrics by name over all cases, and over those of each split, language and tag.

    A metric that applies to no case of a group is absent there.
    """

    overall: Mapping[str, Measure]
    by_split: Mapping[str, Mapping[str, Measure]]
    by_language: Mapping[str, Mapping[str, Measure]]
    by_tag: Mapping[str, Mapping[str, Measure]]
    latency: Latency | None
    cases: int


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    """All figures of a run. Groups come in the order in which the cases first name them."""
    return Summary(
        overall=_measures(outcomes),
        by_split=_grouped(outcomes, lambda outcome: (outcome.case.split,)),
        by_language=_grouped(outcomes, lambda outcome: (outcome.case.language,)),
        by_tag=_grouped(outcomes, lambda outcome: outcome.case.tags),
        latency=latency([o.reply.milliseconds for o in outcomes if o.reply is not None]),
        cases=len(outcomes),
    )


def measure(values: Sequence[float]) -> Measure:
    """Mean and interval of at least one value."""
    import numpy as np

    array = np.asarray(values, dtype=np.float64)
    generator = np.random.default_rng(_SEED)
    drawn = generator.integers(0, len(array), size=(_RESAMPLES, len(array)))
    low, high = np.percentile(array[drawn].mean(axis=1), [2.5, 97.5])
    return Measure(value=float(array.mean()), low=float(low), high=float(high), cases=len(array))


def risk_coverage(outcomes: Sequence[Outcome]) -> tuple[tuple[float, float], ...]:
    """The share of questions answered when only the surest answers are given, and of these, wrong.

    One point for each answer given, surest first; ties keep the order of the cases.
    """
    wrong = 0.0
    points = []
    for number, risk in enumerate(_risks(_answers(outcomes)), start=1):
        wrong += risk
        points.append((number / len(outcomes), wrong / number))
    return tuple(points)


def area_under_risk(answers: Sequence[tuple[float, float]]) -> Measure | None:
    """The mean risk of the surest answers, over all numbers of them (Geifman & El-Yaniv 2017).

    ``answers`` are the confidence of each answer given, and 1 when it is right. 0: none is wrong.
    The area is small when those given with confidence are right, however many of the doubtful
    ones are wrong. None when no answer was given.
    """
    import numpy as np

    if not answers:
        return None
    risks = np.asarray(_risks(answers), dtype=np.float64)
    sizes = np.arange(1, len(risks) + 1)
    generator = np.random.default_rng(_SEED)
    drawn = np.sort(generator.integers(0, len(risks), size=(_RESAMPLES, len(risks))), axis=1)
    areas = (np.cumsum(risks[drawn], axis=1) / sizes).mean(axis=1)
    low, high = np.percentile(areas, [2.5, 97.5])
    area = float((np.cumsum(risks) / sizes).mean())
    return Measure(value=area, low=float(low), high=float(high), cases=len(risks))


def _answers(outcomes: Sequence[Outcome]) -> list[tuple[float, float]]:
    return [
        (outcome.reply.confidence, outcome.values.get("answer_precision", 0.0))
        for outcome in outcomes
        if outcome.reply is not None and outcome.reply.answered
    ]


def _risks(answers: Sequence[tuple[float, float]]) -> list[float]:
    """1 for a wrong answer, surest first."""
    return [1 - right for _, right in sorted(answers, key=lambda answer: -answer[0])]


def latency(milliseconds: Sequence[float]) -> Latency | None:
    """Percentiles of latency; None when nothing was timed."""
    if not milliseconds:
        return None
    import numpy as np

    array = np.asarray(milliseconds, dtype=np.float64)
    generator = np.random.default_rng(_SEED)
    drawn = generator.integers(0, len(array), size=(_RESAMPLES, len(array)))
    resampled = np.sort(array[drawn], axis=1)

    def measured(share: float) -> Measure:
        low, high = np.percentile(resampled[:, _rank(share, len(array))], [2.5, 97.5])
        value = percentile(milliseconds, share)
        return Measure(value=value, low=float(low), high=float(high), cases=len(array))

    return Latency(p50=measured(50), p95=measured(95), p99=measured(99))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` percent of the values do not exceed."""
    return sorted(values)[_rank(share, len(values))]


def _rank(share: float, count: int) -> int:
    return max(math.ceil(share / 100 * count), 1) - 1


def _grouped(
    outcomes: Sequence[Outcome], groups_of: Callable[[Outcome], Iterable[str]]
) -> dict[str, dict[str, Measure]]:
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        for name in dict.fromkeys(groups_of(outcome)):
            groups.setdefault(name, []).append(outcome)
    return {name: _measures(members) for name, members in groups.items()}


def _measures(outcomes: Sequence[Outcome]) -> dict[str, Measure]:
    measures = {}
    for name in METRICS:
        values = [outcome.values[name] for outcome in outcomes if name in outcome.values]
        if values:
            measures[name] = measure(values)
        elif name == "aurc":
            area = area_under_risk(_answers(outcomes))
            if area is not None:
                measures[name] = area
    return measures
