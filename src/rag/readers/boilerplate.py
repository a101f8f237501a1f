"""Lines that are not the document's own: advertisements, page numbers, a web page's controls; pure.

Documents mention addresses, accounts and downloads for good reasons, and songs repeat their lines.
So no single sign decides. A line counts as an advertisement when several signs meet, at the edge
of a document of some length; page numbers when they count on; controls when many stand together.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.readers.navigation import navigation

if TYPE_CHECKING:
    from rag.schema import Block

__all__ = ["mark_boilerplate"]

_BODY_CHARACTERS = 400
"""A document shorter than this has no edge to speak of."""

# Advertisements.
_EDGE_LINES = 12
_OUTERMOST = 2
"""Lines from the end of the document, advertisements not counted, that are its outermost."""

_LONGEST = 90
_ENOUGH = 4
"""Signs that make an advertisement."""

_STRONG = re.compile(
    r"尽在|更多.{0,12}(?:请(?:关注|访问|加|搜索)|下载)|扫码(?:关注|下载|入群|领取|进群)|关注.{0,8}公众号"
    r"|公众号\s*[：:【\[「“]|微信搜索|免费(?:下载|领取|获取)|加(?:微信|群|V信)|(?:QQ|微信)群"
    r"|(?:文档|文件|资料|数据|本文)(?:由|来自).{1,20}(?:整理|下载|分享|提供|上传)"
    r"|downloaded\s+(?:from|by|at|via)|brought\s+to\s+you\s+by|(?:shared|provided|uploaded)\s+by\s+\w+\.\w",
    re.I,
)
_WEAK = re.compile(
    r"更多|详情|访问|关注|下载|扫码|版权|\bvisit\b|\bmore\b|subscribe|follow\s+us|download", re.I
)
_ADDRESS = re.compile(r"https?://|www\.|\b[\w-]+\.(?:com|cn|net|org|top|vip)\b", re.I)
_NAME = re.compile(r"[【\[「“]([^】\]」”]{2,20})[】\]」”]|\b([\w-]+\.(?:com|cn|net|org))\b", re.I)

# A web page's controls.
_CONTROL_LINES = 25
_CONTROL_WINDOW = 8
_CONTROLS_TOGETHER = 4
_CONTROL = re.compile(
    r"(?:您的|当前)位置\s*[:：]?|首页|[>»›/|×]|[大中小]|字[号体]\s*[:：]?|[【】\[\]]|打印(?:本页)?|关闭(?:窗口|本页)?"
    r"|收藏|分享(?:到)?\s*[:：]?|分享到微信|返回(?:顶部|首页|列表)|[上下]一[篇页条]\s*[:：]?"
    r"|相关(?:文档|链接|阅读|新闻)\s*[:：>》]*|扫一扫.{0,14}|(?:阅读量|浏览次数|点击数)\s*[:：]?\s*\d*"
    r"|责任编辑\s*[:：]?.{0,8}|A[+-]|Home|Print|Share|Close|Menu|Search"
    r"|Back to top|Skip to (?:main )?content",
    re.I,
)
_CRUMB = 8
"""Characters at most between two signs of a path: 首页 > 政务信息 > 宁夏要闻."""

# Page numbers.
_PAGE = re.compile(
    r"第\s*(?P<a>\d{1,4})\s*页(?:\s*[,，/]?\s*共\s*\d+\s*页)?|[-—–]\s*(?P<b>\d{1,4})\s*[-—–]"
    r"|(?P<c>\d{1,4})\s*/\s*\d{1,4}|Page\s+(?P<d>\d{1,4})(?:\s+of\s+\d+)?",
    re.I,
)
_PAGES_ENOUGH = 3
_RUNNING_TITLE = 60


def mark_boilerplate(text: str, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks, with those that are not the document's own marked as boilerplate."""
    lines = [" ".join(text[block.start : block.end].split()) for block in blocks]
    found = navigation(text, blocks)
    if sum(map(len, lines)) >= _BODY_CHARACTERS:
        found |= _page_furniture(lines) | _controls(lines)
        found |= _advertisements(lines, found)
    return tuple(
        replace(block, kind="boilerplate", level=0) if index in found else block
        for index, block in enumerate(blocks)
    )


