"""China's five-year plans by name (“十四五”, 15th Five-Year Plan), and their years; pure."""

from __future__ import annotations

import re

__all__ = ["five_year_plans", "without_plans"]

_UNITS = "一二三四五六七八九"
_ORDINALS = (
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
)
_NAME = (
    rf"[“\"「]?(?P<tens>十)?(?P<units>[{_UNITS}])五(?![年个十百千万亿成倍分])[”\"」]?"
    rf"|第(?P<t>十)?(?P<u>[{_UNITS}])?个五年"
    rf"|(?P<ordinal>\d{{1,2}})th Five[- ]Year|(?P<word>{'|'.join(_ORDINALS)}) Five[- ]Year"
)
_FIVE_YEARS = re.compile(_NAME, re.I)
_WHOLE_NAME = re.compile(
    rf"(?:{_NAME})(?:\s*plan)?(?:\s*period|\s*(?:规划|计划))?(?:期间|时期|期末|末)?", re.I
)
_FOURTH = 4
"""The first plan whose years follow without a gap: 1971–1975."""


def five_year_plans(text: str) -> list[tuple[int, int]]:
    """First and last years of the five-year plans named in a text, from the fourth (1971) on."""
    spans = []
    for match in _FIVE_YEARS.finditer(text):
        if match["word"]:
            number = _ORDINALS.index(match["word"].lower()) + 9
        elif match["ordinal"]:
            number = int(match["ordinal"])
        else:
            tens, units = match["tens"] or match["t"], match["units"] or match["u"]
            number = (10 if tens else 0) + (_UNITS.index(units) + 1 if units else 0)
        if number >= _FOURTH:
            spans.append((1951 + 5 * number, 1955 + 5 * number))
    return spans


def without_plans(text: str) -> str:
    """A text with spaces for the names of five-year plans, from the fourth on."""

    def blank(match: re.Match[str]) -> str:
        named = five_year_plans(match.group())
        return " " * len(match.group()) if named else match.group()

    return _WHOLE_NAME.sub(blank, text)
