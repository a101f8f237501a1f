"""Lines on pages to paragraphs, headings and table rows; pure.

A PDF file knows where characters stand and nothing else. A line continues the one before it when
that one was full and this one is not indented; what is set larger than the text is a heading; lines
cut at the same places are rows of a table; and what returns at the edges of pages is no content.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from rag.text import contains_han

if TYPE_CHECKING:
    from rag.readers.building import TextBuilder
    from rag.schema import BlockKind

__all__ = ["Line", "add_pages"]

_LARGER = 1.15
_LONGEST_HEADING = 80
_EDGE = 2
"""Lines at the top and at the bottom of a page that may be its header and footer."""

_PAGE_NUMBER = re.compile(
    r"[-–—·\s]*(?:第\s*|Page\s+|p\.\s*)?(\d{1,4})\s*(?:页|/\s*\d+|of\s+\d+)?[^\w]*(?:共\s*\d+\s*页)?",
    re.I,
)
_NUMBERING = re.compile(r"(?:(?:Chapter|Appendix|Section|Part)\s+)?(?:\d+|[A-Z])(?:\.\d+)*\.?\s+")
_LEADERS = re.compile(r"(?:\.\s*){5,}\s*\w*$|…{2,}\s*\w*$|(?:·\s*){5,}\w*$")
"""What leads to the page number in a table of contents."""

_BULLET = re.compile(r"[•◦▪●○■□‣⁃·–*-]\s*\S")
_TABLE_ROWS = 3
_ENDS = re.compile(r"[。！？.!?:：；;…]['\"”’）)】\]]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a page: its text in cells, which is one but for tables, and its place in points."""

    cells: tuple[str, ...]
    spans: tuple[tuple[float, float], ...]
    """Where each cell begins and ends."""
    bottom: float
    top: float
    size: float
    page: int
    hyphenated: bool = False
    """Whether it ends in a hyphen that only the end of the line put there."""

    @property
    def left(self) -> float:
        """Where the line begins."""
        return self.spans[0][0]

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.spans[-1][1]

    @property
    def text(self) -> str:
        """The text of all cells."""
        return " ".join(self.cells)


def add_pages(
    builder: TextBuilder,
    pages: Sequence[Sequence[Line]],
    bookmarks: Mapping[tuple[int, str], int],
) -> None:
    """Add the content of pages to a text. ``bookmarks`` are levels from 0, by page and title."""
    kept = _without_furniture(pages)
    # Where nothing would be left, what repeats is the content.
    lines = [line for page in kept for line in page] or [line for page in pages for line in page]
    if not lines:
        return
    headings = _headings(lines, bookmarks)
    position = 0
    while position < len(lines):
        line = lines[position]
        if position in headings:
            level = headings[position]
            end = position + 1
            # A title of several lines, but never two entries of the contents.
            while (
                headings.get(end) == level
                and lines[end].size == line.size
                and lines[end].page == line.page
                and _named(lines[end], bookmarks) is None
                and lines[end - 1].bottom - lines[end].top < line.size
            ):
                end += 1
            text = _joined(lines[position:end])
            builder.add(text, kind="heading", level=level, page=line.page)
        elif (end := _table_end(lines, position, headings)) > position:
            builder.add_table([row.cells for row in lines[position:end]], page=line.page)
        elif _LEADERS.search(line.text):
            end = position + 1
            builder.add(line.text, kind="boilerplate", page=line.page)
        else:
            end = position + 1
            while end < len(lines) and end not in headings and _continues(lines, end):
                end += 1
            item = _BULLET.match(line.text) is not None
            kind: BlockKind = "list_item" if item else "paragraph"
            builder.add(_joined(lines[position:end]), kind=kind, page=line.page)
        position = end


