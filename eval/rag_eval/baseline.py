"""The gate: what an earlier run gave, and whether this one is worse.

A baseline stores every case's own values, not only the means, so that two runs are compared over
the cases they share: a question added or reworded since is neither a gain nor a loss, and a run of
one split can be held against a baseline of both.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rag.errors import InvalidInput, Unavailable
from rag_eval.metrics import area_under_risk
from rag_eval.outcomes import METRICS

if TYPE_CHECKING:
    from rag_eval.outcomes import Outcome

__all__ = [
    "Baseline",
    "CaseChange",
    "CaseRecord",
    "Comparison",
    "MetricChange",
    "baseline_of",
    "compare",
    "load_baseline",
    "must_pass_failures",
    "save_baseline",
]

_FORMAT = 1
_DIGITS = 6
_ROUNDING = 10**-_DIGITS
_PASSAGES = 3
_BEGINNING = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """How one case came out."""

    digest: str
    passed: bool
    answer: str
    rank: int | None
    reasons: tuple[str, ...]
    values: Mapping[str, float]
    confidence: float | None = None
    passages: tuple[str, ...] = ()
    """How the first passages begin: what was found, for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """An earlier run: the records by case id, and how far each metric may get worse."""

    tolerances: Mapping[str, float]
    cases: Mapping[str, CaseRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChange:
    """A metric before and now, over the cases that both runs have."""

    name: str
    before: float
    after: float
    cases: int
    tolerance: float | None

    @property
    def worse_by(self) -> float:
        """How much worse it is now; negative when it is better."""
        fallen = self.before - self.after
        return fallen if METRICS[self.name].higher_is_better else -fallen

    @property
    def regressed(self) -> bool:
        """Whether it is worse by more than its tolerance."""
        return self.tolerance is not None and self.worse_by > self.tolerance + _ROUNDING


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """A case that comes out differently now."""

    case_id: str
    question: str
    kind: Literal["worse", "better", "different"]
    """Passed before and fails now, the reverse, or neither but with another answer or reason."""
    before: CaseRecord
    after: CaseRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """This run against a baseline."""

    metrics: tuple[MetricChange, ...]
    changes: tuple[CaseChange, ...]
    compared: int
    added: tuple[str, ...]
    """Cases that the baseline does not have, or has with another question or expectation."""
    not_run: tuple[str, ...]
    """Cases of the baseline that this run left out."""

    @property
    def regressions(self) -> tuple[MetricChange, ...]:
        """Metrics that are worse by more than their tolerance."""
        return tuple(change for change in self.metrics if change.regressed)


def must_pass_failures(outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """The cases that may never fail and did, baseline or not."""
    return tuple(o for o in outcomes if o.case.must_pass and not o.passed)


def baseline_of(
    outcomes: Sequence[Outcome], *, tolerances: Mapping[str, float] | None = None
) -> Baseline:
    """The baseline that a run makes; ``tolerances`` of an earlier one are kept."""
    if tolerances is None:
        tolerances = {
            info.name: info.tolerance for info in METRICS.values() if info.tolerance is not None
        }
    return Baseline(
        tolerances=tolerances,
        cases={outcome.case.case_id: _record(outcome) for outcome in outcomes},
    )


def compare(baseline: Baseline, outcomes: Sequence[Outcome]) -> Comparison:
    """This run against an earlier one. Raises InvalidInput when they share no case."""
    records = {outcome.case.case_id: _record(outcome) for outcome in outcomes}
    questions = {outcome.case.case_id: outcome.case.question for outcome in outcomes}
    shared = [
        case_id
        for case_id, record in records.items()
        if case_id in baseline.cases and baseline.cases[case_id].digest == record.digest
    ]
    if not shared:
        message = (
            f"None of the {len(records)} cases is in the baseline. Expected a baseline made from"
            " this case file; name another, or make one with --update-baseline."
        )
        raise InvalidInput(message)
    pairs = {case_id: (baseline.cases[case_id], records[case_id]) for case_id in shared}
    changes = []
    for case_id, (before, after) in pairs.items():
        kind = _kind(before, after)
        if kind is not None:
            changes.append(
                CaseChange(
                    case_id=case_id,
                    question=questions[case_id],
                    kind=kind,
                    before=before,
                    after=after,
                )
            )
    return Comparison(
        metrics=_metric_changes(baseline, tuple(pairs.values())),
        changes=tuple(changes),
        compared=len(shared),
        added=tuple(case_id for case_id in records if case_id not in pairs),
        not_run=tuple(case_id for case_id in baseline.cases if case_id not in records),
    )


def load_baseline(path: Path) -> Baseline:
    """Read a baseline. Raises InvalidInput when there is none, or it is no baseline."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = (
            f"There is no baseline {path}. Expected a file that --update-baseline wrote; add that"
            " option to make it from this run."
        )
        raise InvalidInput(message) from error
    except (OSError, ValueError) as error:
        message = f"The baseline {path} cannot be read: {error}. Restore it, or make it anew."
        raise InvalidInput(message) from error
    try:
        return _baseline(raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = (
            f"{path} is no baseline: {type(error).__name__}, {error}. Expected a file that"
            " --update-baseline wrote; restore it, or make it anew."
        )
        raise InvalidInput(message) from error


def save_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline, one case a line so that a difference can be read; whole or not at all.

    Raises Unavailable when it cannot be written.
    """
    tolerances = [f"    {json.dumps(name)}: {each}" for name, each in baseline.tolerances.items()]
    cases = [
        f"    {json.dumps(case_id, ensure_ascii=False)}: {_encoded(record)}"
        for case_id, record in baseline.cases.items()
    ]
    text = (
        f'{{\n  "format": {_FORMAT},\n'
        f'  "tolerances": {{\n{_joined(tolerances)}  }},\n'
        f'  "cases": {{\n{_joined(cases)}  }}\n}}\n'
    )
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        message = f"The baseline {path} cannot be written: {error.strerror}. Name another place."
        raise Unavailable(message) from error


def _baseline(raw: dict[str, object]) -> Baseline:
    if raw["format"] != _FORMAT:
        message = f"its format is {raw['format']!r}, this version reads {_FORMAT}"
        raise ValueError(message)
    tolerances, cases = raw["tolerances"], raw["cases"]
    if not isinstance(tolerances, dict) or not isinstance(cases, dict):
        message = "tolerances and cases are not both objects"
        raise TypeError(message)
    for name, tolerance in tolerances.items():
        if name not in METRICS:
            message = f"there is no metric {name!r}; known: {', '.join(METRICS)}"
            raise ValueError(message)
        if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or tolerance < 0:
            message = f"the tolerance of {name} is {tolerance!r}, not a number from 0"
            raise ValueError(message)
    return Baseline(
        tolerances=tolerances,
        cases={case_id: _decoded(record) for case_id, record in cases.items()},
    )


def _joined(lines: Sequence[str]) -> str:
    return ",\n".join(lines) + "\n" if lines else ""


def _record(outcome: Outcome) -> CaseRecord:
    return CaseRecord(
        digest=outcome.case.digest,
        passed=outcome.passed,
        answer=outcome.reply.answer if outcome.reply else "",
        rank=outcome.rank,
        reasons=outcome.reasons,
        values={name: round(value, _DIGITS) for name, value in outcome.values.items()},
        confidence=round(outcome.reply.confidence, _DIGITS) if outcome.reply else None,
        passages=tuple(
            _beginning(passage.text)
            for passage in (outcome.reply.passages[:_PASSAGES] if outcome.reply else ())
        ),
    )


def _beginning(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _BEGINNING else text[: _BEGINNING - 1] + "…"


def _encoded(record: CaseRecord) -> str:
    return json.dumps(
        {
            "digest": record.digest,
            "passed": record.passed,
            "rank": record.rank,
            "values": dict(record.values),
            "reasons": list(record.reasons),
            "answer": record.answer,
            "confidence": record.confidence,
            "passages": list(record.passages),
        },
        ensure_ascii=False,
    )


def _decoded(raw: Mapping[str, object]) -> CaseRecord:
    passed, rank, values, reasons = (raw[name] for name in ("passed", "rank", "values", "reasons"))
    passages = raw.get("passages", [])
    if (
        not isinstance(passed, bool)
        or not isinstance(rank, int | None)
        or not isinstance(values, dict)
        or not isinstance(reasons, list)
        or not isinstance(passages, list)
    ):
        message = "a case's passed, rank, values, reasons or passages have a wrong type"
        raise TypeError(message)
    return CaseRecord(
        digest=str(raw["digest"]),
        passed=passed,
        answer=str(raw["answer"]),
        rank=rank,
        reasons=tuple(map(str, reasons)),
        values={str(name): float(value) for name, value in values.items()},
        confidence=None if raw.get("confidence") is None else float(str(raw["confidence"])),
        passages=tuple(map(str, passages)),
    )


def _kind(before: CaseRecord, after: CaseRecord) -> Literal["worse", "better", "different"] | None:
    if before.passed != after.passed:
        return "better" if after.passed else "worse"
    if (before.answer, before.reasons) != (after.answer, after.reasons):
        return "different"
    return None


def _metric_changes(
    baseline: Baseline, pairs: Sequence[tuple[CaseRecord, CaseRecord]]
) -> tuple[MetricChange, ...]:
    """Means on either side over the cases that have the metric there.

    The two sides may differ in that (an answer has a length only when there is an answer), and a
    metric that one side lacks altogether is left out.
    """
    changes = []
    before_answers, after_answers = (_answers(side) for side in zip(*pairs, strict=True))
    for name in METRICS:
        if name == "aurc":
            area, area_now = area_under_risk(before_answers), area_under_risk(after_answers)
            if area is not None and area_now is not None:
                tolerance = baseline.tolerances.get(name)
                changes.append(
                    MetricChange(
                        name=name,
                        before=area.value,
                        after=area_now.value,
                        cases=area_now.cases,
                        tolerance=tolerance,
                    )
                )
            continue
        old = [before.values[name] for before, _ in pairs if name in before.values]
        new = [after.values[name] for _, after in pairs if name in after.values]
        if old and new:
            changes.append(
                MetricChange(
                    name=name,
                    before=sum(old) / len(old),
                    after=sum(new) / len(new),
                    cases=len(new),
                    tolerance=baseline.tolerances.get(name),
                )
            )
    return tuple(changes)


def _answers(records: Iterable[CaseRecord]) -> list[tuple[float, float]]:
    """Confidence and rightness of the answers given; baselines of before keep no confidence."""
    return [
        (record.confidence, record.values["answer_precision"])
        for record in records
        if record.confidence is not None and "answer_precision" in record.values
    ]
