"""What a sentence claims that can be checked word for word: figures, years, names; pure.

A figure is a value and what it counts. 74万辆, 740,000 vehicles and 0.74 million are one value;
6% and 6个 are two figures. Nothing is rounded: what is not written is not supported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from rag.numerals import HAN_SCALES, han_value
from rag.questions.places import bare_name, find_places
from rag.text import contains_han, fold, tagged_words

__all__ = ["Figure", "counts", "figures", "names", "places", "years"]

_ENGLISH_SCALE = {
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}


def _counted_from(first: int, words: str, *, step: int = 1) -> dict[str, int]:
    return {word: first + step * place for place, word in enumerate(words.split())}


_ENGLISH_NUMBER = {
    **_counted_from(2, "two three four five six seven eight nine ten eleven twelve thirteen"),
    **_counted_from(14, "fourteen fifteen sixteen seventeen eighteen nineteen"),
    **_counted_from(20, "twenty thirty forty fifty sixty seventy eighty ninety", step=10),
}
_ENGLISH_ORDINAL = _counted_from(
    1, "first second third fourth fifth sixth seventh eighth ninth tenth"
)
_MONTHS = _counted_from(
    1,
    "january february march april may june july august september october november december",
)

_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_HAN_NUMBER = "[〇零一二两三四五六七八九十百千万亿]+"
_COUNTED = frozenset(
    "个家项条座次位名户人年月日号辆所套成倍亩件类批期艘台场种点届区县口吨元度公平方"
)
_SAME_UNIT = dict.fromkeys("家户所座处项条件种类", "个") | dict.fromkeys("名位口", "人")
"""Measure words that one writes for another: 6户企业, 6家企业."""
_FIGURE = re.compile(
    rf"(?P<part>百分之|(?P<below>{_HAN_NUMBER}|\d+)分之)?(?P<ordinal>第)?"
    rf"(?:(?P<digits>{_DIGITS})\s*"
    r"(?P<scale>[十百千万亿]+|(?:hundred|thousand|million|billion|trillion)\b)?"
    rf"|(?P<han>{_HAN_NUMBER}))"
    r"[余多]?\s*(?P<unit>%|‰|个?百分点|percentage points?|per ?cent|[\u4e00-\u9fff])?"
)
_ENGLISH_FIGURE = re.compile(
    rf"\b(?:(?P<number>{'|'.join(_ENGLISH_NUMBER)})|(?P<ordinal>{'|'.join(_ENGLISH_ORDINAL)})"
    rf"|(?P<month>{'|'.join(_MONTHS)})(?=\s+\d)|(?P<double>doubl\w+|twice|twofold)"
    r"|(?P<half>half)|(?P<triple>tripl\w+|threefold))\b"
    r"(?:[\s-](?P<scale>hundred|thousand|million|billion|trillion)\b)?"
)
_LEADING = re.compile(r"首位(?![”\"产度])|榜首|居首|冠军")
_FIRST = re.compile(r"首[个家次届批台套]")
_DOUBLED = re.compile(r"翻番|翻一番|翻了一番|一倍|1倍|两倍|2倍|倍增")
_HALF = re.compile(r"一半|半数|半")
_SERIAL = re.compile(r"(?<![a-z])[a-z]{1,4}-?\d+[a-z]*")
"""Letters with a number are a name: G60, A380, 5G reads as a figure."""
_YEAR = re.compile(r"(?<![\d.,])(?P<year>(?:19|20)\d\d)(?![.,]?\d)(?:\s*年)?")
_COUNTED_YEAR = re.compile(
    r"\s*(?:[十百千万亿]|[个家项户人套辆名公里元%]|percent|projects|vehicles)"
)

_COUNTING = re.compile(
    r"about|among|approximately|around|average|cit(?:y|ies)|enterprises?|firms?|households?|km"
    r"|kilomet(?:er|re)s?|lines?|nearly|number|people|percent(?:age)?|phase|points?|projects?"
    r"|rank(?:s|ed|ing)?|sets?|times|tonn?e?s?|top|total|units?|vehicles?|years?|yuan"
    r"|" + "|".join(_ENGLISH_SCALE)
)
_LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9&'’.-]*[A-Za-z0-9]|[A-Za-z]")
_POSSESSIVE = re.compile(r"['’]s$")

_PERCENT = {"%": "%", "percent": "%", "per cent": "%", "‰": "‰", "成": "成"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value, and the character or sign that says what it counts; "" where none follows."""

    value: Decimal
    unit: str

    def is_in(self, written: frozenset[Figure]) -> bool:
        """Whether it is among the figures ``written``, as far as both name what they count."""
        return any(self._is(other) for other in written)

    def _is(self, other: Figure) -> bool:
        if self.value != other.value:
            return False
        shares = {"%", "‰", "成", "点", "倍"}
        if self.unit in shares or other.unit in shares:
            return self.unit == other.unit
        return not self.unit or not other.unit or self.unit == other.unit


