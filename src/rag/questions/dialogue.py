"""Follow-up questions: what the previous turns leave implied is put back in words; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.questions.terms import is_bare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.schema import Turn

__all__ = ["carry_over", "points_back"]

_OPENING = re.compile(
    r"^(?:那么|那|然后|还有|另外|再|and|but|so|then|what about|how about|what of)[，,\s]*", re.I
)
_ELLIPSIS = re.compile(
    r"^(?:那(?!里|些|个)|那么|然后|其中|还有呢|为什么呢)|呢[？?]?$"
    r"|^(?:and|but|what about|how about|what of|why)\b|\b(?:then|too|as well)\s*\?*$",
    re.I,
)
_ANAPHOR = re.compile(
    r"它们?|其中|(?<!在)其(?![他它实余])|这些|那些|这个|那个|这项|这里|那里|该(?:项|市|省|指标|项目|园区|中心)|此项|上述|前者|后者"
    r"|\b(?:it|its|they|them|their|those|these|that one|the same|there)\b",
    re.I,
)
_FILLER = re.compile(
    r"[呢？?。！!\s]+$|^(?:那么|那|and|but|so|what about|how about|what of)[，,\s]+", re.I
)
_YEARS = re.compile(
    r"(?<!\d)(?:19|20)\d\d\s*年?|去年|今年|明年|上年|前年|\b(?:in\s+)?(?:last|this|next)\s+year\b"
    r"|\bin\s+(?=(?:19|20)\d\d)",
    re.I,
)
_AIMS = re.compile(
    r"的?(?:预期)?(?:目标|计划|安排)|\b(?:targets?|goals?|plans?)\b(?:\s+for)?", re.I
)
_QUESTION = re.compile(
    r"多少|几|什么|哪|怎|如何|吗|谁|\b(?:how|what|which|who|when|where|why)\b", re.I
)
_ASKED = re.compile(
    r"(?:是|有|达到?|为)?(?:多少|几)[万亿]?[\u4e00-\u9fff]?|是什么|有哪些|怎么样|如何|\bhow\s+(?:many|much|long)\b",
    re.I,
)
_QUESTION_WORDS = re.compile(
    r"(?:分别)?(?:是|有|为|达到?|完成)?了?(?:多少|几[个家项位]?|什么|哪些|哪[个家里]|怎么样|如何|吗)[个家项位条套户人辆元]*(?:了)?"
)


def carry_over(text: str, history: Sequence[Turn]) -> str:
    """The question with what the previous questions leave implied, or unchanged.

    A follow-up is recognised by its form: it opens with 那, "and", "what about", ends in 呢,
    points back with 其中, 它, "it", "those", or names no topic of its own. Anything else is a
    new topic and inherits nothing.
    """
    topic = _topic(history)
    if not topic or not _follows(text):
        return text
    new = _FILLER.sub("", _OPENING.sub("", text)).strip()
    old = _FILLER.sub("", topic).strip()
    chinese = re.search("[\u4e00-\u9fff]", old + new) is not None
    if not is_bare(new) and not _ANAPHOR.search(new) and not _QUESTION.search(new):
        # Another topic, the same question about it: 那储能电池呢？
        kept = [] if _YEARS.search(new) else _YEARS.findall(old)
        asked = _ASKED.search(old)
        parts = [*(year.strip() for year in kept), new, asked.group() if asked else ""]
        return ("" if chinese else " ").join(part for part in parts if part)
    if _YEARS.search(new):
        old = _YEARS.sub("", old)
    if _AIMS.search(new):
        old = _AIMS.sub("", old)
    if chinese and _QUESTION.search(new):
        # The new question has its own question word: the old one's would only mislead.
        old = _QUESTION_WORDS.sub("", old)
    old = re.sub(r"^[的，,、\s]+|[的，,、\s]+$", "", old)
    return f"{old}，{new}" if chinese else f"{old}, {new}"


def points_back(text: str) -> bool:
    """Whether a text refers to something before it: 它, 其中, "it", "those"."""
    return _ANAPHOR.search(text) is not None


def _follows(text: str) -> bool:
    return bool(_ELLIPSIS.search(text) or _ANAPHOR.search(text)) or is_bare(text)


def _topic(history: Sequence[Turn]) -> str:
    """The last user question that stands on its own, with its follow-ups folded in."""
    topic = ""
    for turn in history:
        if turn.role != "user" or not turn.content.strip():
            continue
        content = turn.content.strip()
        if topic and _follows(content):
            topic = carry_over(content, [_as_turn(topic, turn)])
        else:
            topic = content
    return topic


def _as_turn(content: str, like: Turn) -> Turn:
    return type(like)(role="user", content=content)