def _without_furniture(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """The pages without headers, footers and numbers."""
    edges = [
        {index for index in range(len(page)) if index < _EDGE or index >= len(page) - _EDGE}
        for page in pages
    ]
    at_edges = [
        (number, line)
        for number, (page, edge) in enumerate(zip(pages, edges, strict=True))
        for line in (page[index] for index in sorted(edge))
    ]
    texts = Counter(_bare(line.text) for _, line in at_edges)
    shapes = Counter(_shape(line) for _, line in at_edges)
    offsets = Counter(
        printed - number for number, line in at_edges if (printed := _page_number(line)) is not None
    )

    def is_furniture(number: int, line: Line) -> bool:
        printed = _page_number(line)
        if printed is not None and offsets[printed - number] >= max(2, len(pages) / 3):
            return True
        shape = _shape(line)
        # Lines of nothing but figures alike are a table's.
        return re.search(r"[^\W\d_]", shape) is not None and (
            texts[_bare(line.text)] >= max(3, 0.3 * len(pages))
            or shapes[shape] >= max(3, 0.5 * len(pages))
        )

    return [
        [
            line
            for index, line in enumerate(page)
            if index not in edge or not is_furniture(number, line)
        ]
        for number, (page, edge) in enumerate(zip(pages, edges, strict=True))
    ]


def _shape(line: Line) -> str:
    return re.sub(r"\d+", "#", _bare(line.text))


def _bare(text: str) -> str:
    return "".join(text.split())


def _page_number(line: Line) -> int | None:
    match = _PAGE_NUMBER.fullmatch(line.text)
    return int(match[1]) if match else None


def _headings(lines: Sequence[Line], bookmarks: Mapping[tuple[int, str], int]) -> dict[int, int]:
    """Levels of the lines that are headings, by index; 1 is the document's title."""
    sizes: Counter[float] = Counter()
    for line in lines:
        sizes[line.size] += len(line.text)
    body = sizes.most_common(1)[0][0]
    first_body = next((i for i, line in enumerate(lines) if line.size <= body), len(lines))
    # What is large before any text is the title and what belongs to it: the largest is the title.
    largest = max((line.size for line in lines[:first_body]), default=0.0)
    title: dict[int, int] = {}
    for index, line in enumerate(lines[:first_body]):
        # In lines one below the other: what stands apart is an author or a date.
        if line.size == largest and (not title or _below(lines, index, title)):
            title[index] = 1
    named = {
        index: 2 + level
        for index, line in enumerate(lines)
        if (level := _named(line, bookmarks)) is not None
    }
    if len(named) >= 2:
        return {**title, **named}
    large = [
        index
        for index, line in enumerate(lines)
        if index not in title
        and line.size >= _LARGER * body
        and len(line.text) <= _LONGEST_HEADING
        and len(line.cells) == 1
        and re.search(r"[^\W\d_]", line.text)
    ]
    # What is large only once is a date, a name or a slogan, and heads nothing.
    uses = Counter(lines[index].size for index in large)
    large = [index for index in large if uses[lines[index].size] > 1]
    if not large or len(large) > len(lines) / 3:
        return title
    ranks = sorted({lines[index].size for index in large}, reverse=True)
    return {**title, **{i: min(6, 2 + ranks.index(lines[i].size)) for i in large}}


def _below(lines: Sequence[Line], index: int, title: Mapping[int, int]) -> bool:
    """Whether a line goes on with the title that ends just above it."""
    before, line = lines[index - 1], lines[index]
    return index - 1 in title and before.page == line.page and before.bottom - line.top < line.size


def _named(line: Line, bookmarks: Mapping[tuple[int, str], int]) -> int | None:
    """The level of the bookmark that names a line, with or without its number."""
    text = _bare(line.text)
    unnumbered = _bare(_NUMBERING.sub("", line.text))
    return bookmarks.get((line.page, text), bookmarks.get((line.page, unnumbered)))


def _continues(lines: Sequence[Line], index: int) -> bool:
    """Whether a line goes on with the paragraph of the line before it."""
    before, line = lines[index - 1], lines[index]
    if abs(line.size - before.size) > 1 or _opens(line) or _table_end(lines, index, {}) > index:
        return False
    if line.page != before.page:
        # The sentence goes on over the page.
        return not _ENDS.search(before.text) and _is_full(lines, index - 1)
    if line.top < before.top and before.bottom - line.top > 1.6 * line.size:
        return False  # a gap between paragraphs
    indented = line.left - before.left > 0.8 * line.size and line.top < before.bottom
    first_line = before.left - line.left > 0.8 * line.size  # of an indented paragraph
    return not indented and (
        _is_full(lines, index - 1) or (first_line and _is_full(lines, index - 1))
    )


def _opens(line: Line) -> bool:
    """Whether a line begins something of its own: an item, or an entry of a contents."""
    return _BULLET.match(line.text) is not None or _LEADERS.search(line.text) is not None


def _is_full(lines: Sequence[Line], index: int) -> bool:
    """Whether a line reaches as far to the right as those around it in its column."""
    line = lines[index]
    beside = [
        other.right
        for other in lines[max(0, index - 8) : index + 9]
        if other.page == line.page and abs(other.left - line.left) < 4 * line.size
    ]
    # Chinese fills its lines; Latin letters leave a word's width.
    slack = 1.6 * line.size if contains_han(line.text) else 7 * line.size
    return len(beside) > 1 and line.right >= max(beside) - slack


def _table_end(lines: Sequence[Line], position: int, headings: Mapping[int, int]) -> int:
    """Where the table that begins here ends; ``position`` when none does."""
    columns = len(lines[position].cells)
    end = position
    while (
        end < len(lines)
        and end not in headings
        and columns > 1
        and abs(len(lines[end].cells) - columns) <= (columns > 3)
        and lines[end].page == lines[position].page
        and (end == position or _aligned(lines[end - 1], lines[end]))
    ):
        end += 1
    return end if end - position >= _TABLE_ROWS else position


def _aligned(row: Line, following: Line) -> bool:
    """Whether the cells of two lines stand below each other."""
    return len(row.spans) != len(following.spans) or all(
        first[0] < second[1] and second[0] < first[1]
        for first, second in zip(row.spans, following.spans, strict=True)
    )


def _joined(lines: Sequence[Line]) -> str:
    """One text of several lines: no space where Chinese was wrapped, no hyphen a line put there."""
    parts = [lines[0].text]
    for before, line in pairwise(lines):
        text = line.text
        tight = before.hyphenated or (_is_wide(before.text[-1]) or _is_wide(text[0]))
        parts.append(text if tight else f" {text}")
    return "".join(parts)


def _is_wide(character: str) -> bool:
    return (
        contains_han(character)
        or "\u3000" <= character <= "\u303f"
        or "\uff00" <= character <= "\uffef"
    )
