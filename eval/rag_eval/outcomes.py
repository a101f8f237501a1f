"""One case judged: what its reply is worth by each metric, and why it fails; pure.

Every metric of a case is a number from 0 to 1 (or a length), present only where the metric
applies, so that the value of any set of cases is the mean over those that have it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag.errors import NotFound
from rag_eval.case import Place
from rag_eval.matching import character_f1, holds_quote, missing_facts, without_markers
from rag_eval.ranking import holds_evidence, ranking_values, ranks_of

if TYPE_CHECKING:
    from rag_eval.case import Case
    from rag_eval.targets import QuotedSpan, Reply

__all__ = ["METRICS", "MetricInfo", "Outcome", "judge", "judge_error"]


@dataclass(frozen=True, slots=True)
class MetricInfo:
    """What a metric is called, says, and which way is better.

    ``tolerance`` is how far it may get worse before the gate closes; None leaves it out.
    """

    name: str
    meaning: str
    tolerance: float | None = 0.02
    higher_is_better: bool = True


METRICS: Mapping[str, MetricInfo] = {
    info.name: info
    for info in (
        MetricInfo("passed", "nothing is wrong with the case"),
        MetricInfo("hit@1", "the first passage holds evidence"),
        MetricInfo("hit@5", "one of the first five does"),
        MetricInfo("hit@10", "one of the first ten does"),
        MetricInfo("mrr", "1 / rank of the first that does, or 0"),
        MetricInfo("recall@5", "share of the evidence in the first five"),
        MetricInfo("recall@10", "share of it in the first ten"),
        MetricInfo("ndcg@5", "the same, higher ranks counting more"),
        MetricInfo("ndcg@10", "the same, in the first ten"),
        MetricInfo("correctness", "answerable: all expected facts are there"),
        MetricInfo("character_f1", "answers: nothing but the expected facts", None),
        MetricInfo("answer_precision", "answers given: right"),
        MetricInfo("citation_exactness", "answers given: all quotes verbatim", 0),
        MetricInfo("citation_recall", "expected facts found in the quotes"),
        MetricInfo("refusal_accuracy", "answered or refused as it should be"),
        MetricInfo("refusal_precision", "refusals: justified"),
        MetricInfo("refusal_recall", "unanswerable: refused"),
        MetricInfo("answerable_refused", "answerable: refused", higher_is_better=False),
        MetricInfo("unanswerable_answered", "unanswerable: answered", higher_is_better=False),
        MetricInfo("aurc", "wrong among the surest answers", None, higher_is_better=False),
        MetricInfo("answer_length", "characters of an answer", None, higher_is_better=False),
    )
}
"""Every metric, in the order in which reports show them."""

_MARKER = re.compile(r"\[(\d{1,3})\]")
_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A judged case. ``passed`` when there is no reason against it."""

    case: Case
    reply: Reply | None
    """None when asking raised an error, which is then the reason."""
    values: Mapping[str, float] = field(default_factory=dict)
    ranks: tuple[int | None, ...] = ()
    """For each piece of evidence, the rank of the first passage that holds it."""
    reasons: tuple[str, ...] = ()

    @property
    def rank(self) -> int | None:
        """Rank of the first passage that holds evidence."""
        return min((rank for rank in self.ranks if rank is not None), default=None)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong with the reply."""
        return not self.reasons


def judge(
    case: Case, reply: Reply, *, document_text: Callable[[str], str], top_k: int = 5
) -> Outcome:
    """Judge a reply to a question for ``top_k`` passages.

    ``document_text`` gives the stored text of a cited document.
    """
    reasons: list[str] = []
    ranks = ranks_of(case, reply.passages)
    values = ranking_values(ranks, top_k=top_k) if ranks else {}
    _refusal(case, reply, values, reasons)
    _facts(case, reply, values, reasons)
    if reply.answered:
        faults = _citation_faults(reply, document_text)
        values["citation_exactness"] = float(not faults)
        reasons += faults
        values["answer_length"] = float(len(without_markers(reply.answer)))
        values["answer_precision"] = values.get("correctness", 0.0)
    if reasons and ranks and not values["hit@5"]:
        reasons.append("no evidence among the first 5 passages")
    values["passed"] = float(not reasons)
    return Outcome(case=case, reply=reply, values=values, ranks=ranks, reasons=tuple(reasons))


def judge_error(case: Case, message: str, *, top_k: int = 5) -> Outcome:
    """The outcome of a case whose question raised an error: worth nothing by any metric."""
    values = {"passed": 0.0, "refusal_accuracy": 0.0}
    if case.answerable:
        values["correctness"] = 0.0
        if case.evidence:
            values |= ranking_values(ranks_of(case, ()), top_k=top_k)
    else:
        values["refusal_recall"] = 0.0
    reasons = (f"error: {message}",)
    return Outcome(case=case, reply=None, values=values, ranks=ranks_of(case, ()), reasons=reasons)


def _refusal(case: Case, reply: Reply, values: dict[str, float], reasons: list[str]) -> None:
    refused = not reply.answered
    values["refusal_accuracy"] = float(refused != case.answerable)
    if refused:
        values["refusal_precision"] = float(not case.answerable)
    if case.answerable:
        values["answerable_refused"] = float(refused)
        if refused:
            code = f" ({reply.refusal_code})" if reply.refusal_code else ""
            reasons.append(f"refused{code}, but the documents hold the answer")
    else:
        values["refusal_recall"] = float(refused)
        values["unanswerable_answered"] = float(not refused)
        if not refused:
            reasons.append("answered, but the documents do not hold the answer")


def _facts(case: Case, reply: Reply, values: dict[str, float], reasons: list[str]) -> None:
    """Correctness and citation recall."""
    if not case.answerable:
        return
    if not reply.answered:
        values["correctness"] = 0.0
        return
    if not case.expected:
        quotes_evidence = any(_is_evidence(citation, case, reply) for citation in reply.citations)
        values["correctness"] = float(quotes_evidence)
        if not quotes_evidence:
            reasons.append("quotes none of the evidence")
        return
    values["character_f1"] = character_f1(reply.answer, case.expected)
    missing = missing_facts(without_markers(reply.answer), case.expected)
    values["correctness"] = float(not missing)
    quotes = "\n".join(citation.quote for citation in reply.citations)
    unquoted = missing_facts(quotes, case.expected)
    values["citation_recall"] = 1 - len(unquoted) / len(case.expected)
    if missing:
        reasons.append("missing: " + "; ".join(" or ".join(group) for group in missing))
    elif unquoted:
        facts = "; ".join(" or ".join(group) for group in unquoted)
        reasons.append(f"stated without a quote: {facts}")


def _is_evidence(citation: QuotedSpan, case: Case, reply: Reply) -> bool:
    """Whether a citation quotes a piece of the evidence, part of it, or from its place."""
    around = [
        passage
        for passage in reply.passages
        if passage.document_id == citation.document_id
        and passage.start <= citation.start < passage.start + len(passage.text)
    ]
    return any(
        any(holds_evidence(passage, evidence) for passage in around)
        if isinstance(evidence, Place)
        else holds_quote(citation.quote, evidence) or holds_quote(evidence, citation.quote)
        for evidence in case.evidence
    )


def _citation_faults(reply: Reply, document_text: Callable[[str], str]) -> list[str]:
    faults = []
    if not reply.citations:
        faults.append("answered without a citation")
    for citation in reply.citations:
        try:
            text = document_text(citation.document_id)
        except NotFound:
            faults.append(f"citation [{citation.marker}]: no document {citation.document_id}")
            continue
        actual = text[citation.start : citation.end] if citation.start >= 0 else ""
        if actual != citation.quote or not actual:
            faults.append(
                f"citation [{citation.marker}] is not verbatim: quotes"
                f" {citation.quote[:_SHOWN]!r}, the document has {actual[:_SHOWN]!r}"
            )
    in_text = {int(marker) for marker in _MARKER.findall(reply.answer)}
    listed = [citation.marker for citation in reply.citations]
    if len(set(listed)) != len(listed):
        faults.append(f"markers of citations are not unique: {listed}")
    if in_text != set(listed):
        faults.append(f"markers in the answer {sorted(in_text)} are not those cited {listed}")
    return faults
