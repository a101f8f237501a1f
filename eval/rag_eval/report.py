"""A finished run, for people as plain text and for programs as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag_eval.baseline import must_pass_failures
from rag_eval.explanations import explain, explain_mean
from rag_eval.outcomes import METRICS

if TYPE_CHECKING:
    from rag_eval.baseline import CaseChange, Comparison
    from rag_eval.metrics import Latency, Measure, Summary
    from rag_eval.outcomes import Outcome

__all__ = ["Evaluation", "failure_lines", "json_report", "text_report"]

_DIGITS = 4
_COLUMNS = ("passed", "hit@1", "hit@5", "correctness", "citation_exactness", "refusal_accuracy")
_COLUMN_TITLES = ("passed", "hit@1", "hit@5", "correct", "cited", "refusal")
_LONGEST_ANSWER = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A finished run: what was asked of whom, how it came out, and how that compares."""

    case_file: str
    target: str
    collection: str
    split: str
    tags: tuple[str, ...]
    top_k: int
    outcomes: tuple[Outcome, ...]
    summary: Summary
    comparison: Comparison | None = None

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Outcomes that have a reason against them."""
        return tuple(outcome for outcome in self.outcomes if not outcome.passed)

    @property
    def gate_open(self) -> bool:
        """Whether no must-pass case failed and no metric fell beyond its tolerance."""
        regressed = self.comparison is not None and bool(self.comparison.regressions)
        return not regressed and not must_pass_failures(self.outcomes)


def text_report(evaluation: Evaluation, *, failures: bool = False) -> str:
    """The summary as lines of text; with ``failures``, every failed case and why."""
    lines = [*_head(evaluation), "", *_metric_table(evaluation.summary), "", *_groups(evaluation)]
    if failures and evaluation.failed:
        lines += ["", *failure_lines(evaluation.failed)]
    if evaluation.comparison is not None:
        lines += ["", *_comparison(evaluation.comparison)]
    lines += ["", *_verdict(evaluation, listed=failures)]
    return "\n".join(lines) + "\n"


def failure_lines(outcomes: Sequence[Outcome]) -> list[str]:
    """Failed cases: question, what is wrong, what was expected, what came."""
    lines: list[str] = []
    for outcome in outcomes:
        case = outcome.case
        mark = "must pass, " if case.must_pass else ""
        lines.append(f"{case.case_id} ({mark}{', '.join(case.tags) or 'no tags'}): {case.question}")
        lines += [f"    after: {turn.content}" for turn in case.history if turn.role == "user"]
        lines += [f"    {reason}" for reason in outcome.reasons]
        if case.evidence:
            rank = f"rank {outcome.rank}" if outcome.rank else "not found"
            lines.append(f"    evidence ({rank}): {_shortened(str(case.evidence[0]))}")
        if outcome.reply is not None:
            lines.append(f"    answer: {_shortened(outcome.reply.answer)}")
    return lines


def json_report(evaluation: Evaluation) -> dict[str, object]:
    """Everything about a run. Equal runs differ in ``latency_ms`` and ``milliseconds`` alone."""
    summary = evaluation.summary
    latency = summary.latency
    return {
        "file": evaluation.case_file,
        "target": evaluation.target,
        "collection": evaluation.collection,
        "split": evaluation.split,
        "tags": list(evaluation.tags),
        "top_k": evaluation.top_k,
        "cases": summary.cases,
        "passed": summary.cases - len(evaluation.failed),
        "gate": "open" if evaluation.gate_open else "closed",
        "metrics": {
            name: {**measure, "reason": explain_mean(name, evaluation.outcomes)}
            for name, measure in _measures(summary.overall).items()
        },
        "latency_ms": None
        if latency is None
        else {
            name: {
                "value": round(measure.value, 2),
                "low": round(measure.low, 2),
                "high": round(measure.high, 2),
            }
            for name, measure in _percentiles(latency)
        },
        "by_split": {name: _measures(group) for name, group in summary.by_split.items()},
        "by_language": {name: _measures(group) for name, group in summary.by_language.items()},
        "by_tag": {name: _measures(group) for name, group in summary.by_tag.items()},
        "must_pass_failed": [
            outcome.case.case_id for outcome in must_pass_failures(evaluation.outcomes)
        ],
        "comparison": _comparison_record(evaluation.comparison),
        "outcomes": [_outcome(outcome) for outcome in evaluation.outcomes],
    }


def _percentiles(latency: Latency) -> tuple[tuple[str, Measure], ...]:
    return (("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99))


def _head(evaluation: Evaluation) -> Iterator[str]:
    cases = [outcome.case for outcome in evaluation.outcomes]
    answerable = sum(case.answerable for case in cases)
    chosen = "" if evaluation.split == "all" else f", split {evaluation.split}"
    chosen += f", tags {', '.join(evaluation.tags)}" if evaluation.tags else ""
    yield f"{evaluation.case_file}{chosen}: {len(cases)} cases, {answerable} answerable"
    asked = f"collection {evaluation.collection}, top_k {evaluation.top_k}"
    yield f"asked of {evaluation.target}; {asked}"


def _metric_table(summary: Summary) -> Iterator[str]:
    yield f"{'metric':<24}{'value':>7}   {'95% interval':<15}{'cases':>6}   meaning"
    for name, measure in summary.overall.items():
        decimals = 1 if name == "answer_length" else 3
        interval = f"{measure.low:.{decimals}f} – {measure.high:.{decimals}f}"
        yield (
            f"{name:<24}{measure.value:>7.{decimals}f}   {interval:<15}{measure.cases:>6}"
            f"   {METRICS[name].meaning}"
        )
    latency = summary.latency
    if latency is not None:
        yield (
            f"{'latency':<24}p50 {latency.p50.value:.1f} ms,"
            f" p95 {latency.p95.value:.1f} ms, p99 {latency.p99.value:.1f} ms"
        )


def _groups(evaluation: Evaluation) -> Iterator[str]:
    summary = evaluation.summary
    groups = [*summary.by_split.items(), *summary.by_language.items(), *summary.by_tag.items()]
    yield f"{'group':<24}{'cases':>5}" + "".join(f"{title:>9}" for title in _COLUMN_TITLES)
    for name, measures in groups:
        cells = [
            f"{measures[column].value:>9.3f}" if column in measures else f"{'–':>9}"
            for column in _COLUMNS
        ]
        yield f"{name:<24}{measures['passed'].cases:>5}" + "".join(cells)


def _comparison(comparison: Comparison) -> Iterator[str]:
    beside = ""
    if comparison.added:
        beside += f"; {len(comparison.added)} new or reworded since"
    if comparison.not_run:
        beside += f"; {len(comparison.not_run)} of the baseline not run"
    yield f"against the baseline, over {comparison.compared} cases{beside}:"
    for change in comparison.metrics:
        if change.regressed or abs(change.worse_by) >= 10**-_DIGITS:
            yield f"    {change.name:<22} {change.before:.3f} → {change.after:.3f}" + (
                f"   WORSE by {change.worse_by:.3f}, allowed {change.tolerance:.3f}"
                if change.regressed
                else ""
            )
    for change_of_case in comparison.changes:
        yield from _change(change_of_case)
    if not comparison.changes:
        yield "    no case came out differently"


def _change(change: CaseChange) -> Iterator[str]:
    yield f"  {change.kind.upper()} {change.case_id}: {change.question}"
    for label, record in (("before", change.before), ("now", change.after)):
        rank = f"evidence at rank {record.rank}; " if record.rank else ""
        yield f"      {label + ':':<8}{rank}{_shortened(record.answer)}"
        for reason in record.reasons:
            yield f"              {reason}"
        if change.kind != "different" and record.passages:
            yield f"              passages: {' / '.join(record.passages)}"


def _verdict(evaluation: Evaluation, *, listed: bool) -> Iterator[str]:
    failed, total = len(evaluation.failed), len(evaluation.outcomes)
    hint = "" if listed or not failed else " (--failures lists the others and why)"
    yield f"{total - failed} of {total} cases passed{hint}"
    for outcome in must_pass_failures(evaluation.outcomes):
        yield f"MUST PASS, failed: {outcome.case.case_id}: {outcome.case.question}"
        if not listed:
            yield from (f"    {reason}" for reason in outcome.reasons)
    if evaluation.comparison is not None:
        worse = ", ".join(change.name for change in evaluation.comparison.regressions)
        if worse:
            yield f"WORSE than the baseline allows: {worse}"


def _measures(measures: Mapping[str, Measure]) -> dict[str, dict[str, float | int]]:
    return {
        name: {
            "value": round(measure.value, _DIGITS),
            "low": round(measure.low, _DIGITS),
            "high": round(measure.high, _DIGITS),
            "cases": measure.cases,
        }
        for name, measure in measures.items()
    }


def _comparison_record(comparison: Comparison | None) -> dict[str, object] | None:
    if comparison is None:
        return None
    return {
        "compared": comparison.compared,
        "added": list(comparison.added),
        "not_run": list(comparison.not_run),
        "metrics": {
            change.name: {
                "before": round(change.before, _DIGITS),
                "after": round(change.after, _DIGITS),
                "tolerance": change.tolerance,
                "regressed": change.regressed,
            }
            for change in comparison.metrics
        },
        "changes": [
            {
                "id": change.case_id,
                "question": change.question,
                "kind": change.kind,
                "before": {"answer": change.before.answer, "reasons": list(change.before.reasons)},
                "after": {"answer": change.after.answer, "reasons": list(change.after.reasons)},
            }
            for change in comparison.changes
        ],
    }


def _outcome(outcome: Outcome) -> dict[str, object]:
    case, reply = outcome.case, outcome.reply
    record: dict[str, object] = {
        "id": case.case_id,
        "question": case.question,
        "answerable": case.answerable,
        "tags": list(case.tags),
        "split": case.split,
        "passed": outcome.passed,
        "reasons": list(outcome.reasons),
        "rank": outcome.rank,
        "values": {name: round(value, _DIGITS) for name, value in outcome.values.items()},
        "explanations": dict(explain(outcome)),
    }
    if reply is not None:
        record |= {
            "answered": reply.answered,
            "answer": reply.answer,
            "refusal_code": reply.refusal_code or None,
            "confidence": round(reply.confidence, _DIGITS),
            "rewritten": reply.rewritten,
            "citations": [
                {"marker": each.marker, "quote": each.quote, "start": each.start, "end": each.end}
                for each in reply.citations
            ],
            "passages": [passage.passage_id for passage in reply.passages],
            "milliseconds": round(reply.milliseconds, 2),
        }
    return record


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_ANSWER else text[: _LONGEST_ANSWER - 1] + "…"
