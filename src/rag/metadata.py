"""What a document says of itself: title, place, level, kind, date, years, speaker; pure.

Rules for government work reports, which name these in their head, and silence on anything else:
a wrong place or year would hide a document from the questions it answers.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date as calendar_date
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rag.text import contains_han, fold

if TYPE_CHECKING:
    from rag.schema import ParsedDocument

__all__ = ["describe"]

_TITLE_LIMIT = 80
_TITLE_LINES = 4
_HEAD_BLOCKS = 40
_HEAD_LINE = 80
"""A longer line is a paragraph, not a part of the head."""

_OPENING = 600
"""Characters after the salutation in which a report says what it is."""

_RANK = (
    r"(?:特别行政区|(?:维吾尔|壮族|回族)?自治区|(?:[\u4e00-\u9fff]{1,8}族)?自治[州县]"
    r"|省|市|盟|地区|县|[区旗])"
)
_PLACE = rf"[\u4e00-\u9fff]{{2,10}}?{_RANK}"
_SESSION = r"第?[一二三四五六七八九十\d]+\s*届\s*(?:人民代表大会|人大)"
_CONGRESS = re.compile(rf"(?:在|[日\s（(—-])\s*(?P<place>{_PLACE})\s*{_SESSION}")
_PLACE_TITLE = re.compile(
    rf"^(?:(?:19|20)\d\d年|[^\n]{{0,4}}?)(?P<place>{_PLACE})(?:人民)?(?:(?:19|20)\d\d年)?(?:人民)?"
    r"政府工作报告",
    re.M,
)
_FULL_TITLE = re.compile(
    rf"(?:(?:19|20)\d\d年)?{_PLACE}(?:人民)?(?:(?:19|20)\d\d年)?(?:人民)?政府工作报告"
    r"(?:[（(]?(?:(?:19|20)\d\d年?|摘要|节选|全文)[）)]?){0,2}"
)
_SELF = re.compile(rf"代表\s*(?P<place>{_PLACE})\s*(?:人民)?政府")
_NATIONAL = re.compile(
    r"(?:代表|受)[^。，]{0,20}国务院|国务院(?:总理|政府工作报告)|第[一二三四五六七八九十]+届全国人民代表大会"
    r"|State Council|National People['’]s Congress",
    re.I,
)
_MUNICIPALITIES = frozenset({"北京市", "上海市", "天津市", "重庆市"})

_SALUTATION = re.compile(r"^\s*(?:各位代表|(?:Fellow|Esteemed|Dear)\s+Deputies)", re.I)
_TITLE = re.compile(
    r"(?:政府|国务院)\s*工\s*作\s*报\s*告|report\s+on\s+the\s+work\s+of\s+the\s+government"
    r"|government\s+work\s+report",
    re.I,
)
_DELIVERED = re.compile(
    r"我(?:现在|谨)?(?:代表|受|根据)[^。]{0,30}(?:国务院|政府)[^。]{0,80}(?:报告|作)"
    r"|on\s+behalf\s+of\s+the\s+State\s+Council[^.]{0,80}report",
    re.I,
)
_OTHER_BODY = re.compile(r"我(?:谨)?代表[^。，]{0,20}(?:法院|检察院|常务委员会|常委会)")
_SUBJECT = re.compile(r"(?:作|提出)(?:以下)?(?P<subject>关于(?:(?!关于)[^，。；]){4,60}?的报告)")

_HAN_DIGITS = "〇一二三四五六七八九"
_HAN_NUMBER = r"[一二三四五六七八九十]{1,3}"
_DATE = re.compile(
    r"(?P<year>(?:19|20)\d\d)\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日"
    rf"|(?P<han_year>[一二][〇零○O0一二三四五六七八九]{{3}})\s*年\s*(?P<han_month>{_HAN_NUMBER})\s*月"
    rf"\s*(?P<han_day>{_HAN_NUMBER})\s*日"
)
_ENGLISH_DATE = re.compile(
    r"(?P<month>January|February|March|April|May|June|July|August|September|October|November"
    r"|December)\s+(?P<day>\d{1,2}),?\s+(?P<year>(?:19|20)\d\d)"
)
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_YEAR = re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)(?!\d)")
_REVIEWED = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)年?[^\n。]{0,24}(?:回顾|总结|成就|工作情况)"
    r"|Review\s+of\s+(?:Our\s+|the\s+)?Work\s+in\s+(?P<english>\d{4})|(?P<in_review>\d{4})\s+in\s+Review",
    re.I,
)
_PLANNED = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)年?[^\n。]{0,24}(?:安排|任务|目标|部署|重点工作|工作重点|要求|建议)"
    r"|Tasks\s+for\s+(?P<english>\d{4})|(?:Plan|Arrangements)\s+for\s+(?:Work\s+in\s+)?(?P<other>\d{4})",
    re.I,
)
_HEADING_LINE = 60
_NAMED = re.compile(r"(?:事项名称|标题|题目|Title)\s*[：:]\s*(?P<name>\S.{0,60})", re.I)
"""Forms and exported pages say what they are called."""

_OFFICE = r"(?:市长|省长|州长|县长|区长|盟长|主席|总理|主任)"
_HAN = r"[\u4e00-\u9fff]"
_NAME = rf"(?:{_HAN}{{2,6}}·{_HAN}{{2,6}}|{_HAN}{{2,4}}|{_HAN} +{_HAN})"
_SHORT_NAME = rf"(?:{_HAN}{{2,6}}·{_HAN}{{2,6}}|{_HAN}{{2,4}}?)"
_SPEAKERS = (
    re.compile(rf"^[—\-\s]*[^\n，。]{{0,24}}?{_OFFICE}\s*(?P<name>{_NAME})\s*$", re.M),
    re.compile(rf"{_OFFICE}\s*(?P<name>{_SHORT_NAME})(?:同志)?(?=在|作政府工作报告)"),
    re.compile(rf"日\s*(?P<name>[\u4e00-\u9fff]{{2,3}}){_OFFICE}(?=在)"),
    re.compile(
        r"^(?:by\s+)?(?P<name>[A-Z][a-z]+ [A-Z][a-z]+),?\s+Premier of the State Council", re.M
    ),
)
_HAN_RUN = re.compile(rf"{_HAN}+")
_WIDE = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+")
_BARE_NAME = re.compile(r"[\u4e00-\u9fff]{2,3}|[\u4e00-\u9fff] +[\u4e00-\u9fff]")
_NAMED_AFTER = re.compile(
    rf"(?P<place>全国|{_PLACE})[-_ ]*(?P<year>(?:19|20)\d\d)年?(?:政府工作报告)?"
)


def describe(parsed: ParsedDocument, *, source: str) -> dict[str, str | int]:
    """Metadata of a document: always ``title``, the rest where the text or the name says so.

    What a reader found (front matter) wins over what the text says, and that over the file name.
    """
    name = PurePosixPath(source.replace("\\", "/")).stem or source
    described: dict[str, str | int] = {"title": _title(parsed, name)}
    head = _Head.of(parsed)
    named = _NAMED_AFTER.fullmatch(name)
    if head.is_report() or (named and head.salutes):
        described.update(_report(head, parsed.text, name))
    elif named:
        described.update(_located(named["place"]), year=int(named["year"]))
    described.update(parsed.metadata)
    return described


@dataclass(frozen=True, slots=True)
class _Head:
    """The first lines of a document, half-width and simplified, without boilerplate."""

    lines: tuple[str, ...]
    """Short lines before the salutation, or before the first paragraph where there is none."""
    opening: str
    """What follows them."""
    salutes: bool

    @classmethod
    def of(cls, parsed: ParsedDocument) -> _Head:
        own = [block for block in parsed.blocks if block.kind != "boilerplate"][:_HEAD_BLOCKS]
        texts = [_plain(parsed.text[b.start : min(b.end, b.start + _OPENING)]) for b in own]
        at = next((i for i, line in enumerate(texts) if _SALUTATION.match(line)), None)
        if at is None:
            at = next((i for i, line in enumerate(texts) if len(line) > _HEAD_LINE), len(texts))
            salutes = False
        else:
            salutes = True
        # A whole report in one line, or a title that says all.
        before = tuple(line for line in texts[:at] if len(line) <= 2 * _HEAD_LINE)
        return cls(before, "\n".join(texts[at:])[:_OPENING], salutes)

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    def is_report(self) -> bool:
        """A title or an opening that says so; merely mentioning a work report is not enough."""
        if _OTHER_BODY.search(self.opening):
            return False
        for number, line in enumerate(self.lines[:20]):
            # 政府工作报 / 告: a title broken over two lines.
            joined = line + "".join(self.lines[number + 1 : number + 2])
            title = _TITLE.match(re.sub(r"\s", "", joined)) or _TITLE.search(line)
            if title and len(line) <= _HEAD_LINE // 2 and not re.search(r"[，。；？?]", line):
                return self.salutes or self._is_set_out() or self._is_titled()
            if _TITLE.match(line) and not contains_han(line):
                return True
        return _DELIVERED.search(self.opening) is not None and (
            self.salutes or not contains_han(self.opening)
        )

    def _is_set_out(self) -> bool:
        """Without a salutation: a congress, or a speech on behalf of a government."""
        return _DELIVERED.search(self.opening) is not None or any(
            re.search(_SESSION, line) for line in self.lines
        )

    def _is_titled(self) -> bool:
        """Without either: a first line that is the title of a report, with place and year."""
        first = re.sub(r"\s", "", self.lines[0])
        return bool(_FULL_TITLE.fullmatch(first) and _YEAR.search(first))


def _plain(text: str) -> str:
    """Digits and letters half-width, characters simplified, without Markdown's marks: to match."""
    plain = _WIDE.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
    plain = _HAN_RUN.sub(lambda match: fold(match.group()), plain)
    return re.sub(r"(?<=\d)\s+(?=\d|年)|[*_`#]+", "", plain).strip()


