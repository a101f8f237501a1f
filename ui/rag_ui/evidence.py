"""The evidence panel: the cited passages of every turn as HTML, with the quoted words marked.

All text of documents and questions passes through ``html.escape``; the markup is ours alone.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from rag_ui.wording import words

if TYPE_CHECKING:
    from rag.schema import Answer, Citation, DocumentSummary, Hit
    from rag_ui.wording import Tongue

__all__ = ["chip_id", "documents_table", "panel", "turn_section"]


def chip_id(turn: int, marker: int) -> str:
    """The id of a citation's card; unique over the turns of a conversation."""
    return f"src-{turn}-{marker}"


def turn_section(answer: Answer, *, turn: int, tongue: Tongue) -> str:
    """The cards of one answer: its citations, or a refusal's nearest passages."""
    hits = {hit.passage.passage_id: hit for hit in answer.hits}
    cards = [
        _citation_card(citation, hits.get(citation.passage_id), turn=turn, tongue=tongue)
        for citation in answer.citations
    ]
    heading = escape(words(tongue, "evidence"))
    if not answer.answered:
        heading = escape(words(tongue, "nearest"))
        cards = [_nearest_card(hit, tongue=tongue) for hit in answer.hits[:3]]
    question = escape(answer.question)
    return (
        f'<section class="turn" id="turn-{turn}" aria-label="{heading}">'
        f'<h3>{heading}</h3><p class="asked">{question}</p>{"".join(cards)}</section>'
    )


def panel(sections: list[str], *, tongue: Tongue) -> str:
    """All turns, the newest shown; an earlier one is shown when one of its markers is followed."""
    if not sections:
        return f'<p class="hint">{escape(words(tongue, "no_evidence"))}</p>'
    latest = sections[-1].replace('class="turn"', 'class="turn shown"', 1)
    return f'<div role="region" aria-live="polite">{"".join([*sections[:-1], latest])}</div>'


def documents_table(documents: tuple[DocumentSummary, ...], *, tongue: Tongue) -> str:
    """The library's documents as a table."""
    if not documents:
        return f'<p class="hint">{escape(words(tongue, "no_documents"))}</p>'
    keys = ("column_title", "column_place", "column_year", "column_passages")
    head = "".join(f"<th>{escape(words(tongue, key))}</th>" for key in keys)
    rows = []
    for document in documents:
        source = escape(document.source)
        cells = (
            f"{escape(document.title)}<small>{source}</small>",
            escape(str(document.metadata.get("place", ""))),
            escape(str(document.metadata.get("year", ""))),
            str(document.passages),
        )
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    body = "".join(rows)
    return f'<table class="library"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _citation_card(citation: Citation, hit: Hit | None, *, turn: int, tongue: Tongue) -> str:
    text, offset = (
        (hit.passage.text, hit.passage.start) if hit else (citation.quote, citation.start)
    )
    start, end = citation.start - offset, citation.end - offset
    marked = f"{escape(text[:start])}<mark>{escape(text[start:end])}</mark>{escape(text[end:])}"
    place = words(tongue, "place").format(start=citation.start, end=citation.end)
    identifier = chip_id(turn, citation.marker)
    return (
        f'<article class="card" id="{identifier}" tabindex="-1">'
        f'<header><span class="chip">{citation.marker}</span>'
        f"<b>{escape(citation.title)}</b></header>"
        f"{_path(citation.section)}<blockquote>{marked}</blockquote>"
        f"<footer><span>{escape(citation.source)} · {escape(place)}</span>"
        f'<a class="back" href="#conversation">{escape(words(tongue, "back"))}</a></footer>'
        "</article>"
    )


def _nearest_card(hit: Hit, *, tongue: Tongue) -> str:
    place = words(tongue, "place").format(start=hit.passage.start, end=hit.passage.end)
    return (
        f'<article class="card near"><header><b>{escape(hit.title)}</b></header>'
        f"{_path(hit.passage.section)}<blockquote>{escape(hit.passage.text)}</blockquote>"
        f"<footer><span>{escape(hit.source)} · {escape(place)}</span></footer></article>"
    )


def _path(section: tuple[str, ...]) -> str:
    if not section:
        return ""
    return f'<p class="path">{" › ".join(escape(heading) for heading in section)}</p>'
