"""Things told apart from what was asked for: another of a series, or the opposite of it.

The 第三届 is not the 第四届, and mines that were opened are not those that were closed.
"""

from __future__ import annotations

import re

from rag.numerals import han_value

__all__ = ["of_another_number", "tells_the_opposite"]

_NUMBERED = re.compile(
    r"第?(?P<number>\d+|[一二三四五六七八九十]+)(?P<what>届|次|轮|期(?!间)|批|代(?!表)|号(?!召|码))"
    r"|\b(?P<ordinal>\d+)(?:st|nd|rd|th)\b"
)


_OPENED = re.compile(
    r"新[建设增办开]|建成|投产|投用|开[业工办通张]|成立|设立|启用|增[加至设]"
    r"|\b(?:open(?:s|ed)?|built|new(?:ly)?|founded|launched|added|set up)\b",
    re.I,
)
_CLOSED = re.compile(
    r"关[停闭掉张]|停[产业办运用]|倒闭|淘汰|取缔|注销|撤[销并]|裁[员撤减]|退出|破产|拆除|压减|整治|清理"
    r"|\b(?:clos(?:e[ds]?|ing)|shut|abolish(?:ed)?|scrapped|bankrupt(?:cy)?|phased? out"
    r"|laid off|cut)\b",
    re.I,
)


def tells_the_opposite(question: str, text: str) -> bool:
    """Whether it is asked what was closed and a text tells only what was opened."""
    if _OPENED.search(question) or not _CLOSED.search(question):
        return False
    return _OPENED.search(text) is not None and _CLOSED.search(text) is None


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
