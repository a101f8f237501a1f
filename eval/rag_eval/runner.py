"""Asks every case and judges the replies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from rag.errors import InvalidInput
from rag.schema import DEFAULT_COLLECTION
from rag_eval.outcomes import judge, judge_error

if TYPE_CHECKING:
    from rag_eval.cases import Case
    from rag_eval.journal import Journal
    from rag_eval.outcomes import Outcome
    from rag_eval.targets import Target

__all__ = ["Progress", "run_cases"]

Progress: TypeAlias = Callable[["Outcome", int, int], None]
"""Called after each case with its outcome, how many are done, and how many there are."""


def run_cases(
    cases: Sequence[Case],
    target: Target,
    *,
    collection: str = DEFAULT_COLLECTION,
    top_k: int = 5,
    progress: Progress | None = None,
    journal: Journal | None = None,
) -> tuple[Outcome, ...]:
    """The outcome of every case, in the order of the cases.

    The first question is asked once before anything is timed: what a process loads on its first
    question says nothing about the others. A question that the target rejects (InvalidInput) is an
    outcome; every other error ends the run, because it concerns the target and not the case. What
    a ``journal`` holds is not asked again, and what is asked it keeps.
    """
    texts: dict[str, str] = {}

    def document_text(document_id: str) -> str:
        if document_id not in texts:
            texts[document_id] = target.document_text(document_id)
        return texts[document_id]

    def outcome_of(case: Case) -> Outcome:
        reply = journal.reply(case) if journal else None
        try:
            if reply is None:
                reply = target.ask(case, collection=collection, top_k=top_k)
                if journal:
                    journal.keep(case, reply)
        except InvalidInput as error:
            return judge_error(case, str(error), top_k=top_k)
        return judge(case, reply, document_text=document_text, top_k=top_k)

    to_ask = (case for case in cases if journal is None or journal.reply(case) is None)
    for case in islice(to_ask, 1):
        with suppress(InvalidInput):
            target.ask(case, collection=collection, top_k=top_k)
    outcomes: list[Outcome] = []
    for case in cases:
        outcomes.append(outcome_of(case))
        if progress is not None:
            progress(outcomes[-1], len(outcomes), len(cases))
    return tuple(outcomes)
