"""Numbered lines: 一、 （一） 1. 第一章 IV. and so on, and which of them nests in which; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["UNNUMBERED", "Marker", "Outline", "Style", "marker_of"]

Style = str
"""Name of a way of numbering; markers of one style count together."""

UNNUMBERED: Style = "unnumbered"

_NUMERALS = "一二三四五六七八九十百〇○零"
_DIGITS = {"〇": 0, "○": 0, "零": 0} | {digit: i for i, digit in enumerate("一二三四五六七八九", 1)}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50}
_CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
_ROMAN_SIGNS = "ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ"

_COUNT = rf"(?P<n>[{_NUMERALS}]+|\d+)"
# Outermost first: what a style starting in mid-count is taken to lie under.
_STYLES: tuple[tuple[Style, re.Pattern[str]], ...] = (
    ("part", re.compile(rf"第\s*{_COUNT}\s*(?:部分|编|篇)|Part\s+(?P<m>[IVX]+|\d+)\b", re.I)),
    ("chapter", re.compile(rf"第\s*{_COUNT}\s*章|Chapter\s+(?P<m>[IVX]+|\d+)\b", re.I)),
    ("section", re.compile(rf"第\s*{_COUNT}\s*节")),
    ("roman", re.compile(rf"(?P<n>[IVX]{{1,5}})\.\s|(?P<m>[{_ROMAN_SIGNS}])\s*[、.．]?")),
    ("chinese", re.compile(rf"(?P<n>[{_NUMERALS}]{{1,3}})\s*[、．.]")),
    ("ordinal", re.compile(r"第(?P<n>[一二三四五六七八九十]{1,2})[，、,]")),
    ("bracketed", re.compile(rf"[（(](?P<n>[{_NUMERALS}]{{1,3}})[）)]")),
    ("arabic", re.compile(r"(?P<n>\d{1,3})(?:[．、]|\.(?!\d))\s*")),
    ("bracketed arabic", re.compile(r"[（(](?P<n>\d{1,3})[）)]")),
    ("circled", re.compile(rf"(?P<n>[{_CIRCLED}])")),
    ("listed", re.compile(rf"(?P<n>[{_NUMERALS}]{{1,2}})是")),
)
_RANKS = {style: rank for rank, (style, _) in enumerate(_STYLES)}


@dataclass(frozen=True, slots=True)
class Marker:
    """The number a line opens with."""

    style: Style
    number: int
    length: int
    """Characters of the marker itself."""


def marker_of(line: str) -> Marker | None:
    """The marker that a line opens with, if any."""
    for style, pattern in _STYLES:
        if match := pattern.match(line):
            groups = match.groupdict()
            number = _value(groups.get("n") or groups.get("m") or "")
            return Marker(style, number, match.end()) if number is not None else None
    return None


def _value(numeral: str) -> int | None:
    if numeral.isdecimal():
        return int(numeral)
    if numeral in _CIRCLED:
        return _CIRCLED.index(numeral) + 1
    if numeral in _ROMAN_SIGNS:
        return _ROMAN_SIGNS.index(numeral) + 1
    if numeral.upper().strip("IVXL") == "":
        values = [_ROMAN[letter] for letter in numeral.upper()]
        following = [*values[1:], 0]
        return sum(v if v >= w else -v for v, w in zip(values, following, strict=True))
    return _chinese(numeral)


def _chinese(numeral: str) -> int | None:
    """二十三 and 二三 are 23; None for what is no number, such as 百."""
    if not re.search("[十百]", numeral):
        return int("".join(str(_DIGITS[digit]) for digit in numeral))
    match = re.fullmatch(
        r"(?:(?P<h>[一二三四五六七八九])百)?零?(?P<t>[一二三四五六七八九])?(?P<ten>十)?"
        r"(?P<u>[一二三四五六七八九])?",
        numeral,
    )
    if match is None:
        return None
    tens, units = match["t"], match["u"]
    if match["ten"] is None and tens:
        tens, units = None, tens
    value = 100 * _DIGITS[match["h"]] if match["h"] else 0
    if match["ten"]:
        value += 10 * (_DIGITS[tens] if tens else 1)
    return value + (_DIGITS[units] if units else 0) or None


@dataclass(frozen=True, slots=True)
class _Entry:
    style: Style
    number: int
    title: str
    top: bool


class Outline:
    """The headings that are open at a place of a document, outermost first.

    Levels are not read off the style, for （一） stands above 一、 in some documents and below it
    in others: a marker that continues a count belongs beside it, one that begins a count below
    what is open. ``upcoming`` are the markers of all headings, in order; they tell a nested count
    from one that starts over.
    """

    def __init__(self, upcoming: Sequence[Marker | None]) -> None:
        self._upcoming = upcoming
        self._position = 0
        self._open: list[_Entry] = []
        self._seen: set[Style] = set()

    @property
    def titles(self) -> tuple[str, ...]:
        """The heading path."""
        return tuple(entry.title for entry in self._open)

    @property
    def styles(self) -> tuple[Style, ...]:
        """The styles of the headings in the path."""
        return tuple(entry.style for entry in self._open)

    def expects(self, marker: Marker) -> bool:
        """Whether a marker begins a count or goes on with one, gaps allowed.

        3 without 1 and 2, or 3 after 6, is the rest of a list whose other items are paragraphs.
        """
        if marker.number == 1:
            return True
        counts = [e.number for e in self._open if e.style == marker.style]
        if counts:
            return any(number < marker.number for number in counts)
        return marker.style in self._seen or (
            marker.number == 2 and _RANKS[marker.style] <= _RANKS["bracketed"]
        )

    def skip(self) -> None:
        """The next heading turned out to be none."""
        self._position += 1

    def enter(self, title: str, marker: Marker | None, *, top: bool = False) -> None:
        """The next heading begins: ``top`` for an unnumbered one that closes all others."""
        self._position += 1
        if marker is None:
            # Below the chapter it stands in, and beside other unnumbered headings.
            keep = 0 if top else sum(entry.style != UNNUMBERED or entry.top for entry in self._open)
            del self._open[min(keep, 1) :]
            self._open.append(_Entry(UNNUMBERED, 0, title, top))
            return
        del self._open[self._depth(marker) :]
        self._seen.add(marker.style)
        self._open.append(_Entry(marker.style, marker.number, title, top=False))

    def leave(self, depth: int) -> None:
        """Close all headings but the ``depth`` outermost."""
        del self._open[depth:]

    def _depth(self, marker: Marker) -> int:
        same = [depth for depth, e in enumerate(self._open) if e.style == marker.style]
        for depth in reversed(same):
            if self._open[depth].number + 1 == marker.number:
                return depth
        if marker.number == 1:
            if same and not self._nests(marker.style, self._open[same[-1]].number):
                return same[-1]
            # An unnumbered heading inside a chapter does not hold the numbered ones after it.
            last = self._open[-1] if self._open else None
            return len(self._open) - (
                last is not None and last.style == UNNUMBERED and not last.top
            )
        for depth in reversed(same):
            if self._open[depth].number < marker.number:
                return depth
        if same:
            return same[-1]
        rank = _RANKS[marker.style]
        return next(
            (
                depth
                for depth, entry in enumerate(self._open)
                if entry.style != UNNUMBERED and _RANKS[entry.style] > rank
            ),
            len(self._open),
        )

    def _nests(self, style: Style, outer: int) -> bool:
        """Whether the count that begins now is over before the outer one goes on."""
        inner = 1
        for marker in self._upcoming[self._position :]:
            if marker is None or marker.style != style:
                continue
            if marker.number == inner + 1:
                inner += 1
            else:
                return marker.number == outer + 1
        return False