def figures(text: str) -> frozenset[Figure]:
    """The figures of a text, years left out."""
    folded = _SERIAL.sub(" ", _YEAR.sub(_blank_year, fold(text)))
    found = [figure for match in _FIGURE.finditer(folded) if (figure := _figure(match))]
    for match in _ENGLISH_FIGURE.finditer(folded):
        scale = _ENGLISH_SCALE.get(match["scale"] or "", 1)
        if match["number"]:
            value, unit = _ENGLISH_NUMBER[match["number"]] * scale, ""
        elif match["ordinal"]:
            value, unit = _ENGLISH_ORDINAL[match["ordinal"]], ""
        elif match["month"]:
            value, unit = _MONTHS[match["month"]], "月"
        else:
            value, unit = (2 if match["double"] else 3, "倍") if not match["half"] else (50, "%")
        found.append(Figure(value=Decimal(value), unit=unit))
    if _LEADING.search(folded):
        found.append(Figure(value=Decimal(1), unit="第"))
    if _FIRST.search(folded):
        found.append(Figure(value=Decimal(1), unit="首"))
    if _DOUBLED.search(folded):
        found.append(Figure(value=Decimal(2), unit="倍"))
    if _HALF.search(folded):
        found.append(Figure(value=Decimal(50), unit="%"))
    return frozenset(found)


def years(text: str) -> frozenset[int]:
    """The years that a text names."""
    folded = fold(text)
    return frozenset(
        int(match["year"])
        for match in _YEAR.finditer(folded)
        if not _COUNTED_YEAR.match(folded, match.end())
    )


def counts(word: str) -> bool:
    """Whether a folded English word only counts or measures: million, vehicles, km, top (five)."""
    return bool(_COUNTING.fullmatch(word) or _ENGLISH_FIGURE.fullmatch(word))


def _blank_year(match: re.Match[str]) -> str:
    return match.group() if _COUNTED_YEAR.match(match.string, match.end()) else " "


def _figure(match: re.Match[str]) -> Figure | None:
    unit = match["unit"] or ""
    if match["han"]:
        value = Decimal(han_value(match["han"]))
        told = match["part"] or match["ordinal"] or unit in {"成", "倍"}
        # 一个 is an article, and numerals are parts of words: 统一, 十四五.
        article = value == 1 and _SAME_UNIT.get(unit, unit) in {"个", "人", "次"}
        if not told and (article or unit not in _COUNTED):
            return None
    else:
        value = Decimal(match["digits"].replace(",", ""))
        for scale in _scales(match["scale"] or ""):
            value *= scale
    if match["part"] == "百分之":
        unit = "%"
    elif match["part"]:
        below = match["below"] or ""
        unit = f"/{below if below.isdigit() else han_value(below)}"
    elif "百分点" in unit or unit.startswith("percentage"):
        unit = "点"
    elif match["ordinal"]:
        unit = "第"
    elif unit in _PERCENT:
        unit = _PERCENT[unit]
    else:
        unit = _SAME_UNIT.get(unit, unit) if unit in _COUNTED else ""
    return Figure(value=value, unit=unit)


def _scales(scale: str) -> list[int]:
    return [_ENGLISH_SCALE[scale]] if scale in _ENGLISH_SCALE else [HAN_SCALES[c] for c in scale]


def places(text: str) -> tuple[str, ...]:
    """Bare Chinese names of the places that a text names in either language."""
    return find_places(text)


def names(text: str) -> tuple[str, ...]:
    """Names of people, bodies and places in Chinese, folded; names in Latin letters as written.

    In Chinese by the segmenter's own judgement; in Latin letters what has capitals inside a
    sentence or digits, but not what a number follows (Line 3): that is a figure's affair. Words of
    one name stay together (Luo Yunfeng).
    """
    known = frozenset(places(text))
    found = [
        bare_name(word)
        for word, tag in (tagged_words(text) if contains_han(text) else ())
        if (tag.startswith("nr") or tag in {"ns", "nt"}) and len(word) > 1 and contains_han(word)
    ]
    end = -1
    for match in _LATIN_WORD.finditer(text):
        word = _POSSESSIVE.sub("", match.group())
        before = text[: match.start()].rstrip(" \"'“‘(（「《")
        opens = not before or before[-1] in ".!?。！？:："
        capital = word[0].isupper() and (not opens or contains_han(text) or word.isupper())
        numbered = re.match(r"\s*(?:No\.?\s*)?\d", text[match.end() :])
        if (
            (capital and not numbered and word not in {"I", "A"})
            or any(map(str.isdigit, word))
            or word[1:] != word[1:].lower()
        ) and not known & frozenset(find_places(word)):
            if found and text[end : match.start()] == " ":
                word = f"{found.pop()} {word}"
            found.append(word)
            end = match.end()
    return tuple(dict.fromkeys(found))
