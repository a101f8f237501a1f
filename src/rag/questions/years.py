"""The years that a text names; pure."""

from __future__ import annotations

import re

from rag.text import contains_han

__all__ = ["WRITTEN_YEAR", "explicit_years", "report_years", "told_in"]

_COUNTED = r"\s*(?:万|亿|个|家|户|人|套|公里|元|%)"
"""What follows a number that is no year."""
_YEAR = re.compile(rf"(?<![\d.])(?P<year>(?:19|20)\d\d)(?!\d|\.\d|{_COUNTED})")
WRITTEN_YEAR = re.compile(_YEAR.pattern + r"(?:\s*年度?)?")
_HAN_DIGITS = {character: str(digit) for digit, character in enumerate("〇一二三四五六七八九")}
_HAN_YEAR = re.compile("(?P<year>[一二][〇零九][〇零一二三四五六七八九]{2})年")
_REPORT_YEAR = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)\s*年?的?(?:"
    r"(?:[\u4e00-\u9fff]{0,12}?工作|[\u4e00-\u9fff]{0,6}?政府|[\u4e00-\u9fff]{0,3}?)报告(?![了期])"
    r"|(?:\s+[\w'’]+){0,2}\s+(?:government\s+)?(?:work\s+)?report\b)",
    re.I,
)
_SPAN = r"—–~～\-"
_SAID_IN_CHINESE = re.compile(
    rf"(?<![\d.{_SPAN}])(?<!\d[至到])(?<!\d年[至到])(?P<year>(?:19|20)\d\d)"
    rf"(?:\s*年度?(?![{_SPAN}至到])|(?![\d.年{_SPAN}至到]|{_COUNTED}))"
)
_SAID_IN_ENGLISH = re.compile(
    rf"(?:\b(?:in|during|(?P<the>the))\s+)?(?<![\w.{_SPAN}])(?P<year>(?:19|20)\d\d)"
    rf"\b(?![{_SPAN}%]|\.\d)(?P<of>['’]s\b)?",
    re.I,
)


def report_years(text: str) -> tuple[int, ...]:
    """Years that stand in the name of a report, in order, without repetition."""
    return tuple(dict.fromkeys(int(match["year"]) for match in _REPORT_YEAR.finditer(text)))


def explicit_years(text: str) -> tuple[int, ...]:
    """Years written in figures or Chinese numerals, in order, without repetition.

    Those in the name of a report are left out.
    """
    text = _REPORT_YEAR.sub(lambda match: " " * len(match.group()), text)
    found = {match.start(): int(match["year"]) for match in _YEAR.finditer(text)}
    for match in _HAN_YEAR.finditer(text):
        digits = match["year"].replace("零", "〇")
        found[match.start()] = int("".join(_HAN_DIGITS[character] for character in digits))
    return tuple(dict.fromkeys(found[position] for position in sorted(found)))


def told_in(year: int, text: str) -> str:
    """A Chinese or English question as it is asked in a year: 今年 for it, 去年 for the one before.

    Spans of years and the names of reports stay as they are.
    """
    chinese = contains_han(text)
    this, last = ("今年", "去年") if chinese else ("this year", "last year")
    words = {year: this, year - 1: last}
    reports = [match.span() for match in _REPORT_YEAR.finditer(text)]

    def said(match: re.Match[str]) -> str:
        word = words.get(int(match["year"]))
        if word is None or any(start <= match.start("year") < end for start, end in reports):
            return match[0]
        return f"{word}'s" if not chinese and (match["the"] or match["of"]) else word

    return (_SAID_IN_CHINESE if chinese else _SAID_IN_ENGLISH).sub(said, text)
