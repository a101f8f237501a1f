"""``rag ask``: one question, answered with quotations or refused with a reason."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rag.cli import passages
from rag.cli.options import (
    add_collections,
    add_filters,
    add_json,
    add_settings,
    filters_of,
    settings_of,
    text,
)
from rag.cli.output import Line, line, show, write_json
from rag.cli.replies import answer_reply

if TYPE_CHECKING:
    from rag.schema import Answer, Citation, Hit

__all__ = ["EXIT_REFUSED", "add_arguments", "run"]

EXIT_REFUSED = 3
_NEAREST = 3
"""Passages shown to people with a refusal; programs get as many as they ask for."""
_NEAREST_LENGTH = 80
"""Characters that are shown of each: enough to see what it is about."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("question", type=text, help="the question, in quotation marks")
    add_collections(parser)
    add_filters(parser)
    parser.add_argument(
        "--top-k", type=int, metavar="N", help="passages in the reply (RAG_TOP_K; 5)"
    )
    parser.add_argument(
        "--exact", action="store_true", help="take the question as typed, without rewriting it"
    )
    parser.add_argument(
        "--composer",
        type=text,
        metavar="NAME",
        help="what writes the answer: extractive, or chat where a language model is set"
        " (RAG_COMPOSER)",
    )
    parser.add_argument(
        "--explain", action="store_true", help="also show the passages and why they were chosen"
    )
    add_json(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Answer; 0 for an answer, 3 for a refusal."""
    settings = settings_of(arguments)
    filters = filters_of(arguments.filters)
    from rag.asked import keep_last_question
    from rag.factory import open_application

    with open_application(settings, create=False) as application:
        answer = application.assistant.ask(
            arguments.question,
            collection=arguments.collection,
            filters=filters,
            top_k=settings.top_k if arguments.top_k is None else arguments.top_k,
            composer=arguments.composer,
            exact=arguments.exact,
        )
        asked = application.assistant.asked(answer.answer_id)
        weights = application.assistant.ranking_weights
    if asked is not None:
        keep_last_question(settings.data_dir, asked)
    if arguments.json:
        write_json(answer_reply(answer, explain=arguments.explain))
    else:
        show(_lines(answer, weights=weights if arguments.explain else None))
    return 0 if answer.answered else EXIT_REFUSED


def _lines(answer: Answer, *, weights: Mapping[str, float] | None) -> list[Line]:
    lines = [line(("strong", answer.answer))]
    if answer.notice is not None:
        lines.append(line(("doubtful", answer.notice.message)))
    if answer.rewritten != answer.question:
        lines.append(line(("dim", f"searched: {answer.rewritten}")))
    by_id = {hit.passage.passage_id: hit for hit in answer.hits}
    for citation in answer.citations:
        lines.append(line())
        lines += _cited(citation, by_id.get(citation.passage_id))
    if answer.refusal is not None and answer.hits:
        lines += [line(), line(("strong", "Nearest passages"))]
    if weights is not None:
        lines += passages.lines(answer.hits, weights=weights)
    elif answer.refusal is not None:
        lines += passages.lines(answer.hits[:_NEAREST], most=_NEAREST_LENGTH)
    reason = "".join(f", {each.code}" for each in (answer.refusal, answer.notice) if each)
    lines += [
        line(),
        line(
            ("dim", f"confidence {answer.confidence:.2f}{reason}"),
            ("dim", f" · {answer.composer} · {answer.timings.total:.0f} ms"),
        ),
    ]
    return lines


def _cited(citation: Citation, hit: Hit | None) -> Sequence[Line]:
    place = passages.place(citation.title, citation.section)
    return (
        line(("strong", f"[{citation.marker}] "), place),
        line(*passages.quoted(citation, hit), indent=4),
        line(("dim", passages.whereabouts(citation, hit, source=citation.source)), indent=4),
    )
