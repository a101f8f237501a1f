"""Lines of plain text to paragraphs: what a line break means in this file; pure.

Most Chinese files put a paragraph on a line. Others wrap paragraphs at a fixed width and leave a
blank line between them; and lines copied from web pages break where a link or a superscript was.
A break that means nothing becomes a space, one character for one: offsets into the file stay
offsets into the text, and a sentence is not cut in two.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from rag.text import contains_han

__all__ = ["join_lines", "line_spans", "soften"]

_LINE = re.compile(r"[^\n]*\S[^\n]*")
_WIDTHS = range(45, 101)
"""Widths that editors and e-mail programs wrap at."""

_FULL = 0.6
"""A wrapped line fills at least this share of the width, unless it ends its paragraph."""

_OPEN_END = re.compile(r"[，、《（“‘(,]$")
_MODIFIES = re.compile(r".{7,}(?<!目)的$")
_CLOSED_END = re.compile(r"[。！？!?]$")
_FORMULA_END = re.compile(r"[A-Za-z][A-Za-z0-9]{0,5}$")
_FORMULA = re.compile(r"[A-Za-z0-9.+\-—]{1,6}")
_CONTINUES = re.compile(r"[，。、；：？！》）”’,;)]|是[：:]")
_ENDS = re.compile(r"[。！？.!?:：；;…”’\"'）)】\]—]$")
_JOINING_END = re.compile(
    r"(?:,|\b(?:a|an|and|are|as|at|but|by|for|from|in|is|of|on|or|that|the|to|which|with))$"
)
_JOINING_START = re.compile(r"(?:and|but|or|which)\b")
_MID_SENTENCE = 28
"""A line of Latin letters shorter than this is a verse, a label or an item, not half a sentence."""

_LIST_ITEM = re.compile(r"\s*(?:[-*•·>|]|\d+[.)、]|[（(]?[一二三四五六七八九十]+[）)、])\s*")


def line_spans(text: str) -> list[tuple[int, int]]:
    """Spans of the lines that are not blank, without surrounding white space."""
    spans = []
    for match in _LINE.finditer(text):
        line = match.group()
        start = match.start() + len(line) - len(line.lstrip())
        spans.append((start, match.start() + len(line.rstrip())))
    return spans


def join_lines(text: str, lines: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans of paragraphs: lines joined where the break between them means nothing."""
    width = _wrap_width(text, lines)
    joined: list[tuple[int, int]] = []
    last_line = (0, 0)
    for start, end in lines:
        blank_between = bool(joined) and text.count("\n", joined[-1][1], start) > 1
        if width:
            joins = (
                bool(joined) and not blank_between and _wraps(text, last_line, start, end, width)
            )
        else:
            joins = bool(joined) and _is_broken(text, last_line, start, end)
        if joins:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
        last_line = (start, end)
    return joined


def soften(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with the line breaks inside spans as spaces: no length changes."""
    parts = []
    position = 0
    for start, end in spans:
        parts.append(text[position:start])
        parts.append(text[start:end].replace("\n", " "))
        position = end
    parts.append(text[position:])
    return "".join(parts)


def _wrap_width(text: str, lines: Sequence[tuple[int, int]]) -> int | None:
    """The width that most lines are wrapped at, or None for a file of whole paragraphs."""
    if len(lines) < 4:
        return None
    lengths = sorted(end - start for start, end in lines)
    width = lengths[int(0.95 * (len(lengths) - 1))]
    if width not in _WIDTHS or lengths[-1] > 1.25 * width + 5:
        return None
    # Chinese is wrapped at half as many characters, exactly; there whole lines must abound.
    inner = [
        (start, end)
        for (start, end), (after, _) in pairwise(lines)
        if text.count("\n", end, after) == 1
    ]
    if len(inner) < 0.4 * len(lines):
        return None
    full = [(s, e) for s, e in inner if e - s >= _FULL * width]
    open_ended = sum(not _ENDS.search(text[s:e]) for s, e in full)
    if contains_han(text[:2_000]):
        exact = sum(abs((e - s) - width) <= 2 for s, e in inner)
        return width if exact >= 0.7 * len(inner) and open_ended >= 0.5 * len(inner) else None
    return width if len(full) >= 0.6 * len(inner) and open_ended >= 0.5 * len(inner) else None


def _wraps(text: str, before: tuple[int, int], start: int, end: int, width: int) -> bool:
    """Whether a line of wrapped text continues the one before: that was full, and no list item."""
    first_word = re.match(r"\S+", text[start:end])
    room = width - (before[1] - before[0])
    fits = first_word is not None and len(first_word.group()) + 1 < room
    return not (fits and before[1] - before[0] < _FULL * width) and not _LIST_ITEM.match(
        text[start:end]
    )


def _is_broken(text: str, before: tuple[int, int], start: int, end: int) -> bool:
    """Whether a line break fell into a sentence, as copying from a web page leaves it."""
    line, following = text[before[0] : before[1]], text[start:end]
    if text.count("\n", before[1], start) > 1:
        return False
    if _FORMULA.fullmatch(line) and contains_han(following):
        return text[: before[0]].rstrip("\n")[-1:].isalpha()
    if not contains_han(line):
        # In mid-sentence: what follows begins small, after a word or before one that joins.
        return (
            len(line) >= _MID_SENTENCE
            and following[:1].islower()
            and (_JOINING_END.search(line) or _JOINING_START.match(following)) is not None
            and not _ENDS.search(line)
            and not _LIST_ITEM.match(line)
        )
    if _OPEN_END.search(line) or (_MODIFIES.match(line) and not _LIST_ITEM.match(line)):
        return True
    if _CONTINUES.match(following) and not _CLOSED_END.search(line):
        return True
    # PM, 2.5 and what follows it: a subscript had a line of its own.
    return _FORMULA_END.search(line) is not None and _FORMULA.fullmatch(following) is not None
