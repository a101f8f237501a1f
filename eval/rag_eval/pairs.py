"""Two runs over the same cases: is the difference more than chance?

The paired randomisation test (Fisher 1935; Smucker, Allan & Carterette 2007 compare it with others
for retrieval): if both settings were the same, each case's difference could as well have the other
sign. ``p`` is how often signs drawn at random give a mean difference at least as large. It supposes
nothing about how values are distributed, and is the same for figures of 0 and 1 and for shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.errors import InvalidInput
from rag_eval.metrics import measure
from rag_eval.outcomes import METRICS

if TYPE_CHECKING:
    from rag_eval.outcomes import Outcome

__all__ = ["PairedMetric", "as_record", "compare_pairs", "randomisation_test"]

_DRAWS = 10_000
_AT_ONCE = 500
_SEED = 20240116
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedMetric:
    """A metric of both runs, over the cases for which both have it."""

    name: str
    a: float
    b: float
    low: float
    high: float
    """95% interval of the difference B − A."""
    a_better: int
    b_better: int
    cases: int
    p: float

    @property
    def difference(self) -> float:
        """B − A."""
        return self.b - self.a

    @property
    def significant(self) -> bool:
        """Whether chance alone gives such a difference in less than 5 of 100 runs."""
        return self.p < 0.05


def compare_pairs(a: Sequence[Outcome], b: Sequence[Outcome]) -> tuple[PairedMetric, ...]:
    """Every metric that both runs have, over the cases that have it in both.

    Raises InvalidInput when the runs are not over the same cases in the same order.
    """
    if [o.case.digest for o in a] != [o.case.digest for o in b]:
        message = "The two runs are not over the same cases. Ask both the same file."
        raise InvalidInput(message)
    paired = []
    for name, info in METRICS.items():
        values = [
            (one.values[name], other.values[name])
            for one, other in zip(a, b, strict=True)
            if name in one.values and name in other.values
        ]
        if values:
            paired.append(_paired(name, values, higher_is_better=info.higher_is_better))
    return tuple(paired)


def randomisation_test(differences: Sequence[float]) -> float:
    """How often random signs give a mean at least as far from 0; 1 when nothing differs.

    All assignments of signs are tried where there are few, 10,000 with a fixed seed elsewhere.
    """
    import numpy as np

    moved = np.asarray([each for each in differences if abs(each) > _ROUNDING], dtype=np.float64)
    if not len(moved):
        return 1.0
    observed = abs(moved.sum()) - _ROUNDING
    if 2 ** len(moved) <= _DRAWS:
        codes = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved)) & 1
        return float((abs((1 - 2 * codes) @ moved) >= observed).mean())
    generator = np.random.default_rng(_SEED)
    extreme = 0
    for _ in range(_DRAWS // _AT_ONCE):
        signs = 1 - 2 * generator.integers(0, 2, size=(_AT_ONCE, len(moved)), dtype=np.int8)
        extreme += int((abs(signs @ moved) >= observed).sum())
    # The observed assignment is one of the possible: p is never 0 (Phipson & Smyth 2010).
    return (extreme + 1) / (_DRAWS + 1)


def _paired(
    name: str, values: Sequence[tuple[float, float]], *, higher_is_better: bool
) -> PairedMetric:
    differences = [b - a for a, b in values]
    interval = measure(differences)
    up = sum(each > _ROUNDING for each in differences)
    down = sum(each < -_ROUNDING for each in differences)
    return PairedMetric(
        name=name,
        a=sum(a for a, _ in values) / len(values),
        b=sum(b for _, b in values) / len(values),
        low=interval.low,
        high=interval.high,
        a_better=down if higher_is_better else up,
        b_better=up if higher_is_better else down,
        cases=len(values),
        p=randomisation_test(differences),
    )


def as_record(paired: Sequence[PairedMetric]) -> Mapping[str, object]:
    """For programs: by name of the metric."""
    return {
        each.name: {
            "a": round(each.a, 4),
            "b": round(each.b, 4),
            "difference": round(each.difference, 4),
            "low": round(each.low, 4),
            "high": round(each.high, 4),
            "a_better": each.a_better,
            "b_better": each.b_better,
            "cases": each.cases,
            "p": round(each.p, 5),
        }
        for each in paired
    }
