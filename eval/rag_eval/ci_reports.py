"""A finished run for machines that build software: JUnit XML and a Markdown summary."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from rag_eval.baseline import must_pass_failures

if TYPE_CHECKING:
    from rag_eval.outcomes import Outcome
    from rag_eval.report import Evaluation

__all__ = ["junit_report", "markdown_report"]

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKDOWN_SIGN = re.compile(r"([\\`*_{}\[\]<>|#])")


def junit_report(evaluation: Evaluation) -> str:
    """One test case for each question and each metric of the gate.

    Without a baseline every failed question is a failure. With one, a question that failed there
    too is skipped, and a metric that got worse than allowed is a failure of its own.
    """
    suite = ET.Element("testsuite", name=_clean(evaluation.case_file))
    failures = skipped = 0
    known = _failing_in_baseline(evaluation)
    for outcome in evaluation.outcomes:
        reply = outcome.reply
        test = ET.SubElement(
            suite,
            "testcase",
            classname=_clean(outcome.case.tags[0] if outcome.case.tags else "untagged"),
            name=_clean(f"{outcome.case.case_id} {outcome.case.question}"),
            time=f"{(reply.milliseconds if reply else 0.0) / 1000:.4f}",
        )
        if outcome.passed:
            continue
        if outcome.case.case_id in known and not outcome.case.must_pass:
            skipped += 1
            ET.SubElement(test, "skipped", message="fails in the baseline too")
            continue
        failures += 1
        failure = ET.SubElement(test, "failure", message=_clean(outcome.reasons[0]))
        failure.text = _clean("\n".join(_details(outcome)))
    changes = evaluation.comparison.metrics if evaluation.comparison else ()
    for change in changes:
        if change.tolerance is None:
            continue
        test = ET.SubElement(suite, "testcase", classname="metric", name=change.name)
        if change.regressed:
            failures += 1
            message = f"{change.before:.3f} → {change.after:.3f}, allowed {change.tolerance:.3f}"
            ET.SubElement(test, "failure", message=message)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    suite.set("skipped", str(skipped))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def markdown_report(evaluation: Evaluation) -> str:
    """Metrics, with the baseline's beside them, the failed must-pass cases and what changed."""
    comparison = evaluation.comparison
    before = {change.name: change for change in comparison.metrics} if comparison else {}
    total, failed = len(evaluation.outcomes), len(evaluation.failed)
    lines = [
        f"### {_escaped(evaluation.case_file)}: {total - failed} of {total} cases passed",
        "",
        "| metric | value | 95% interval | cases | baseline |",
        "|---|---|---|---|---|",
    ]
    for name, measure in evaluation.summary.overall.items():
        change = before.get(name)
        earlier = "" if change is None else f"{change.before:.3f}"
        if change is not None and change.regressed:
            earlier += " **worse**"
        lines.append(
            f"| {_escaped(name)} | {measure.value:.3f} | {measure.low:.3f} – {measure.high:.3f}"
            f" | {measure.cases} | {earlier} |"
        )
    must_pass = must_pass_failures(evaluation.outcomes)
    if must_pass:
        lines += ["", "Must pass, but failed:", ""]
        lines += [
            f"- {_escaped(outcome.case.case_id)}: {_escaped(outcome.case.question)}:"
            f" {_escaped('; '.join(outcome.reasons))}"
            for outcome in must_pass
        ]
    if comparison is not None and comparison.changes:
        lines += ["", "| case | | question | before | now |", "|---|---|---|---|---|"]
        lines += [
            f"| {_escaped(change.case_id)} | {change.kind} | {_escaped(change.question)}"
            f" | {_escaped(change.before.answer)} | {_escaped(change.after.answer)} |"
            for change in comparison.changes
        ]
    return "\n".join(lines) + "\n"


def _failing_in_baseline(evaluation: Evaluation) -> frozenset[str]:
    """Failed cases that the baseline knows to fail: neither new nor worse."""
    comparison = evaluation.comparison
    if comparison is None:
        return frozenset()
    worse = {change.case_id for change in comparison.changes if change.kind == "worse"}
    failed = {outcome.case.case_id for outcome in evaluation.failed}
    return frozenset(failed - worse - set(comparison.added))


def _details(outcome: Outcome) -> list[str]:
    expected = [" or ".join(group) for group in outcome.case.expected]
    lines = [*outcome.reasons, f"expected: {'; '.join(expected) or 'a refusal'}"]
    if outcome.reply is not None:
        lines.append(f"answer: {outcome.reply.answer}")
    return lines


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


def _escaped(text: str) -> str:
    """As text in a Markdown table, never as markup."""
    return _MARKDOWN_SIGN.sub(r"\\\1", " ".join(text.split()))
