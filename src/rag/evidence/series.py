"""Things told apart by a number: the 第三届 of a series is not the 第四届 that was asked for."""

from __future__ import annotations

import re

__all__ = ["of_another_number"]

_HAN_DIGITS = str.maketrans("一二三四五六七八九", "123456789")
_NUMBERED = re.compile(
    r"第?(?P<number>\d+|[一二三四五六七八九十]+)(?P<what>届|次|轮|期(?!间)|批|代(?!表)|号(?!召|码))"
    r"|\b(?P<ordinal>\d+)(?P<suffix>st|nd|rd|th)\b"
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
        found.setdefault(what, set()).add(_value(number))
    return found


def _value(number: str) -> int:
    """Figures, or Chinese numerals below a hundred."""
    if number.isdigit():
        return int(number)
    tens, ten, ones = number.translate(_HAN_DIGITS).rpartition("十")
    digits = ones if ones.isdigit() else "0"
    return 10 * int(tens[:1] or "1") * bool(ten) + int(digits[:1])
