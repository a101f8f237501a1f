"""Follow-up questions: what the previous turns leave implied is put back in words; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.plans import five_year_plans
from rag.questions.places import bare_name, english_name, find_places
from rag.questions.terms import names_nothing
from rag.text import contains_han

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rag.schema import Turn

__all__ = ["carry_over", "goes_on"]

_OPENING = re.compile(
    r"^(?:那么|那|然后|还有|另外|再|and|but|so|then|what about|how about|what of)[，,\s]*", re.I
)
_ELLIPSIS = re.compile(
    r"^(?:那(?!里|些|个)|那么|然后|其中|还有呢|为什么呢)|呢[？?]?$"
    r"|^(?:and|but|what about|how about|what of|why)\b|\b(?:then|too|as well)\s*\?*$",
    re.I,
)
_ANAPHOR = re.compile(
    r"它们?|(?<!其)他(?![人国乡])|她|其中|(?<!在)其(?![他它实余])|[这那](?:[些个项里位所座家条款]|件事)"
    r"|该(?:项|市|省|指标|项目|园区|中心)|此项|上述|前者|后者"
    r"|\b(?:it|its|they|them|their|those|these|that one|the same|there|he|him|his|she|her)\b",
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
_ACTUAL = re.compile(r"实际|\bactual(?:ly)?\b\s*", re.I)
_PRESENT = {"did": "does", "was": "is", "were": "are"}
_TENSE = re.compile(r"\b(?:did|was|were)\b")
"""The tense of a question belongs to its year: that of another year may ask for plans."""
_QUESTION = re.compile(
    r"多[少久]|几|什么|哪|怎|如何|吗|谁|\b(?:how|what|which|who|when|where|why)\b", re.I
)
_ASKED = re.compile(
    r"(?:是|有|达到?|为)?(?:多少|几)[万亿]?[\u4e00-\u9fff]?|是什么|有哪些|怎么样|如何|\bhow\s+(?:many|much|long)\b",
    re.I,
)
_QUESTION_WORDS = re.compile(
    r"(?:分别)?(?:是|有|为|达到?|完成)?了?(?:多[少大高长]|几[个家项位]?|什么|哪些|哪[个家里]|怎么样|如何|吗)"
    r"[个家项位条套户人辆元列公里亩吨所名座件斤米次]*(?:了)?"
)
_ENGLISH_QUESTION = re.compile(r"^(?:how\s+(?:many|much|long|large)|which)\s+", re.I)
_COUNTED = re.compile(r"多少|几[^乎]|多[大高长]", re.I)
_ATTRIBUTE = (
    r"(?:面积|收入|产[量值]|[销总数]量|销售额|总[额数值]|规模|数量|人数|户数|金额"
    r"|里程|长度|投资额?|支出|价格|均价|目标)"
)
_RATE = (
    r"(?:[增涨降][速幅]|增长率?|同比|占比|比[重例率]|排名|排位|位次|名次"
    r"|进度|进展|原因|结果|意义|时间|地点)"
)
_OF_THE_TOPIC = re.compile(rf"(?:它?的)?(?P<name>{_ATTRIBUTE}|{_RATE})")
_ENDS_IN_ATTRIBUTE = re.compile(rf"的?{_ATTRIBUTE}$")
_ENGLISH_ATTRIBUTE = re.compile(
    r"(?:its |the |their )?(?:growth(?: rate)?|share|rank(?:ing)?|totals?|area|value|amount|number"
    r"|percentage|rate|length|size|cost|price|reasons?|details?)",
    re.I,
)
_DISTRICT = re.compile(r"[\u4e00-\u9fff]{2,8}?(?:省|市|自治区|[县区州旗镇乡]|街道)")
_PLACE_ENGLISH = re.compile(r"(?:(?:in|at|for)\s+)?(?P<name>[A-Z][\w'’-]+(?:\s+[A-Z][\w'’-]+)*)")


def carry_over(
    text: str,
    history: Sequence[Turn],
    *,
    known_places: Iterable[str] = (),
    whatever_its_form: bool = False,
) -> str:
    """The question with what the previous questions leave implied, or unchanged.

    A follow-up is recognised by its form: it opens with 那, "and", "what about", ends in 呢,
    points back with 其中, 它, "it", "those", or has no noun of its own. Anything else is a
    new topic and inherits nothing, unless it is to be read as a follow-up ``whatever_its_form``.
    ``known_places`` are those that documents are about.
    """
    known = tuple(known_places)
    topic = _topic(history, known)
    if not topic or not (whatever_its_form or _follows(text)):
        return text
    new = _FILLER.sub("", _OPENING.sub("", text)).strip()
    old = _FILLER.sub("", topic).strip()
    chinese = contains_han(old + new)
    if _is_place(new, known):
        return _elsewhere(old, new, known)
    if attribute := _OF_THE_TOPIC.fullmatch(new):
        return f"{_stem_of(old, attribute['name'])}{attribute['name']}是多少"
    if _ENGLISH_ATTRIBUTE.fullmatch(new) and not chinese:
        return f"{old}, {new}"
    if not names_nothing(new) and not _ANAPHOR.search(new) and not _QUESTION.search(new):
        return _another_topic(old, new, known)
    if dated := _names_time(new):
        old = _ACTUAL.sub("", old)
        old = _TENSE.sub(lambda past: _PRESENT[past[0]], _YEARS.sub("", old))
    if dated or _AIMS.search(new):
        old = _AIMS.sub("", old)  # of another year results may be asked
    if chinese and _QUESTION.search(new):
        # The new question has its own question word: the old one's would only mislead.
        old = _QUESTION_WORDS.sub("", old)
    elif _QUESTION.search(new):
        old = _ENGLISH_QUESTION.sub("", old)
    old = re.sub(r"^[的，,、\s]+|[的，,、\s]+$", "", old)
    return f"{old}，{new}" if chinese else f"{old}, {new}"


def _is_place(new: str, known: Sequence[str]) -> bool:
    """Whether a text is nothing but the name of a place: 南京, 肥西县, "in Nanjing"."""
    if contains_han(new):
        named = find_places(new, known=known)
        return bool(_DISTRICT.fullmatch(new)) or any(bare_name(new) == name for name in named)
    found = _PLACE_ENGLISH.fullmatch(new)
    return found is not None and bool(
        find_places(found["name"], known=known) or new.startswith(("in ", "at "))
    )


def _elsewhere(old: str, new: str, known: Sequence[str]) -> str:
    """The same question about another place."""
    typed = _typed_place(old, known)
    if contains_han(old):
        return old.replace(typed, new, 1) if typed else new + old
    place = re.sub(r"^(?:in|at|for)\s+", "", new)
    return old.replace(typed, place, 1) if typed else f"{old} in {place}"


def _another_topic(old: str, new: str, known: Sequence[str]) -> str:
    """The same question about another thing (那储能电池呢？), in the same place and year."""
    kept = [] if _names_time(new) else [year.strip() for year in _YEARS.findall(old)]
    place = "" if find_places(new, known=known) else _typed_place(old, known)
    if contains_han(old + new):
        asked = _ASKED.search(old)
        closing = "是多少" if _COUNTED.search(old) else asked.group() if asked else ""
        return "".join([place, *kept, new, closing])
    aim = _AIMS.search(old)
    if aim and not _AIMS.search(new):
        new = f"{new} {aim.group().split()[0]}"
    counted = re.match(r"\s*(?:and\s+)?how\s+(?:many|much|long|large)", old, re.I)
    opening = counted.group().strip() if counted else "What is the"
    where = [f"in {place}"] if place else []
    when = [year if " " in year else f"in {year}" for year in kept if year != "in"]
    return " ".join([opening, new, *where, *when])


def _stem_of(old: str, attribute: str) -> str:
    """What a question is about, without what it asks of it: 2023年粮食产量是多少 → 2023年粮食."""
    about = re.sub(r"[的，,、\s]+$", "", _QUESTION_WORDS.sub("", old))
    if re.fullmatch(_ATTRIBUTE, attribute):
        about = _ENDS_IN_ATTRIBUTE.sub("", about) or about
    return about


def _typed_place(text: str, known: Sequence[str]) -> str:
    """The first place of a text as it is written there, or nothing."""
    for name in find_places(text, known=known):
        written = re.search(
            rf"{re.escape(name)}(?:省|市|自治区|[县区])?|\b{re.escape(english_name(name))}\b", text
        )
        if written:
            return written.group()
    district = re.match(r"[\u4e00-\u9fff]{2,3}?[县区镇](?![域间块分])", text)
    return district.group() if district else ""


def goes_on(text: str) -> bool:
    """Whether a text has the form of a follow-up: 那…, …呢, 它, 其中, "what about", "it"."""
    return bool(_ELLIPSIS.search(text) or _ANAPHOR.search(text))


def _names_time(text: str) -> bool:
    return bool(_YEARS.search(text) or five_year_plans(text))


def _follows(text: str) -> bool:
    return goes_on(text) or names_nothing(text)


def _topic(history: Sequence[Turn], known: Sequence[str]) -> str:
    """The last user question that stands on its own, with its follow-ups folded in."""
    topic = ""
    for turn in history:
        if turn.role != "user" or not turn.content.strip():
            continue
        content = turn.content.strip()
        if topic and _follows(content):
            topic = carry_over(content, [_as_turn(topic, turn)], known_places=known)
        else:
            topic = content
    return topic


def _as_turn(content: str, like: Turn) -> Turn:
    return type(like)(role="user", content=content)
