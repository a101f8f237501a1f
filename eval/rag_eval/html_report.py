"""A finished run as one HTML file: to be looked at, mailed and kept. It needs no network.

Words of documents, questions and answers reach the page in two ways only: through the template,
which escapes them, and as JSON data, which the page's script puts in as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING

from rag_eval.baseline import must_pass_failures
from rag_eval.explanations import explain, explain_mean
from rag_eval.outcomes import METRICS
from rag_eval.plots import plots_of

if TYPE_CHECKING:
    from rag_eval.metrics import Measure
    from rag_eval.outcomes import Outcome
    from rag_eval.report import Evaluation
    from rag_eval.targets import FoundPassage

__all__ = ["html_report"]

_CARDS = (
    ("correctness", "Answers right", "of the answerable questions"),
    ("recall@5", "Evidence found", "in the first five passages"),
    ("citation_exactness", "Citations exact", "of the answers given"),
    ("refusal_accuracy", "Answer or refusal", "as it should be"),
)
_GROUP_COLUMNS = (
    ("passed", "passed"),
    ("recall@5", "recall@5"),
    ("correctness", "correct"),
    ("citation_recall", "cited"),
    ("refusal_accuracy", "refusal"),
)
_COUNTED = {"answer_length": 1}
"""Metrics that are no share, and the decimals they are shown with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A metric as the page shows it."""

    name: str
    meaning: str
    reason: str
    value: str
    interval: str
    cases: int
    low: float
    width: float
    at: float
    """Interval and value as percentages of the way from 0 to 1."""
    share: bool
    before: str = ""
    change: str = ""
    verdict: str = ""
    """``better``, ``worse`` or ``regressed``; empty when nothing moved or nothing is known."""


def html_report(evaluation: Evaluation) -> str:
    """The page. Equal runs give equal pages, times aside."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("rag_eval", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = _page_file("report.js")
    rows = [*_rows(evaluation), *_latency_rows(evaluation)]
    by_name = {row.name: row for row in rows}
    summary = evaluation.summary
    groups = {
        "Language": summary.by_language,
        "Split": summary.by_split,
        "Tag": summary.by_tag,
    }
    return environment.get_template("report.html").render(
        evaluation=evaluation,
        script=Markup(script),  # noqa: S704 (the page's own file)
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=Markup(_page_file("report.css")),  # noqa: S704 (likewise)
        data=Markup(_encoded(_data(evaluation))),  # noqa: S704 (no < is left in it)
        passed=len(evaluation.outcomes) - len(evaluation.failed),
        total=len(evaluation.outcomes),
        cards=[(by_name[name], *words) for name, *words in _CARDS if name in by_name],
        rows=rows,
        plots=[
            (plot, Markup(plot.svg))  # noqa: S704 (numbers and fixed words)
            for plot in plots_of(evaluation.outcomes, top_k=evaluation.top_k)
        ],
        group_columns=[title for _, title in _GROUP_COLUMNS],
        groups=[
            (title, [_group(name, measures) for name, measures in group.items()])
            for title, group in groups.items()
            if len(group) > 1 or title == "Tag"
        ],
        must_pass=must_pass_failures(evaluation.outcomes),
        changes=_counted_changes(evaluation),
    )


def _page_file(name: str) -> str:
    return (files("rag_eval") / "page" / name).read_text(encoding="utf-8")


def _encoded(data: object) -> str:
    """JSON that no HTML parser can mistake for markup."""
    encoded = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        encoded = encoded.replace(sign, f"\\u{ord(sign):04x}")
    return encoded


def _rows(evaluation: Evaluation) -> Iterator[_Row]:
    comparison = evaluation.comparison
    changes = {change.name: change for change in comparison.metrics} if comparison else {}
    for name, measure in evaluation.summary.overall.items():
        change = changes.get(name)
        before = moved = verdict = ""
        if change is not None:
            before = _shown(name, change.before)
            # Both means are over the cases that both runs have.
            difference = change.after - change.before
            if abs(difference) >= 0.0005:
                digits = _COUNTED.get(name, 3)
                moved = f"{difference:+.{digits}f}".replace("-", "−")
                verdict = "worse" if change.worse_by > 0 else "better"
            if change.regressed:
                verdict = "regressed"
        share = name not in _COUNTED
        yield _Row(
            name=name,
            meaning=METRICS[name].meaning,
            reason=explain_mean(name, evaluation.outcomes),
            value=_shown(name, measure.value),
            interval=f"{_shown(name, measure.low)} – {_shown(name, measure.high)}",
            cases=measure.cases,
            low=round(100 * measure.low, 2) if share else 0.0,
            width=round(100 * (measure.high - measure.low), 2) if share else 0.0,
            at=round(100 * measure.value, 2) if share else 0.0,
            share=share,
            before=before,
            change=moved,
            verdict=verdict,
        )


