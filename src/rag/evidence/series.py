"""Things told apart by a number: the 第三届 of a series is not the 第四届 that was asked for."""

from __future__ import annotations

import re

from rag.numerals import han_value

__all__ = ["of_another_number"]

_NUMBERED = re.compile(
    r"第?(?P<number>\d+|[一二三四五六七八九十]+)(?P<what>届|次|轮|期(?!间)|批|代(?!表)|号(?!召|码))"
    r"|\b(?P<ordinal>\d+)(?:st|nd|rd|th)\b"
)


def of_another_number(question: str, text: str) -> bool:
    """Whether a text numbers what the question numbers, and never with a number asked for."""
    told = _numbers(text)
    return any(
        what in told and not told[what] & asked for what, asked in _numbers(question).items()
    )


def _numbers(text: str) -> dict[str, set[int]]:
    """What is numbered, and with which numbers. English ordinals are of one kind."""
    found: dict[str, set[int]] = {}
    for match in _NUMBERED.finditer(text):
        what, number = match["what"] or "th", match["number"] or match["ordinal"]
        value = int(number) if number.isdigit() else han_value(number)
        found.setdefault(what, set()).add(value)
    return found
