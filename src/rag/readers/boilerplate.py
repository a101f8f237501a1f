"""Lines that are not the document's own: a vendor's advertisement at its head or foot.

One sign is not enough: documents mention addresses, accounts and downloads for good reasons. A
line counts as an advertisement only at the edge of a document of some length, when it is short,
reads like one, and is repeated or belongs to a line that is.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.schema import Block

__all__ = ["mark_boilerplate"]

_EDGE_LINES = 12
_BODY_CHARACTERS = 400
"""A document shorter than this has no edge to speak of."""

_LONGEST = 90
_ADDRESS = re.compile(r"https?://|www\.|\.(?:com|cn|net|org)\b", re.I)
_PROMOTION = re.compile(
    r"更多.{0,12}(?:尽在|请|资源|数据|资料|下载)|尽在|扫码|扫一扫|关注.{0,6}(?:公众号|微信|我们)|公众号\s*[：:【\[「]"
    r"|(?:由|来自).{1,20}(?:整理|下载|分享)|免费(?:下载|领取|获取)|加(?:微信|群)|版权归"
    r"|download(?:ed)?\s+(?:from|at)|brought\s+to\s+you|for\s+more.{0,30}visit|subscribe|follow\s+us",
    re.I,
)
_NAME = re.compile(r"[【\[「]([^】\]」]{2,20})[】\]」]")


def mark_boilerplate(text: str, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks, with advertisements at the edges marked as boilerplate."""
    lines = [" ".join(text[block.start : block.end].split()) for block in blocks]
    if sum(map(len, lines)) < _BODY_CHARACTERS:
        return tuple(blocks)
    counts = Counter(lines)
    edge = {
        *range(min(_EDGE_LINES, len(lines))),
        *range(max(0, len(lines) - _EDGE_LINES), len(lines)),
    }
    promoting = {
        index
        for index in edge
        if len(lines[index]) <= _LONGEST
        and _PROMOTION.search(lines[index])
        and not lines[index].endswith(("。", "；"))
    }
    sure = {
        index
        for index in promoting
        if counts[lines[index]] > 1
        and (_ADDRESS.search(lines[index]) or len(_PROMOTION.findall(lines[index])) > 1)
    }
    vouched = "\n".join(lines[index] for index in sure)
    sure |= {
        index
        for index in promoting
        if any(name in vouched for name in _NAME.findall(lines[index]))
        or any(lines[index] == lines[other] for other in sure)
    }
    return tuple(
        replace(block, kind="boilerplate") if index in sure else block
        for index, block in enumerate(blocks)
    )
