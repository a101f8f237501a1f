"""Pieces of a document to passages of bounded size with exact offsets; pure."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from dataclasses import dataclass, replace
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
"""So does one after a passage smaller than this."""

_LEAD_IN = 60
"""A line of at most this many characters that announces what follows stays with it."""

_SAYS = re.compile(r"[\n：:@]|\d{5}")
"""A line that names a telephone or an office is no title."""

_PROSE = re.compile(r"，|[。！？!?.;；]$")

_GRAINS = 24
"""Into so many parts of a passage at least its cuts may fall."""

_MONSTER = 10
"""A sentence of more than so many passages is none: brackets in it are not looked at."""

_MARKED = re.compile(r"\S(?:[^，；：、,;:|]*[^，；：、,;:|\s])?[，；：、,;:|]*")
_SALUTATION = re.compile(r"[^。，,]{2,20}[!！：:,，]")


@dataclass(frozen=True, slots=True)
class _Unit:
    """What becomes a passage, alone or with its neighbours."""

    start: int
    end: int
    section: tuple[str, ...]
    kind: str
    page: int | None
    cut: bool = False
    """Whether it is a part of something longer, and so no fragment in need of a neighbour."""
    under_header: bool = False
    """A row of a table: its section ends with the line that names its columns."""
    body: int = 0
    """Where the text begins that its headings and lead-ins announce."""


def chunk(parsed: ParsedDocument, *, document_id: str, max_characters: int) -> tuple[Passage, ...]:
    """Cut a document into passages, in order and without overlap, none over ``max_characters``.

    ``parsed.text[p.start:p.end] == p.text`` for every passage. Together they hold every visible
    character that is not boilerplate, but for a title that a menu parts from its text; a heading
    opens the first passage under it.
    Raises ValueError when ``max_characters`` is below 1.
    """
    if max_characters < 1:
        message = f"max_characters is {max_characters}; a passage holds at least 1 character."
        raise ValueError(message)
    text = parsed.text
    barriers = [block.start for block in parsed.blocks if block.kind == "boilerplate"]
    units = _units(text, outline(parsed), barriers, max_characters)
    packed = _packed(units, barriers, max_characters)
    if len(packed) > 1 and _is_title_alone(text, packed[0], packed[1], barriers):
        del packed[0]
    periods = periods_of(text, [(unit.section, text[unit.start : unit.end]) for unit in packed])
    return tuple(
        Passage(
            passage_id=f"{document_id}-{ordinal}",
            document_id=document_id,
            ordinal=ordinal,
            text=text[unit.start : unit.end],
            start=unit.start,
            end=unit.end,
            section=unit.section,
            page=unit.page,
            period=period,
        )
        for ordinal, (unit, period) in enumerate(zip(packed, periods, strict=True))
    )


def _units(text: str, pieces: Sequence[Piece], barriers: Sequence[int], limit: int) -> list[_Unit]:
    """Paragraphs, each with the headings and lead-in lines before it, cut where over the limit."""
    units: list[_Unit] = []
    waiting: _Unit | None = None  # headings and lead-ins that what follows takes with it
    table: str | None = None
    for position, piece in enumerate(pieces):
        section = piece.section
        if piece.kind == "table_row":
            header, table = table, table or _tidy_row(text[piece.start : piece.end])
            section = (*section, header) if header else section
        else:
            header = table = None
        unit = _Unit(
            piece.start, piece.end, section, piece.kind, piece.page, under_header=bool(header)
        )
        if waiting is not None:
            if _parted(waiting, unit, barriers):
                units.extend(_cut(text, waiting, limit))
            else:
                body = unit.body or unit.start
                unit = replace(unit, start=waiting.start, page=waiting.page, body=body)
            waiting = None
        last = position + 1 == len(pieces)
        following = None if last else pieces[position + 1]
        leads = piece.is_heading or (
            following is not None
            and (_leads(text, piece) or _belongs_to_title(text, piece, following))
            and _same_part(section, following.section)
        )
        if leads and not last and unit.end - unit.start < limit:
            waiting = replace(unit, kind="heading")
        else:
            units.extend(_cut(text, unit, limit))
    return units


def _tidy_row(row: str) -> str:
    return " | ".join(cell.strip() for cell in row.split("\n")[0].strip("| ").split("|"))


def _same_part(section: tuple[str, ...], following: tuple[str, ...]) -> bool:
    return following[: len(section)] == section


def _leads(text: str, piece: Piece) -> bool:
    """Whether a line only announces what follows: 主要预期目标是： or 各位代表！ and such."""
    line = text[piece.start : piece.end]
    if piece.kind != "paragraph" or len(line) > _LEAD_IN:
        return False
    return line.endswith(("：", ":")) or _SALUTATION.fullmatch(line) is not None


def _belongs_to_title(text: str, piece: Piece, following: Piece) -> bool:
    """Whether a line only dates or signs the title before it: 发布时间：2025-05-28 来源：招生办."""
    return (
        following.is_heading
        and not piece.section
        and piece.kind == "paragraph"
        and piece.end - piece.start <= _LEAD_IN
        and not _PROSE.search(text[piece.start : piece.end])
    )


def _is_title_alone(text: str, first: _Unit, second: _Unit, barriers: Sequence[int]) -> bool:
    """Whether a menu parts a title, which its document carries in any case, from the text."""
    title = text[first.start : first.end]
    return (
        _parted(first, second, barriers)
        and first.page == second.page
        and len(title) <= 2 * _LEAD_IN
        and (first.kind == "heading" or not _SAYS.search(title))
        and not _PROSE.search(title)
    )


def _parted(first: _Unit, second: _Unit, barriers: Sequence[int]) -> bool:
    """Whether boilerplate lies between two units: a passage is one stretch of the text."""
    return bisect_left(barriers, first.end) < bisect_left(barriers, second.start)


def _packed(units: Sequence[_Unit], barriers: Sequence[int], limit: int) -> list[_Unit]:
    """Units with fragments joined to their neighbours of the same section."""
    packed: list[_Unit] = []
    for unit in units:
        if packed and not _parted(packed[-1], unit, barriers) and _belongs(packed[-1], unit, limit):
            section = max(packed[-1].section, unit.section, key=len)
            cut = packed[-1].cut or unit.cut
            packed[-1] = replace(packed[-1], end=unit.end, section=section, cut=cut)
        else:
            packed.append(unit)
    return packed


def _belongs(before: _Unit, unit: _Unit, limit: int) -> bool:
    """Whether a paragraph continues the passage before it instead of opening its own."""
    if unit.end - before.start > limit or unit.page != before.page:
        return False  # a passage says on which page it is
    size, added = before.end - before.start, unit.end - unit.start
    if unit.under_header and unit.section[:-1] == before.section:
        return True  # the rows that fit go with the line that names their columns
    if before.section != unit.section:
        # A fragment of the section above (继续办好10件惠民实事。) closes the one before it.
        above = before.section[: len(unit.section)] == unit.section
        return above and added < _FRAGMENT and unit.kind == "paragraph"
    if unit.kind in {"list_item", "table_row"}:
        return True
    if unit.cut and before.cut:
        return min(size, added) < _FRAGMENT
    return min(size, added) < _FRAGMENT or size < _SMALL


def _cut(text: str, unit: _Unit, limit: int) -> list[_Unit]:
    if unit.end - unit.start <= limit:
        return [unit]
    spans = _balanced(_led(text, unit, limit), limit)
    return [replace(unit, start=start, end=end, cut=True) for start, end in spans]


def _led(text: str, unit: _Unit, limit: int) -> list[tuple[int, int]]:
    """The atoms of a unit, its headings and lead-ins kept with the first of what they announce."""
    if not unit.body:
        return _atoms(text, unit.start, unit.end, limit)
    room = limit - (unit.body - unit.start)
    atoms = _atoms(text, unit.body, unit.end, limit)
    if room < limit / 4:
        return [*_atoms(text, unit.start, unit.body, limit), *atoms]
    if atoms[0][1] - atoms[0][0] > room:
        atoms[:1] = _atoms(text, *atoms[0], room)
    return [(unit.start, atoms[0][1]), *atoms[1:]]


def _balanced(atoms: Sequence[tuple[int, int]], limit: int) -> list[tuple[int, int]]:
    """Atoms grouped into as few spans as fit, and these as equal in size as can be.

    The cuts of least total squared size among those with the fewest spans: unequal sizes cost.
    """
    atoms = _coarser(atoms, limit // _GRAINS)
    best: list[tuple[int, int, int]] = [(0, 0, 0)]  # spans, cost, first atom of the last span
    for last in range(len(atoms)):
        options = []
        for first in range(last, -1, -1):
            size = atoms[last][1] - atoms[first][0]
            if size > limit:
                break
            spans, cost, _ = best[first]
            options.append((spans + 1, cost + size * size, first))
        best.append(min(options))
    groups: list[tuple[int, int]] = []
    position = len(atoms)
    while position:
        first = best[position][2]
        groups.append((atoms[first][0], atoms[position - 1][1]))
        position = first
    return groups[::-1]


def _coarser(atoms: Sequence[tuple[int, int]], grain: int) -> Sequence[tuple[int, int]]:
    """Neighbours joined up to ``grain`` characters, so that few ways of cutting remain."""
    joined: list[tuple[int, int]] = []
    for start, end in atoms:
        if joined and end - joined[-1][0] <= grain:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _atoms(text: str, start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """Sentences; clauses of those over the limit; blocks of characters of those still over it."""
    atoms: list[tuple[int, int]] = []
    for sentence_start, sentence_end in sentences(text, start, end):
        if sentence_end - sentence_start <= limit:
            atoms.append((sentence_start, sentence_end))
            continue
        for clause_start, clause_end in _clauses(text, sentence_start, sentence_end, limit):
            if clause_end - clause_start <= limit:
                atoms.append((clause_start, clause_end))
            else:
                atoms.extend(_hard(text, clause_start, clause_end, limit))
    return atoms


def _clauses(text: str, start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """Clauses; of a monster without sentence ends (a table in one line) whatever marks divide."""
    if end - start <= _MONSTER * limit:
        return clauses(text, start, end)
    return [match.span() for match in _MARKED.finditer(text, start, end)]


def _hard(text: str, start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """Text without punctuation, in equal parts, at spaces where there are any."""
    words = [
        (match.start(), match.end()) for match in re.compile(r"\S+").finditer(text, start, end)
    ]
    atoms: list[tuple[int, int]] = []
    for word_start, word_end in words:
        parts = math.ceil((word_end - word_start) / limit)
        size = math.ceil((word_end - word_start) / parts)
        atoms.extend((at, min(at + size, word_end)) for at in range(word_start, word_end, size))
    return _balanced(atoms, limit)
