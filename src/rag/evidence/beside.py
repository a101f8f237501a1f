"""What is told beside what was asked for, in words that are nearly the same.

Another of a series (第三届, not 第四届), the opposite (mines that were opened, not closed), what
came on top, what another thing is in proportion to it, a part of it, an average of years.
"""

from __future__ import annotations

import re

from rag.numerals import han_value

__all__ = [
    "of_another_number",
    "tells_beside",
    "tells_in_proportion",
    "tells_the_opposite",
]

# What came on top, and the questions that ask for that.
_INCREASE = re.compile(r"新[增建开]|净增|增量\d|再[增添]|\b(?:new|newly|additional|added)\b", re.I)
_ASKS_INCREASE = re.compile(
    r"新(?!能源|型|[区疆质兴材媒闻])|[增涨扩添]|多了|[建盖开修造装设](?:了|成|通|多少|[几多])"
    r"|\b(?:new|newly|more|add(?:ed|itional)?|grow|grew|ris|rose|increas|buil[dt]|open|creat|instal)",
    re.I,
)
# What is told in proportion to the product or is a part of it, and the questions that ask for that.
_PROPORTION = re.compile(
    r"(?:单位|人均|占)(?:[全本我]?[省市区县]|地区|国内)*(?:生产总值|GDP)|占[^，。；]{2,16}比[重例]"
    r"|(?:海洋|产业|农业|林业|旅游|体育|文化)生产总值"
    r"|\bper (?:unit of |capita )(?:GDP|output)|\bper capita\b|\bof GDP\b",
    re.I,
)
_PRODUCT = re.compile(r"生产总值|经济|GDP|\bgross\b", re.I)
_ASKS_PROPORTION = re.compile(
    r"单位|人均|占|比[重例]|强度|能耗|排放|海洋|产业|农业|林业|旅游|体育|文化|\bper\b|\bshare\b|intensity|proportion|percent",
    re.I,
)
_ASKS_GROWTH = re.compile(r"[增涨升降]|\bgr[eo]w|\bris[ei]|\brose\b|increas|\bfaster?\b", re.I)
_ASKS_AVERAGE = re.compile(
    r"年均|平均|[五几]年|期间|以来|十[一二三四五]五|\baverage|\bannual|years", re.I
)
_NEW_ENERGY = re.compile(r"新能源|电动|\bnew[- ]energy\b|\belectric|\be?vs?\b|\bnevs?\b", re.I)

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


def tells_in_proportion(question: str, text: str) -> bool:
    """Whether a text names the product only as what another thing is measured against.

    单位国内生产总值能耗 says nothing of the product.
    """
    if _ASKS_PROPORTION.search(question) or not _PROPORTION.search(text):
        return False
    return _PRODUCT.search(_PROPORTION.sub(" ", text)) is None


def tells_beside(question: str, text: str) -> bool:
    """Whether a text tells something beside what is asked.

    What came on top (新增40公里), asked how much there is; what another thing is in proportion
    to what is asked about (单位地区生产总值能耗); a part of it, asked for the whole (新能源汽车,
    asked for cars); or the average of several years, asked for the growth of one.
    """
    increase = _INCREASE.search(text) is not None and _ASKS_INCREASE.search(question) is None
    proportion = _PROPORTION.search(text) is not None and _ASKS_PROPORTION.search(question) is None
    part = _NEW_ENERGY.search(text) is not None and _NEW_ENERGY.search(question) is None
    grown = _ASKS_GROWTH.search(question) and _ASKS_AVERAGE.search(question) is None
    average = "年均" in text and bool(grown)
    return increase or proportion or part or average