def _report(head: _Head, text: str, name: str) -> dict[str, str | int]:
    found: dict[str, str | int] = {"kind": "government_work_report"}
    place = _place(head, name)
    if place:
        found.update(_located(place))
    given = _date(head)
    if given:
        found["date"] = given
    year = _year(head, text, name, given)
    if year:
        found["year"] = year
        found["reporting_year"] = year - 1
        found["planning_year"] = year
    speaker = _speaker(head)
    if speaker:
        found["speaker"] = speaker
    if place or year:
        found["title"] = _report_title(head, place, year)
    return found


def _located(place: str) -> dict[str, str | int]:
    if place == "全国":
        level = "national"
    elif place in _MUNICIPALITIES or place.endswith(("省", "自治区", "特别行政区")):
        level = "province"
    elif place.endswith(("县", "区", "旗")) and not place.endswith("地区"):
        level = "county"
    else:
        level = "city"
    return {"place": place, "level": level}


def _report_title(head: _Head, place: str | None, year: int | None) -> str:
    if not contains_han(head.opening or head.text):
        body = "State Council of China" if place == "全国" else place
        about = ", ".join(str(part) for part in (body, year) if part)
        return f"Report on the Work of the Government ({about})"
    subject = None if _TITLE.search(head.text) else _SUBJECT.search(head.opening)
    what = "政府工作报告"
    if subject and "政府工作" not in subject["subject"]:
        what = re.sub(r"\s+", "", subject["subject"])
    issuer = "国务院" if place == "全国" else place or ""
    return f"{issuer}{f'{year}年' if year else ''}{what}"


