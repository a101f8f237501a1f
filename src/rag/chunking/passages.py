"""Pieces of a document to passages of bounded size with exact offsets; pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from rag.chunking.headings import outline
from rag.chunking.periods import periods_of
from rag.schema import Passage
from rag.text import clauses, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.chunking.headings import Piece
    from rag.schema import ParsedDocument

__all__ = ["chunk"]

_FRAGMENT = 40
"""A paragraph shorter than this joins its neighbour of the same section."""

_SMALL = 120
"""So does one that would otherwise leave a passage smaller than this."""


def chunk(parsed: ParsedDocument, *, document_id: str, max_characters: int) -> tuple[Passage, ...]:
    """Cut a document into passages, in order and without overlap.

    ``parsed.text[p.start:p.end] == p.text`` for every passage. Together they hold every visible
    character that is not boilerplate. A heading opens the first passage under it; none is longer
    than ``max_characters``, but for that heading.
    """
    text = parsed.text
    pieces = outline(parsed)
    spans: list[tuple[int, int, tuple[str, ...]]] = []
    pending: int | None = None
    for position, piece in enumerate(pieces):
        if piece.is_heading:
            pending = piece.start if pending is None else pending
            if position + 1 == len(pieces):
                spans.append((pending, piece.end, piece.section))
            continue
        cut = _cut(text, piece.start, piece.end, max_characters)
        if pending is not None:
            cut[0] = (pending, cut[0][1])
            pending = None
        for number, (start, end) in enumerate(cut):
            if number == 0 and _joins(text, spans, start, end, piece, max_characters):
                spans[-1] = (spans[-1][0], end, piece.section)
            else:
                spans.append((start, end, piece.section))
    periods = periods_of(text, [section for _, _, section in spans])
    return tuple(
        Passage(
            passage_id=f"{document_id}-{ordinal}",
            document_id=document_id,
            ordinal=ordinal,
            text=text[start:end],
            start=start,
            end=end,
            section=section,
            page=None,
            period=period,
        )
        for ordinal, ((start, end, section), period) in enumerate(zip(spans, periods, strict=True))
    )


def _joins(
    text: str,
    spans: Sequence[tuple[int, int, tuple[str, ...]]],
    start: int,
    end: int,
    piece: Piece,
    max_characters: int,
) -> bool:
    """Whether a paragraph continues the passage before it instead of opening its own."""
    if not spans or spans[-1][2] != piece.section or end - spans[-1][0] > max_characters:
        return False
    if text[spans[-1][1] : start].strip():
        return False  # boilerplate lies between
    before, now = spans[-1][1] - spans[-1][0], end - start
    small = piece.kind in {"list_item", "table_row"} or min(before, now) < _FRAGMENT
    return small or before < _SMALL


def _cut(text: str, start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """Spans of about equal size, none over ``limit``, cut at sentence ends where possible."""
    if end - start <= limit:
        return [(start, end)]
    atoms = _atoms(text, start, end, limit)
    wanted = math.ceil((end - start) / limit)
    target = (end - start) / wanted
    spans: list[tuple[int, int]] = []
    begin, reached = atoms[0]
    for atom_start, atom_end in atoms[1:]:
        size = atom_end - begin
        # Close before this atom when it would pass the limit, or overshoot the target by more
        # than stopping here falls short of it.
        closes = size > limit or (size - target > target - (reached - begin))
        if closes:
            spans.append((begin, reached))
            begin = atom_start
        reached = atom_end
    spans.append((begin, reached))
    return spans


def _atoms(text: str, start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """Sentences; clauses of those over the limit; blocks of characters of those still over it."""
    atoms: list[tuple[int, int]] = []
    for sentence_start, sentence_end in sentences(text, start, end):
        if sentence_end - sentence_start <= limit:
            atoms.append((sentence_start, sentence_end))
            continue
        for clause_start, clause_end in clauses(text, sentence_start, sentence_end):
            if clause_end - clause_start <= limit:
                atoms.append((clause_start, clause_end))
            else:
                atoms.extend(_hard(text, clause_start, clause_end, limit))
    return atoms


def _hard(text: str, start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """At a space near the limit, or at the limit: text without punctuation, such as a table."""
    spans = []
    while end - start > limit:
        space = max(
            (m.start() for m in re.finditer(r"\s", text[start + limit // 2 : start + limit])),
            default=None,
        )
        cut = start + limit if space is None else start + limit // 2 + space
        stop = cut
        while stop > start and text[stop - 1].isspace():
            stop -= 1
        if stop > start:
            spans.append((start, stop))
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if start < end:
        spans.append((start, end))
    return spans
