"""Which passages of a report review the past and which plan what is to come; pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.plans import five_year_plans
from rag.text import sentences

if TYPE_CHECKING:
    from rag.schema import Period

__all__ = ["periods_of"]

_HEAD = 1_500
_REPORT = re.compile(
    r"各位代表|政府工作报\s*告|work of the government|government work report"
    r"|(?:Fellow|Esteemed) Deputies",
    re.I,
)
_REVIEW = re.compile(
    r"回顾|成就|成绩|成效|新进展|总结|工作情况|执行情况|过去[一五]年|这五年|[一二三五]年来|去年"
    r"|\breview\b|achievements|past (?:five )?years?",
    re.I,
)
_PLAN = re.compile(
    r"安排|任务|目标|部署|要求|打算|重点工作|工作重点|方针|规划|今后|未来|下一步|明年|思路|考虑|建议|展望"
    r"|今年(?!以来)|政策取向|举措|\btasks\b|objectives|targets|\bplan\b(?! period)|requirements"
    r"|orientations?\b|priorities|arrangements|to be taken|suggestions|this year",
    re.I,
)
_ANNEX = re.compile(r"附[件录表]|名词解释|结束语|注释|相关链接")
_NEITHER = re.compile(r"外交|国际形势|对外政策|祖国.{0,4}统一|香港|台湾")
"""Chapters that tell what was done and what is to be done in one breath."""

_DATE = re.compile(
    r"(?P<year>[12]\d{3}|[一二][〇零○一二三四五六七八九]{3})\s*年?[^\n]{0,2}\d*\s*月"
)
_YEAR = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?!\d)|(?P<han>[一二][〇零○一二三四五六七八九]{3})年"
)
_SINCE = re.compile(r"(?:first (?:few )?months of|early) \d{4}|今年以来", re.I)
_HAN_DIGITS = dict(zip("〇零○一二三四五六七八九", [0, 0, 0, *range(1, 10)], strict=True))
_AHEAD = re.compile(
    r"要|必须|应当|应该|将|力争|今年|确保|争取|\b(?:will|must|should|need to|shall)\b"
)
_BEHIND = re.compile(
    r"了|已|达到|突破|超过|完成|增长\s*\d|居全国|年来|去年|过去"
    r"|\b(?:was|were|has been|have been|rose|grew)\b"
)
_BACK = (
    re.compile(
        r"(?:^|(?<=[\s—。！；，：!、]))(?:(?:这|(?:回顾|经过)?过去的?|回顾这|经过)五年(?:来|间|里)?"
        r"|五年(?:来|间))(?!最|首|新高|多来|前)"
        r"|\b(?:the|over the) (?:past|last) five years|\bthese five years",
        re.I,
    ),
    re.compile(
        r"[“\"「]?十?[一二三四五六七八九]?五[”\"」]?(?:规划)?(?:实施)?(?:时期|期间|以来)(?!的?主要目标)"
    ),
)
"""Begins to tell of five years: 五年来, 这五年; and by the name of a plan, once it has ended."""
_ONE_YEAR = re.compile(
    r"一年来|过去的?一年|这一年(?!年)|(?:刚刚)?过去的(?:19|20)\d\d年"
    r"|\b(?:over )?the past year",
    re.I,
)
_OPENING = 90
"""Characters at the start of a passage in which it says of how many years it tells."""
_TURN = 80
"""Characters at the start of a passage in which it turns from the past to the future."""


def periods_of(text: str, passages: Sequence[tuple[tuple[str, ...], str]]) -> list[Period | None]:
    """The period of each passage, given heading path and text, in order.

    None throughout for documents that are no work reports, and wherever neither the chapter's
    heading nor its way of speaking tells.
    """
    if not _REPORT.search(text[:_HEAD]):
        return [None] * len(passages)
    chapters: dict[str, list[int]] = {}
    for index, (section, _) in enumerate(passages):
        if section:
            chapters.setdefault(section[0], []).append(index)
    year = _year_of(_folded(text[:_HEAD]), [_folded(heading) for heading in chapters])
    periods: list[Period | None] = [None] * len(passages)
    known: Period | None = None
    for heading, indexes in chapters.items():
        evidence = _evidence(_folded(heading), year)
        if evidence == {"review", "plan"}:
            turned = False
            for index in indexes:
                section, body = passages[index]
                for title in section:
                    body = body.replace(title, "", 1)
                turned = turned or _turns(" ".join(section[1:]), body.strip(), year)
                periods[index] = "plan" if turned else "review"
            known = "plan"
            continue
        period = next(iter(evidence)) if evidence else None
        if period is None and known and not _ANNEX.match(heading):
            period = _by_speech(heading, [passages[index][1] for index in indexes], known)
        known = period or known
        for index in indexes:
            periods[index] = period
    for heading, indexes in chapters.items():
        _mark_retrospects(_folded(heading), indexes, passages, periods, year=year)
    return periods


def _mark_retrospects(
    chapter: str,
    indexes: Sequence[int],
    passages: Sequence[tuple[tuple[str, ...], str]],
    periods: list[Period | None],
    *,
    year: int | None,
) -> None:
    """Tell the reviews of five years in a chapter from those of one: 五年来, 一年来.

    A passage says so where it opens, and speaks for those after it until one says otherwise.
    """
    five = (
        _BACK[0].search(chapter) or _BACK[1].search(chapter) or re.search("五年(?!计划)", chapter)
    )
    one = _YEAR.search(chapter)
    long = five is not None and (one is None or five.start() < one.start())
    for index in indexes:
        if periods[index] != "review":
            continue
        section, body = passages[index]
        body = body.replace(section[0], "", 1)
        long = _looks_far_back(_folded(body.strip()), year, before=long)
        if long:
            periods[index] = "retrospect"


def _looks_far_back(body: str, year: int | None, *, before: bool) -> bool:
    """Whether a passage tells of five years; where it does not say, as the one ``before`` it."""
    opening = body[:_OPENING]
    ended = [m for m in _BACK[1].finditer(opening) if year and _has_ended(m.group(), year)]
    five = max((m.start() for m in (*_BACK[0].finditer(opening), *ended)), default=-1)
    one = max((match.start() for match in _ONE_YEAR.finditer(opening)), default=-1)
    if five < 0 and one < 0 and year is not None:
        begins = re.match(rf"(?:各位代表[！!，,：:]\s*)?{year - 1}年[，,是]", opening)
        return before and not (begins and not re.search(r"[\d.]+(?:万|亿|%)", opening[9:]))
    return before if five == one else five > one


def _has_ended(plan: str, year: int) -> bool:
    return any(last < year for _, last in five_year_plans(plan))


def _folded(heading: str) -> str:
    """Half-width, and without spaces between digits: ２００２年 and 1 9 9 8 年."""
    return re.sub(r"(?<=\d)\s+(?=\d|年)", "", unicodedata.normalize("NFKC", heading))


def _years(text: str) -> list[int]:
    return [
        int(match["year"])
        if match["year"]
        else int("".join(str(_HAN_DIGITS[digit]) for digit in match["han"]))
        for match in _YEAR.finditer(text)
    ]


def _year_of(head: str, headings: Sequence[str]) -> int | None:
    """The year the report was given in: its date, or what its chapters review and plan."""
    for heading in headings:
        years = _years(_SINCE.sub("", heading))
        review, plan = _REVIEW.search(heading), _PLAN.search(heading)
        if years and (review or plan):
            if review and not plan:
                return years[-1] + 1
            return max(years) if review else years[0]
    dated = _DATE.search(head)
    years = _years(dated.group() + "年") if dated else _years(head.split("\n", 1)[0])
    return years[0] if years else None


def _evidence(heading: str, year: int | None) -> set[Period]:
    """What a heading says of its chapter: by its words, or else by the years it names."""
    said: set[Period] = set()
    if "形势" in heading and not _years(heading):
        return said
    if _REVIEW.search(heading):
        said.add("review")
    if _PLAN.search(heading):
        said.add("plan")
    if said or year is None:
        return said
    if _ANNEX.match(heading):
        return said
    for named in _years(_SINCE.sub("", heading)):
        said.add("review" if named < year else "plan")
    for first, last in five_year_plans(heading):
        if last < year:
            said.add("review")
        elif first >= year:
            said.add("plan")
    return said


def _turns(heading: str, body: str, year: int | None) -> bool:
    """Whether a passage of a chapter that does both begins the plan."""
    opening = _folded(body[:_TURN])
    if re.search(r"今后|未来|下一步|the next|in the coming", opening, re.I):
        return True
    if year is None:
        return False
    ahead = any(first >= year for first, _ in five_year_plans(opening + heading))
    planned = year in _years(opening) or "今年" in opening
    return (ahead or planned) and re.search(
        r"目标|任务|要求|要|是我国|是我省|时期是|will|objectives|targets|goals", opening
    ) is not None


def _by_speech(heading: str, bodies: Sequence[str], known: Period) -> Period | None:
    """The period of a chapter whose heading is silent: after the review reports speak of plans."""
    if _NEITHER.search(heading):
        return None
    text = "\n".join(bodies)
    if known == "review" and re.search(r"预期目标|主要目标是", text):
        return "plan"
    spoken = [text[start:end] for start, end in sentences(text)]
    ahead = sum(bool(_AHEAD.search(sentence)) for sentence in spoken) / max(1, len(spoken))
    behind = sum(bool(_BEHIND.search(sentence)) for sentence in spoken) / max(1, len(spoken))
    if ahead - behind >= 0.1 and behind <= 0.2:
        return "plan"
    return "plan" if known == "plan" and behind <= 0.15 else None
