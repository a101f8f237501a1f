"""What a document says of itself: title, place, level, kind, date, years, speaker; pure.

Rules for government work reports, which name these in their head, and silence on anything else:
a wrong place or year would hide a document from the questions it answers.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.schema import ParsedDocument

__all__ = ["describe"]

_HEAD = 1_200
"""Characters in which a report says what it is."""

_TITLE_LIMIT = 80
_DATE = re.compile(
    r"(?P<year>(?:19|20)\d\d)\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日"
)
_ENGLISH_DATE = re.compile(
    r"(?P<month>January|February|March|April|May|June|July|August|September|October|November"
    r"|December)\s+(?P<day>\d{1,2}),?\s+(?P<year>(?:19|20)\d\d)"
)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

_REPORT_TITLE = re.compile(
    r"(?:政府|国务院|人民政府)(?:政府)?工作报\s*告|report\s+on\s+the\s+work\s+of\s+the\s+government"
    r"|government\s+work\s+report",
    re.I,
)
_REPORT_OPENING = re.compile(
    r"我(?:谨)?代表[^，。]{0,20}(?:政府|国务院)[^。]{0,30}(?:报告|作)[^。]{0,12}(?:工作|报告)"
    r"|我受国务院[^。]{0,10}委托[^。]{0,30}报告|on\s+behalf\s+of\s+the\s+State\s+Council[^.]{0,60}report",
    re.I,
)
_RANK = (
    r"(?:特别行政区|(?:维吾尔|壮族|回族)?自治区|(?:[\u4e00-\u9fff]{1,8}族)?自治[州县]"
    r"|省|市|盟|地区|县|[区旗])"
)
_PLACE = rf"[\u4e00-\u9fff]{{2,10}}?{_RANK}"
_CONGRESS = re.compile(rf"在\s*(?P<place>{_PLACE})\s*第[一二三四五六七八九十\d]+届\s*人民代表大会")
_PLACE_TITLE = re.compile(rf"(?:(?:19|20)\d\d年)?(?P<place>{_PLACE})(?:人民)?政府工作报告")
_NATIONAL = re.compile(r"全国人民代表大会|国务院|State Council|National People['’]s Congress", re.I)
_YEAR_IN_TITLE = re.compile(r"(?P<year>(?:19|20)\d\d)\s*年?")
_REVIEWED = re.compile(r"(?P<year>(?:19|20)\d\d)年?[^\n。]{0,24}(?:回顾|工作总结|成就|工作情况)")
_REVIEWED_ENGLISH = re.compile(
    r"Review\s+of\s+(?:Our\s+)?(?:the\s+)?Work\s+in\s+(?P<year>\d{4})", re.I
)
_PLANNED = re.compile(
    r"(?P<year>(?:19|20)\d\d)年?[^\n。]{0,24}(?:安排|任务|目标|部署|重点工作|工作重点|要求|工作建议)"
)
_SPEAKER = re.compile(
    r"^[—\-\s]*[^\n，。]{0,14}?(?:市长|省长|州长|县长|区长|主席|总理)\s*"
    r"(?P<name>[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]\s+[\u4e00-\u9fff]|[\u4e00-\u9fff]{2,6}·[\u4e00-\u9fff]{2,6})$",
    re.M,
)
_MUNICIPALITIES = frozenset({"北京市", "上海市", "天津市", "重庆市"})


def describe(parsed: ParsedDocument, *, source: str) -> dict[str, str | int]:
    """Metadata of a document: always ``title``, the rest where the text or the name says so.

    What a reader found (front matter) wins over what the text says, and that over the file name.
    """
    head = _head(parsed)
    described: dict[str, str | int] = {"title": _title(parsed, source)}
    if _is_report(head):
        described.update(_report(head, parsed, source))
    described.update(parsed.metadata)
    return described


def _head(parsed: ParsedDocument) -> str:
    """The document's own first words, without boilerplate."""
    lines = [
        parsed.text[block.start : block.end]
        for block in parsed.blocks[:40]
        if block.kind != "boilerplate"
    ]
    return "\n".join(lines)[:_HEAD]


def _is_report(head: str) -> bool:
    """A title or an opening that says so; merely mentioning a work report is not enough."""
    first = head[:300]
    title = next((line for line in first.splitlines()[:4] if _REPORT_TITLE.search(line)), None)
    titled = (title is not None and len(title) <= 40) or _joined_title(first)
    return titled or _REPORT_OPENING.search(head[:600]) is not None