def _advertisements(lines: Sequence[str], known: set[int]) -> set[int]:
    own = [index for index in range(len(lines)) if index not in known]
    edge = {*own[:_EDGE_LINES], *own[-_EDGE_LINES:]}
    candidates = {
        index
        for index in edge
        if len(lines[index]) <= _LONGEST
        and (_STRONG.search(lines[index]) or _WEAK.search(lines[index]))
    }
    counts = Counter(lines)
    found: set[int] = set()
    # Each one found moves the edge inwards and vouches for others of its name.
    while True:
        rest = [index for index in own if index not in found]
        outermost = {*rest[:_OUTERMOST], *rest[-_OUTERMOST:]}
        more = {
            index
            for index in candidates - found
            if _signs(index, lines, counts, candidates, outermost) >= _ENOUGH
            and (_STRONG.search(lines[index]) or _vouched(lines[index], found, lines))
        }
        if not more:
            return found
        found |= more


def _signs(
    index: int,
    lines: Sequence[str],
    counts: Counter[str],
    candidates: set[int],
    outermost: set[int],
) -> int:
    line = lines[index]
    names = _names(line)
    signs = 2 if _STRONG.search(line) else 1
    signs += _ADDRESS.search(line) is not None
    signs += min(2, counts[line] - 1)
    signs += index in outermost
    others = [lines[other] for other in candidates if lines[other] != line]
    signs += any(name in other for name in names for other in others)
    return signs - 2 * line.endswith(("。", "；", "，", "："))


def _vouched(line: str, found: set[int], lines: Sequence[str]) -> bool:
    """Whether an advertisement found before speaks of the same vendor."""
    return any(name in lines[index] for name in _names(line) for index in found)


def _names(line: str) -> list[str]:
    return [name for pair in _NAME.findall(line) for name in pair if name]


def _controls(lines: Sequence[str]) -> set[int]:
    last = len(lines) - _CONTROL_LINES
    edge = [index for index in range(len(lines)) if index < _CONTROL_LINES or index >= last]
    signs = [index for index in edge if _CONTROL.fullmatch(lines[index])]
    together = {
        index
        for index in signs
        if sum(abs(other - index) <= _CONTROL_WINDOW for other in signs) >= _CONTROLS_TOGETHER
    }
    crumbs = {
        beside
        for index in together
        if lines[index] in {">", "»", "›"}
        for beside in (index - 1, index + 1)
        if 0 <= beside < len(lines) and len(lines[beside]) <= _CRUMB
    }
    repeated = {index + 1 for index in crumbs if lines[index + 1 : index + 2] == [lines[index]]}
    return together | crumbs | repeated


def _page_furniture(lines: Sequence[str]) -> set[int]:
    """Page numbers that count on through the document, and the titles that run beside them."""
    numbered = [
        (index, int(next(filter(None, match.groups()))))
        for index, line in enumerate(lines)
        if (match := _PAGE.fullmatch(line))
    ]
    pages: set[int] = set()
    run: list[tuple[int, int]] = []
    for index, number in [*numbered, (len(lines), -1)]:
        if run and (number != run[-1][1] + 1 or index - run[-1][0] < 3):
            if len(run) >= _PAGES_ENOUGH:
                pages.update(place for place, _ in run)
            run = []
        run.append((index, number))
    beside = Counter(
        lines[index]
        for page in pages
        for index in (page - 1, page + 1)
        if 0 <= index < len(lines) and len(lines[index]) <= _RUNNING_TITLE
    )
    running = {line for line, count in beside.items() if count >= _PAGES_ENOUGH}
    return pages | {
        index
        for page in pages
        for index in (page - 1, page + 1)
        if 0 <= index < len(lines) and lines[index] in running
    }
