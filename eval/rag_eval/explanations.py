"""Why a metric has the value it has: in words, for one case and for a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rag_eval.matching import missing_facts
from rag_eval.outcomes import METRICS

if TYPE_CHECKING:
    from rag_eval.outcomes import Outcome
    from rag_eval.targets import Reply

__all__ = ["explain", "explain_mean"]

_NAMED = 5
_CITATION_FAULTS = ("citation [", "answered without a citation", "markers ")


def explain(outcome: Outcome) -> Mapping[str, str]:
    """For each metric that a case has a value for, the reason of the value."""
    return {name: _reason(name, outcome) for name in outcome.values}


def explain_mean(name: str, outcomes: Sequence[Outcome]) -> str:
    """Which cases keep a metric's mean from what it could be; empty where that means nothing."""
    best = 1.0 if METRICS[name].higher_is_better else 0.0
    if name in ("answer_length", "character_f1"):
        return ""
    if name == "aurc":
        wrong = [o for o in outcomes if o.values.get("answer_precision") == 0]
        return f"{len(wrong)} wrong answers{_listed(wrong)}" if wrong else "no answer is wrong"
    concerned = [outcome for outcome in outcomes if name in outcome.values]
    short = [outcome for outcome in concerned if abs(outcome.values[name] - best) > 1e-9]
    if not short:
        return f"all {len(concerned)} cases are as they should be"
    return f"{len(short)} of {len(concerned)} cases fall short{_listed(short)}"


def _listed(outcomes: Sequence[Outcome]) -> str:
    names = ", ".join(outcome.case.case_id for outcome in outcomes[:_NAMED])
    beyond = len(outcomes) - _NAMED
    return f": {names}" + (f" and {beyond} more" if beyond > 0 else "")


def _reason(name: str, outcome: Outcome) -> str:
    if outcome.reply is None:
        return "; ".join(outcome.reasons)
    family = name.partition("@")[0]
    if name == "passed":
        return "; ".join(outcome.reasons) or "nothing is wrong with it"
    if family in ("hit", "mrr"):
        rank = outcome.rank
        return f"first evidence at rank {rank}" if rank else "no passage holds evidence"
    if family in ("recall", "ndcg"):
        return _places(outcome)
    if family in ("correctness", "answer_precision"):
        return _correctness(outcome, outcome.reply)
    if name == "citation_exactness":
        faults = [each for each in outcome.reasons if each.startswith(_CITATION_FAULTS)]
        count = len(outcome.reply.citations)
        return "; ".join(faults) or f"{count} of {count} quotations are verbatim"
    if name == "citation_recall":
        return _quoted(outcome, outcome.reply)
    if name in ("answer_length", "character_f1"):
        return f"{outcome.values['answer_length']:.0f} characters answered"
    return _refusal(outcome, outcome.reply)


def _places(outcome: Outcome) -> str:
    found = sorted({rank for rank in outcome.ranks if rank is not None})
    missing = sum(rank is None for rank in outcome.ranks)
    at = f"evidence at rank {', '.join(map(str, found))}" if found else "no evidence found"
    return at + (f"; {missing} of {len(outcome.ranks)} pieces not found" if missing else "")


def _correctness(outcome: Outcome, reply: Reply) -> str:
    if not outcome.case.answerable:
        return "answered where there is no answer"
    if not reply.answered:
        return "refused where there is an answer"
    about_facts = ("missing: ", "quotes none")
    wrong = [reason for reason in outcome.reasons if reason.startswith(about_facts)]
    return "; ".join(wrong) or "every expected fact is there"


def _quoted(outcome: Outcome, reply: Reply) -> str:
    quotes = "\n".join(citation.quote for citation in reply.citations)
    unquoted = missing_facts(quotes, outcome.case.expected)
    if not unquoted:
        return "the quotations hold every expected fact"
    return "not in a quotation: " + "; ".join(" or ".join(group) for group in unquoted)


def _refusal(outcome: Outcome, reply: Reply) -> str:
    code = f" ({reply.refusal_code})" if reply.refusal_code else ""
    did = "answered" if reply.answered else f"refused{code}"
    there = "there is an answer" if outcome.case.answerable else "there is no answer"
    right = reply.answered == outcome.case.answerable
    return f"{did}, and {there}" if right else f"{did}, but {there}"
