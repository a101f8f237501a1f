"""``rag search``: the passages that bear on a query."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
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
from rag.cli.replies import search_reply

if TYPE_CHECKING:
    from rag.schema import Question, SearchResult

__all__ = ["add_arguments", "run"]

_RELATIVE = {
    -2: "two years before the document's",
    -1: "the year before the document's",
    0: "the document's year",
    1: "the year after the document's",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("query", type=text, help="what to look for, in quotation marks")
    add_collections(parser)
    add_filters(parser)
    parser.add_argument("--top-k", type=int, metavar="N", help="how many passages (RAG_TOP_K; 5)")
    parser.add_argument(
        "--exact", action="store_true", help="take the query as typed, without rewriting it"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="also show how the query was understood and what each score is made of",
    )
    add_json(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Search and print what was found, which may be nothing."""
    settings = settings_of(arguments)
    filters = filters_of(arguments.filters)
    from rag.factory import open_application

    with open_application(settings, create=False) as application:
        result = application.assistant.search(
            arguments.query,
            collection=arguments.collection,
            filters=filters,
            top_k=settings.top_k if arguments.top_k is None else arguments.top_k,
            exact=arguments.exact,
        )
        weights = application.assistant.ranking_weights
    if arguments.json:
        write_json(search_reply(result, explain=arguments.explain))
        return 0
    show(_lines(result, weights=weights if arguments.explain else None))
    return 0


def _lines(result: SearchResult, *, weights: Mapping[str, float] | None) -> list[Line]:
    found = len(result.hits)
    restricted = ", ".join(f"{key}={value}" for key, value in sorted(result.filters.items()))
    lines = [
        line(
            ("strong", f"{found} passage{'' if found == 1 else 's'}"),
            f" for {result.rewritten}",
            ("dim", f" · {restricted}" if restricted else ""),
            ("dim", f" · {result.took_ms:.0f} ms"),
        )
    ]
    if weights is not None:
        lines += _understood(result.question)
    if result.filters and not result.hits:
        lines.append(line("No document matches. What filters may name: rag documents metadata"))
    return lines + passages.lines(result.hits, weights=weights)


def _understood(question: Question) -> list[Line]:
    years = [str(year) for year in question.years]
    years += [_RELATIVE[offset] for offset in question.relative_years]
    facts = {
        "asks for": question.kind,
        "language": question.language,
        "years": ", ".join(years),
        "report of": ", ".join(map(str, question.report_years)),
        "period": question.period or "",
        "places": ", ".join(question.places),
        "terms and what they weigh": ", ".join(
            f"{term} {weight:.2f}"
            for term, weight in zip(question.terms, question.weights, strict=True)
        ),
        "written in documents as": "; ".join(
            f"{term} → {' '.join(form for form in forms if form != term)}"
            for term, forms in question.alternatives.items()
            if set(forms) - {term}
        ),
    }
    return [line(("dim", f"{name}: {fact}"), indent=2) for name, fact in facts.items() if fact]