def _joined_title(first: str) -> bool:
    # 政府工作报 / 告: a title broken over two lines.
    return re.match(r"\s*政府工作报\s*告", first) is not None


def _report(head: str, parsed: ParsedDocument, source: str) -> dict[str, str | int]:
    found: dict[str, str | int] = {"kind": "government_work_report"}
    name = PurePosixPath(source.replace("\\", "/")).stem
    place = _place(head, name)
    if place:
        found["place"] = place
        found["level"] = _level(place)
    date = _date(head)
    if date:
        found["date"] = date
    planning, reporting = _years(head, parsed.text, name, date)
    if planning:
        found["year"] = planning
        found["planning_year"] = planning
        found["reporting_year"] = reporting or planning - 1
    speaker = _SPEAKER.search(head[:400])
    if speaker:
        found["speaker"] = re.sub(r"\s", "", speaker["name"])
    if place:
        year = f"{planning}年" if planning else ""
        found["title"] = f"{'国务院' if place == '全国' else place}{year}政府工作报告"
    return found


def _place(head: str, name: str) -> str | None:
    congress = _CONGRESS.search(head)
    if congress:
        return _without_lead(congress["place"])
    titled = _PLACE_TITLE.search(head[:200])
    if titled:
        return _without_lead(titled["place"])
    if _NATIONAL.search(head):
        return "全国"
    named = re.search(_PLACE, name)
    return named.group() if named else None


def _without_lead(place: str) -> str:
    """市长罗云峰在合肥市 gives 合肥市: what stands before the last 在 is not the place."""
    return re.sub(r"^.*在", "", place)


def _level(place: str) -> str:
    if place == "全国":
        return "national"
    if place in _MUNICIPALITIES or place.endswith(("省", "自治区", "特别行政区")):
        return "province"
    if place.endswith(("县", "区", "旗")):
        return "county"
    return "city"


def _date(head: str) -> str | None:
    match = _DATE.search(head[:400])
    if match:
        return f"{match['year']}-{int(match['month']):02d}-{int(match['day']):02d}"
    english = _ENGLISH_DATE.search(head[:400])
    if english:
        month = _MONTHS.index(english["month"]) + 1
        return f"{english['year']}-{month:02d}-{int(english['day']):02d}"
    return None


def _years(head: str, text: str, name: str, date: str | None) -> tuple[int | None, int | None]:
    """The year planned for (when the report was given) and the year reported on."""
    reviewed = _REVIEWED.search(_headings(text)) or _REVIEWED_ENGLISH.search(text)
    reporting = int(reviewed["year"]) if reviewed else None
    planned = _PLANNED.search(_headings(text))
    if date:
        given = int(date[:4])
        return given, reporting if reporting in {given - 1, given} else given - 1
    titled = _YEAR_IN_TITLE.search(head.splitlines()[0]) if head else None
    if titled and len(head.splitlines()[0]) <= _TITLE_LIMIT:
        given = int(titled["year"])
        return given, given - 1
    named = _YEAR_IN_TITLE.search(name)
    if named:
        given = int(named["year"])
        return given, reporting if reporting == given - 1 else given - 1
    if planned and reporting and int(planned["year"]) == reporting + 1:
        return int(planned["year"]), reporting
    if reporting:
        return reporting + 1, reporting
    return None, None


def _headings(text: str) -> str:
    """Short lines, where chapters are named."""
    return "\n".join(line for line in text.splitlines() if 4 <= len(line.strip()) <= 40)


def _title(parsed: ParsedDocument, source: str) -> str:
    name = PurePosixPath(source.replace("\\", "/")).stem or source
    for block in parsed.blocks[:8]:
        if block.kind == "heading":
            return _plain(parsed.text[block.start : block.end])
    first = next((block for block in parsed.blocks if block.kind != "boilerplate"), None)
    if first is None:
        return name
    line = parsed.text[first.start : first.end].strip()
    looks_like_title = len(line) <= _TITLE_LIMIT and not re.search(r"[。！？!?；;：:，,]$", line)
    return _plain(line) if looks_like_title and "\n" not in line else name


def _plain(title: str) -> str:
    """A title without Markdown's marks."""
    return re.sub(r"\s+", " ", re.sub(r"[*_`#]+", "", title)).strip()