def _place(head: _Head, name: str) -> str | None:
    flat = head.text.replace("\n", "")
    if congress := _CONGRESS.search(flat) or _CONGRESS.search(head.text):
        # 市长罗云峰在合肥市: what stands before the last 在 is not the place.
        return re.sub(r"^.*[在日]", "", congress["place"])
    if titled := _PLACE_TITLE.search(head.text):
        return titled["place"]
    if itself := _SELF.search(head.opening):
        return itself["place"]
    if _NATIONAL.search(head.text) or _NATIONAL.search(head.opening):
        return "全国"
    named = re.search(rf"全国|{_PLACE}", name)
    return named.group() if named else None


def _date(head: _Head) -> str | None:
    """The day it was delivered: in the line that names the congress, or else in the head."""
    lines = sorted(head.lines, key=lambda line: re.search(r"大会|人大|会议", line) is None)
    for line in lines:
        if match := _DATE.search(line):
            if match["year"]:
                parts = match["year"], match["month"], match["day"]
            else:
                parts = _han_date(match["han_year"], match["han_month"], match["han_day"])
            return _iso(*map(int, parts))
    if english := _ENGLISH_DATE.search(head.text):
        month = _MONTHS.index(english["month"]) + 1
        return _iso(int(english["year"]), month, int(english["day"]))
    return None


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return calendar_date(year, month, day).isoformat()
    except ValueError:
        return None