def _latency_rows(evaluation: Evaluation) -> Iterator[_Row]:
    latency = evaluation.summary.latency
    if latency is None:
        return
    for share, measure in ((50, latency.p50), (95, latency.p95), (99, latency.p99)):
        yield _Row(
            name=f"latency p{share}",
            meaning=f"milliseconds that {share}% of the replies took at most",
            reason="",
            value=f"{measure.value:.1f}",
            interval=f"{measure.low:.1f} – {measure.high:.1f}",
            cases=measure.cases,
            low=0.0,
            width=0.0,
            at=0.0,
            share=False,
        )


def _shown(name: str, value: float) -> str:
    return f"{value:.{_COUNTED.get(name, 3)}f}"


def _group(name: str, measures: Mapping[str, Measure]) -> dict[str, object]:
    return {
        "name": name,
        "cases": measures["passed"].cases,
        "cells": [
            (f"{measures[column].value:.3f}", round(100 * measures[column].value, 1))
            if column in measures
            else None
            for column, _ in _GROUP_COLUMNS
        ],
    }


def _counted_changes(evaluation: Evaluation) -> dict[str, int]:
    changes = evaluation.comparison.changes if evaluation.comparison else ()
    return {
        kind: sum(change.kind == kind for change in changes)
        for kind in ("worse", "better", "different")
    }


def _data(evaluation: Evaluation) -> dict[str, object]:
    """What the page's script lists and opens: every passage once, and the cases."""
    changes = evaluation.comparison.changes if evaluation.comparison else ()
    changed = {change.case_id: change for change in changes}
    passages: dict[FoundPassage, int] = {}
    cases = []
    for outcome in evaluation.outcomes:
        case = _case(outcome, passages)
        change = changed.get(outcome.case.case_id)
        if change is not None:
            case["change"] = change.kind
            case["before"] = {
                "answer": change.before.answer,
                "reasons": list(change.before.reasons),
                "rank": change.before.rank,
                "passages": list(change.before.passages),
            }
        cases.append(case)
    return {"passages": [_passage(passage) for passage in passages], "cases": cases}


def _case(outcome: Outcome, passages: dict[FoundPassage, int]) -> dict[str, object]:
    case, reply = outcome.case, outcome.reply
    reasons = explain(outcome)
    record: dict[str, object] = {
        "id": case.case_id,
        "question": case.question,
        "language": case.language,
        "answerable": case.answerable,
        "tags": list(case.tags),
        "split": case.split,
        "mustPass": case.must_pass,
        "note": case.note,
        "history": [[turn.role, turn.content] for turn in case.history],
        "filters": dict(case.filters),
        "expected": [list(group) for group in case.expected],
        "evidence": [
            [str(evidence), rank]
            for evidence, rank in zip(case.evidence, outcome.ranks, strict=True)
        ],
        "passed": outcome.passed,
        "reasons": list(outcome.reasons),
        "rank": outcome.rank,
        "values": [
            [name, round(outcome.values[name], 4), reasons[name]]
            for name in METRICS
            if name in outcome.values
        ],
    }
    if reply is not None:
        record |= {
            "answered": reply.answered,
            "answer": reply.answer,
            "refusal": reply.refusal_code,
            "confidence": round(reply.confidence, 4),
            "rewritten": reply.rewritten,
            "milliseconds": round(reply.milliseconds, 2),
            "citations": [
                [each.marker, each.document_id, each.start, each.end, each.quote]
                for each in reply.citations
            ],
            "hits": [
                [
                    passages.setdefault(replace(passage, score=0.0, signals={}), len(passages)),
                    round(passage.score, 3),
                    {name: round(value, 3) for name, value in passage.signals.items()},
                ]
                for passage in reply.passages
            ],
        }
    return record


def _passage(passage: FoundPassage) -> dict[str, object]:
    return {
        "document": passage.document_id,
        "title": passage.title,
        "source": passage.source,
        "section": list(passage.section),
        "start": passage.start,
        "text": passage.text,
    }
