"""Which blocks are headings, how deep, and which paragraphs open with one; pure.

Plain text marks its headings by numbering (一、 （一） 1. 第一章), by standing alone, or by running
into the paragraph they head (着力扩大有效益的投资。持续深化…). The last kind is told from an
ordinary short sentence by its sisters: the paragraphs beside it open alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.text import contains_han

if TYPE_CHECKING:
    from rag.schema import Block, ParsedDocument

__all__ = ["Piece", "outline"]

_NUMERALS = "一二三四五六七八九十百〇零"
_LEVELS: tuple[tuple[int, re.Pattern[str]], ...] = (
    (
        1,
        re.compile(
            rf"第[{_NUMERALS}\d]+(?:部分|编|篇)|[ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩ]+[、.．]|[IVX]{{1,5}}\.\s|Part\s+[IVX\d]+\b"
        ),
    ),
    (2, re.compile(rf"第[{_NUMERALS}\d]+章|[{_NUMERALS}]{{1,3}}、|Chapter\s+\d+\b")),
    (3, re.compile(rf"[（(][{_NUMERALS}]{{1,3}}[）)]|第[{_NUMERALS}\d]+节")),
    (4, re.compile(r"\d{1,2}[.．、](?!\d)\s*")),
    (5, re.compile(r"[（(]\d{1,2}[）)]")),
)
_STANDALONE_LIMIT = 60
"""A numbered line of at most this many characters is a heading."""

_LATIN_LIMIT = 150
"""Likewise in a language with longer words."""

_RUN_IN_LIMIT = 46
"""A numbered paragraph's first sentence of at most this many characters is one, too."""

_PLAIN_RUN_IN_LIMIT = 24
"""An unnumbered one must be shorter, hold no figure, and have sisters."""

