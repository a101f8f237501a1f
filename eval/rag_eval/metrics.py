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

__all__ = ["Latency", "Measure", "Summary", "latency", "measure", "percentile", "summarise"]

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
    """Milliseconds from question to reply, by percentile."""

    p50: float
    p95: float
    p99: float
    cases: int


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


def latency(milliseconds: Sequence[float]) -> Latency | None:
    """Percentiles of latency; None when nothing was timed."""
    if not milliseconds:
        return None
    return Latency(
        p50=percentile(milliseconds, 50),
        p95=percentile(milliseconds, 95),
        p99=percentile(milliseconds, 99),
        cases=len(milliseconds),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share / 100 * len(ordered)), 1) - 1]


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
    return measures