def _han_date(year: str, month: str, day: str) -> tuple[str, str, str]:
    digits = re.sub("[零○O0]", "〇", year)
    return "".join(str(_HAN_DIGITS.index(digit)) for digit in digits), _han(month), _han(day)


def _han(number: str) -> str:
    tens, ten, units = number.rpartition("十")
    if not ten:
        return str(_HAN_DIGITS.index(number[-1]))
    value = 10 * (_HAN_DIGITS.index(tens) if tens else 1)
    return str(value + (_HAN_DIGITS.index(units) if units else 0))


def _year(head: _Head, text: str, name: str, given: str | None) -> int | None:
    """The year it was delivered: by its date or title, its chapters, its name."""
    if given:
        return int(given[:4])
    titles = [line for line in head.lines if _TITLE.search(line)]
    for line in titles:
        if match := _YEAR.search(line):
            return int(match["year"])
    headings = _plain(
        "\n".join(line for line in text.splitlines() if 4 <= len(line.strip()) <= _HEADING_LINE)
    )
    reviewed, planned = _first_year(_REVIEWED, headings), _first_year(_PLANNED, headings)
    if reviewed and planned == reviewed + 1:
        return planned
    if named := _YEAR.search(name):
        return int(named["year"])
    return reviewed + 1 if reviewed else planned


def _first_year(pattern: re.Pattern[str], headings: str) -> int | None:
    match = pattern.search(headings)
    return int(next(filter(None, match.groups()))) if match else None


def _speaker(head: _Head) -> str | None:
    for pattern in _SPEAKERS:
        if match := pattern.search(head.text):
            name = match["name"]
            return re.sub(r"\s", "", name) if contains_han(name) else name
    # A name alone in its line, between the title and the salutation.
    for line in head.lines[1:] if head.salutes else ():
        if _BARE_NAME.fullmatch(line) and not re.search(r"[省市县区报告要闻告]", line):
            return re.sub(r"\s", "", line)
    return None


def _title(parsed: ParsedDocument, name: str) -> str:
    own = [block for block in parsed.blocks[:_HEAD_BLOCKS] if block.kind != "boilerplate"]
    for block in own[:8]:
        if block.kind == "heading":
            return _shown(parsed.text[block.start : block.end])
    own = [b for b in own if any(map(str.isalnum, parsed.text[b.start : b.end]))][:_TITLE_LINES]
    if not own:
        return name
    if len(own) == 1 and own[0].kind == "paragraph":
        return name  # what nothing follows is the text itself
    lines = [parsed.text[block.start : block.end].strip() for block in own]
    named = next((match["name"] for line in lines if (match := _NAMED.fullmatch(line))), "")
    if not _looks_like_title(lines[0]) or own[0].kind != "paragraph":
        return _shown(named) or name
    if named:
        return _shown(lines[0] if named in lines[0] else f"{lines[0]} {named}")
    # A line above the menu is the site's name, and the page's own title follows below.
    kinds = [block.kind for block in parsed.blocks[:2]]
    if kinds == ["paragraph", "boilerplate"] and len(lines) > 1 and _looks_like_title(lines[1]):
        return _shown(f"{lines[1]} - {lines[0]}")
    return _shown(lines[0])


def _looks_like_title(line: str) -> bool:
    return len(line) <= _TITLE_LIMIT and not re.search(r"。|[！？!?；;：:，,.]$", line)


def _shown(title: str) -> str:
    """A title without Markdown's marks."""
    return re.sub(r"\s+", " ", re.sub(r"[*`#]+", "", title)).strip()