_UNNUMBERED_LIMIT = 32
_FIRST_SENTENCE = re.compile(r"[^。！？!?\n]{2,}?[。！？!?]|[A-Z][^.!?\n]{6,150}[.!?](?=\s)")
_SALUTATION = re.compile(r"^(?:各位|同志们|女士们|先生们|朋友们|尊敬的|Dear\b|Fellow\b|Esteemed\b)")
_ENDS_OPEN = re.compile(r"[。！？!?；;，,：:…]$")
_HEADING_WORDS = re.compile(
    r"回顾|安排|任务|目标|要求|重点|成就|部署|举措|措施|总结|展望|建议|附[件录则]|前言|引言|结语|目录|名词解释"
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text under one heading path.

    ``heading`` pieces stand alone; ``body`` pieces belong to ``section`` and may open with their
    own last heading.
    """

    start: int
    end: int
    section: tuple[str, ...]
    is_heading: bool
    kind: str


def outline(parsed: ParsedDocument) -> list[Piece]:
    """The document's own blocks with their heading paths, in order; boilerplate is left out."""
    blocks = [block for block in parsed.blocks if block.kind != "boilerplate"]
    text = parsed.text
    explicit = any(block.kind == "heading" for block in blocks)
    standing = {} if explicit else _standing(text, blocks)
    opening = {} if explicit else _opening(text, blocks, standing)
    path: list[tuple[int, str]] = []
    pieces: list[Piece] = []
    singles = _Singles()
    for index, block in enumerate(blocks):
        level = block.level if block.kind == "heading" else standing.get(index, 0)
        if level:
            title = _tidy(text[block.start : block.end])
            path = [*(entry for entry in path if entry[0] < level), (level, title)]
            pieces.append(Piece(block.start, block.end, _titles(path), True, "heading"))
            continue
        section = _titles(path)
        if index in opening:
            depth, end = opening[index]
            title = _tidy(text[block.start : end])
            path = [*(entry for entry in path if entry[0] < depth), (depth, title)]
            section = _titles(path)
            if depth >= _RUN_IN_LEVEL:
                # Its own paragraph only: what follows belongs to the section above again.
                path = path[:-1]
            else:
                singles.opened(section[:-1])
        elif singles.ends(section, salutes=bool(_SALUTATION.match(text[block.start : block.end]))):
            path = path[:-1]
            section = _titles(path)
        pieces.append(Piece(block.start, block.end, section, False, block.kind))
    return pieces


class _Singles:
    """Tells when the last of （一）（二）（三）… is over, which no heading says.

    Where each of its sisters was one paragraph, so is the last; and a salutation (各位代表！)
    belongs to the chapter in any case.
    """

    def __init__(self) -> None:
        self._parent: tuple[str, ...] | None = None
        self._paragraphs: list[int] = []

    def opened(self, parent: tuple[str, ...]) -> None:
        """A numbered run-in heading under ``parent`` begins."""
        if parent != self._parent:
            self._parent, self._paragraphs = parent, []
        self._paragraphs.append(1)

    def ends(self, section: tuple[str, ...], *, salutes: bool) -> bool:
        """Whether a paragraph that would stand in ``section`` belongs above it."""
        if self._parent is None or section[:-1] != self._parent or not self._paragraphs:
            return False
        earlier = self._paragraphs[:-1]
        if salutes or (len(earlier) >= 2 and all(count == 1 for count in earlier)):
            self._parent = None
            return True
        self._paragraphs[-1] += 1
        return False


_RUN_IN_LEVEL = 6
"""Depth of an unnumbered run-in heading: below every numbered one."""


def _titles(path: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(title for _, title in path)


def _tidy(title: str) -> str:
    return re.sub(r"\s+", " ", title.strip()).rstrip("。：:")


def _numbered(line: str) -> int:
    for level, pattern in _LEVELS:
        if pattern.match(line):
            return level
    return 0


def _standing(text: str, blocks: Sequence[Block]) -> dict[int, int]:
    """Lines that are headings as a whole: index to level."""
    lines = [text[block.start : block.end] for block in blocks]
    found: dict[int, int] = {}
    unnumbered = False
    for index, line in enumerate(lines):
        level = _numbered(line)
        limit = _STANDALONE_LIMIT if contains_han(line) else _LATIN_LIMIT
        if level and len(line) <= limit and not _has_more(line):
            found[index] = level
        elif not level and _stands_alone(lines, index):
            # Above the numbered ones where it comes first, as the chapters of some reports do.
            found[index] = 1 if all(value == 1 for value in found.values()) or unnumbered else 2
            unnumbered = unnumbered or found[index] == 1
    return found


def _has_more(line: str) -> bool:
    """Whether a sentence ends inside the line, so that it is a paragraph and not a heading."""
    return re.search(r"[。！？!?；;](?!$)|[，,：:]$|[。；;]$", line.rstrip()) is not None


def _stands_alone(lines: Sequence[str], index: int) -> bool:
    line = lines[index]
    if index == 0 or index + 1 >= len(lines) or len(line) > _UNNUMBERED_LIMIT:
        return False
    return (
        _HEADING_WORDS.search(line) is not None
        and not _ENDS_OPEN.search(line)
        and not _SALUTATION.match(line)
        and not line.startswith(("—", "-", "（", "("))
        and "，" not in line
        and len(lines[index + 1]) > 2 * len(line)
        and any(len(earlier) > _UNNUMBERED_LIMIT for earlier in lines[:index])
    )


def _opening(
    text: str, blocks: Sequence[Block], standing: dict[int, int]
) -> dict[int, tuple[int, int]]:
    """Paragraphs that open with a run-in heading: index to depth and end of the heading."""
    found: dict[int, tuple[int, int]] = {}
    plain: dict[int, int] = {}
    has_chapters = any(level <= 2 for level in standing.values())
    for index, block in enumerate(blocks):
        if index in standing:
            continue
        line = text[block.start : block.end]
        first = _FIRST_SENTENCE.match(line)
        if first is None or first.end() >= len(line):
            continue
        level = _numbered(line)
        if level and first.end() <= _RUN_IN_LIMIT:
            # 一、 inside a chapter that a line 一、 heads is an item of a list, not a chapter.
            depth = _RUN_IN_LEVEL if level <= 2 and has_chapters else level
            found[index] = (depth, block.start + first.end())
        elif not level and _may_run_in(first.group()):
            plain[index] = block.start + first.end()
    found.update(_with_sisters(plain, found, standing, len(blocks)))
    return found


def _may_run_in(sentence: str) -> bool:
    return (
        len(sentence) <= _PLAIN_RUN_IN_LIMIT
        and not re.search(r"\d|[“”「」：；]", sentence)
        and sentence.count("，") <= 1
        and sentence.endswith("。")
        and not _SALUTATION.match(sentence)
    )


def _with_sisters(
    plain: dict[int, int],
    numbered: dict[int, tuple[int, int]],
    standing: dict[int, int],
    count: int,
) -> dict[int, tuple[int, int]]:
    """Those of the plain candidates that have at least one more beside them in their section."""
    found: dict[int, tuple[int, int]] = {}
    group: list[int] = []
    members = 0
    for index in range(count + 1):
        if index == count or index in standing or index in numbered:
            if len(group) >= 2 and len(group) >= 0.6 * members:
                found.update({member: (_RUN_IN_LEVEL, plain[member]) for member in group})
            group, members = [], 0
            continue
        members += 1
        if index in plain:
            group.append(index)
    return found
