"""Showing passages and quotations to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rag.cli.output import Line, line
from rag.schema import DEFAULT_COLLECTION

if TYPE_CHECKING:
    from rag.schema import Citation, Hit, Passage

__all__ = ["SIGNALS", "lines", "place", "quoted", "whereabouts"]

SIGNALS: Mapping[str, str] = {
    "dense": "nearness in meaning: the cosine of the question's and the passage's vectors",
    "lexical": "words in common (BM25), as a share of the best passage's",
    "coverage": "share of the question's telling words that passage or headings hold",
    "period": "review or plan: 1 as asked, -1 the other, 0 not asked or not known",
    "year": "the year asked for: 1 its own or in its text, -1 another, 0 not asked or not known",
    "echo": "share of the passage that only repeats its title or headings, of which it loses",
    "reranker": "judgement of the reranker, from its lowest (0) to its highest (1)",
}
"""What each signal tells, in words."""


def place(title: str, section: Sequence[str]) -> str:
    """A document's title and the headings that lead to the passage."""
    return " › ".join([title, *section])


def quoted(citation: Citation, hit: Hit | None) -> list[tuple[str, str]]:
    """The quotation, marked, inside the sentence it was taken from, as pieces of a line."""
    quote = ("quote", " ".join(citation.quote.split()))
    if hit is None:
        return [quote]
    from rag.text import sentences

    passage = hit.passage
    start, end = citation.start - passage.start, citation.end - passage.start
    around = [
        span
        for span in sentences(passage.text)
        if span[0] < max(end, start + 1) and span[1] > start
    ]
    first = min([start, *(span[0] for span in around)])
    last = max([end, *(span[1] for span in around)])
    before = passage.text[first:start].replace("\n", " ")
    after = passage.text[end:last].replace("\n", " ")
    return [("plain", before.lstrip()), quote, ("plain", after.rstrip())]


def _shortened(text: str, most: int | None) -> str:
    return text if most is None or len(text) <= most else text[:most].rstrip() + " …"


def whereabouts(located: Passage | Citation, hit: Hit | None, *, source: str) -> str:
    """The file and the offsets in it, with the page and another collection than the usual one."""
    page = f" · page {located.page}" if located.page else ""
    collection = hit.collection if hit else DEFAULT_COLLECTION
    named = "" if collection == DEFAULT_COLLECTION else f"{collection}: "
    return f"{named}{source} {located.start}–{located.end}{page}"


def lines(
    hits: Sequence[Hit], *, weights: Mapping[str, float] | None = None, most: int | None = None
) -> list[Line]:
    """Passages with rank, place, text and offsets; ``weights`` adds what their scores are made of.

    Of each text at most ``most`` characters are shown.
    """
    shown = []
    for hit in hits:
        passage = hit.passage
        shown += [
            line(),
            line(
                ("strong", f"{hit.rank}. "),
                place(hit.title, passage.section),
                ("dim", f"  score {hit.score:.3f}"),
            ),
            line(_shortened(" ".join(passage.text.split()), most), indent=4),
            line(("dim", whereabouts(passage, hit, source=hit.source)), indent=4),
        ]
        if weights is not None:
            shown += _made_of(hit.signals, weights)
    return shown


def _made_of(signals: Mapping[str, float], weights: Mapping[str, float]) -> list[Line]:
    """A line a signal, what counts most first: what it adds, its value and weight, its meaning."""
    added = {name: value * weights.get(name, 0.0) for name, value in signals.items()}
    return [
        line(
            f"{added[name]:+.3f}  {name:<8}",
            ("dim", f"  {signals[name]:6.3f} × {weights.get(name, 0.0):.2f}  {SIGNALS[name]}"),
            indent=6,
        )
        for name in sorted(signals, key=lambda name: (-abs(added[name]), name))
    ]
