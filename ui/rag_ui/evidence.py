"""The evidence panel: for each turn its passages, whole, with the quoted words marked."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from rag_ui.conversation import shown_hits
from rag_ui.markup import escape
from rag_ui.messages import reply_as_text
from rag_ui.texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.schema import Answer, Citation, Hit
    from rag_ui.conversation import ChatTurn

__all__ = ["Fate", "Neighbours", "evidence"]

Fate = Literal["changed", "gone"]
Neighbours: TypeAlias = tuple[str, str]
"""The texts before and after a passage, empty where there are none."""
_NO_FATES: Mapping[str, Fate] = MappingProxyType({})
_NO_NEIGHBOURS: Mapping[str, Neighbours] = MappingProxyType({})


def evidence(
    turns: Sequence[ChatTurn],
    fates: Mapping[str, Fate] = _NO_FATES,
    beside: Mapping[str, Neighbours] = _NO_NEIGHBOURS,
) -> str:
    """The panel's HTML. One turn is visible at a time; ``page.js`` chooses which.

    ``fates`` tells of documents that have changed or gone since, by id; ``beside`` what stands
    before and after passages, by theirs.
    """
    shown = [
        _turn(turn.number, turn.answer, fates, beside)
        for turn in turns
        if turn.answer and turn.answer.hits
    ]
    hint = f'<p class="hint">{say("evidence_empty")}</p>'
    return f'<div class="evidence">{hint}{"".join(shown)}</div>'


def _turn(
    number: int, answer: Answer, fates: Mapping[str, Fate], beside: Mapping[str, Neighbours]
) -> str:
    hits = shown_hits(answer)
    cited = {citation.passage_id for citation in answer.citations}
    # In the order in which the answer quotes them.
    order = {citation.passage_id: -citation.marker for citation in answer.citations}
    quoted = sorted(
        (hit for hit in hits if hit.passage.passage_id in cited),
        key=lambda hit: -order[hit.passage.passage_id],
    )
    others = [hit for hit in hits if hit.passage.passage_id not in cited]
    parts = [
        f'<section class="turn" id="evidence-{number}" hidden>',
        (
            f'<p class="asked"><span class="label">{say("evidence_for")}</span>'
            f"{escape(answer.question)}</p>"
        ),
    ]
    if answer.answered:
        for hit in quoted:
            neighbours = beside.get(hit.passage.passage_id, ("", ""))
            parts.append(_card(number, hit, answer.citations, fates, neighbours))
        if others:
            cards = "".join(_card(number, hit, (), fates) for hit in others)
            summary = say("others", {"count": len(others)})
            parts.append(f'<details class="others"><summary>{summary}</summary>{cards}</details>')
        parts.append(f'<div class="copied" id="copy-{number}" hidden>{_copied(answer)}</div>')
    else:
        parts.append(f'<p class="label">{say("near")}</p>')
        parts += [_card(number, hit, (), fates) for hit in hits]
    parts.append("</section>")
    return "".join(parts)


def _card(
    number: int,
    hit: Hit,
    citations: Sequence[Citation],
    fates: Mapping[str, Fate],
    neighbours: Neighbours = ("", ""),
) -> str:
    passage = hit.passage
    own = [citation for citation in citations if citation.passage_id == passage.passage_id]
    markers = "".join(f'<span class="chip">{citation.marker}</span>' for citation in own)
    path = "".join(f"<li>{escape(heading)}</li>" for heading in passage.section)
    heading = f'<ol class="path">{path}</ol>' if path else ""
    places = [_place(say("whole"), passage.start, passage.end)]
    places += [_place(escape(f"[{each.marker}]"), each.start, each.end) for each in own]
    page = "" if passage.page is None else f"<span>{say('page', {'page': passage.page})}</span>"
    fate = fates.get(passage.document_id)
    since = f'<p class="hint">{say(f"since_{fate}")}</p>' if fate else ""
    return (
        f'<article class="card" id="passage-{number}-{hit.rank}" tabindex="-1">'
        f"<header>{markers}<h3>{escape(hit.title)}</h3></header>{since}{heading}"
        f"<blockquote>{_marked(number, hit, own)}</blockquote>{_beside(neighbours)}"
        f'<footer><span class="source">{escape(hit.source)}</span>'
        f"{''.join(places)}{page}</footer></article>"
    )


def _beside(neighbours: Neighbours) -> str:
    """What stands before and after a passage, opened at the reader's wish."""
    parts = [
        f'<p class="label">{say(key)}</p><p class="neighbour">{escape(text)}</p>'
        for key, text in zip(("before", "after"), neighbours, strict=True)
        if text
    ]
    if not parts:
        return ""
    return f'<details class="beside"><summary>{say("beside")}</summary>{"".join(parts)}</details>'


def _place(what: str, start: int, end: int) -> str:
    return f"<span>{what} {say('place', {'start': start, 'end': end})}</span>"


def _marked(number: int, hit: Hit, citations: Sequence[Citation]) -> str:
    """The passage's text with each quotation in ``<mark>``; overlapping ones share their part."""
    passage = hit.passage
    edges = {0, len(passage.text)}
    for citation in citations:
        edges |= {citation.start - passage.start, citation.end - passage.start}
    cuts = sorted(edges)
    begun: set[int] = set()
    parts = []
    for start, end in pairwise(cuts):
        covering = [
            citation.marker
            for citation in citations
            if citation.start <= passage.start + start and passage.start + end <= citation.end
        ]
        piece = escape(passage.text[start:end])
        if not covering:
            parts.append(piece)
            continue
        anchors = "".join(
            f'<span id="quotation-{number}-{marker}"></span>'
            for marker in covering
            if marker not in begun
        )
        begun.update(covering)
        names = " ".join(f"quotation-{number}-{marker}" for marker in covering)
        parts.append(f'<mark class="{names}">{anchors}{piece}</mark>')
    return "".join(parts)


def _copied(answer: Answer) -> str:
    # Line ends stay line ends: this is read as text, by a script.
    return "\n".join(escape(line) for line in reply_as_text(answer).split("\n"))
