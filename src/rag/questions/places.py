"""Places that a question names, Chinese and English, from a small gazetteer and the library."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["bare_name", "english_name", "find_places", "names_place", "place_spans", "province_of"]

_SUFFIX = re.compile(
    r"(?<=..)(?:特别行政区|(?:维吾尔|壮族|回族)?自治区|(?:[^市省区县]{1,6}族)?自治[州县]|省|市|地区|州|[区县旗])$"
)
# A place inside one of these names is the name of something else: 南京路, 北京大学, 上海港.
_INSTITUTION = "大学|学院|医院|银行|证券|交易所|大道|话"
_PART_OF_NAME = re.compile(f"{_INSTITUTION}|路|街|道|港|机场|站|大桥|高铁")
# Of a place that documents are about it is what that place has: 河南高铁有多少公里.
_PART_OF_KNOWN = re.compile(f"{_INSTITUTION}|路(?![网况面])|街(?!道)")


def bare_name(place: str) -> str:
    """A place without the word for its rank: 合肥市 and 合肥 are the same place."""
    return _SUFFIX.sub("", place.strip())


def find_places(text: str, *, known: Iterable[str] = ()) -> tuple[str, ...]:
    """Bare Chinese names of the places that ``text`` names, in order, without repetition.

    ``known`` adds the places that documents of the library are about, by any of their names.
    """
    found: dict[str, int] = {}
    for start, _, name in place_spans(text, known=known):
        found.setdefault(name, start)
    return tuple(sorted(found, key=lambda name: (found[name], name)))


def place_spans(text: str, *, known: Iterable[str] = ()) -> list[tuple[int, int, str]]:
    """Where ``find_places`` finds them: start, end with the word for its rank, bare name.

    An English name that several places have gives one for each.
    """
    found: list[tuple[int, int, str]] = []
    chinese, english, ambiguous = _gazetteer()
    names = {bare_name(place) for place in known if place}
    pattern = _chinese_pattern(frozenset(chinese) | names)
    for match in pattern.finditer(text):
        name = match["name"]
        part = _PART_OF_KNOWN if name in names else _PART_OF_NAME
        if not match["rank"] and part.match(text, match.end()):
            continue
        if name in ambiguous and name not in names and not match["rank"]:
            continue
        found.append((*match.span(), name))
    for match in _english_pattern().finditer(text):
        meant = english[match.group().lower().replace("’", "'")]
        found += [(*match.span(), name) for name in meant]
    return sorted(found)


def english_name(place: str) -> str:
    """The English name of a place by its bare Chinese name, or that where none is known."""
    return _english_names().get(place, place)


def province_of(place: str) -> str | None:
    """The bare name of the Chinese province a place lies in; None for a province, or abroad."""
    province = _gazetteer()[0].get(place, "-")
    return None if province in {"-", "*"} else province


def names_place(term: str, places: Iterable[str]) -> bool:
    """Whether a folded term is one of the places (bare names) or a word of its English name."""
    known = frozenset(places)
    if bare_name(term) in known:
        return True
    return any(term in _english_words().get(place, ()) for place in known)


def _rows() -> list[list[str]]:
    table = resources.files("rag.questions").joinpath("places.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in table.splitlines() if not line.startswith("#")]


@lru_cache(maxsize=1)
def _gazetteer() -> tuple[dict[str, str], dict[str, tuple[str, ...]], frozenset[str]]:
    """Province by bare name, bare names by lower-case English name, ambiguous bare names."""
    provinces: dict[str, str] = {}
    english: dict[str, tuple[str, ...]] = {}
    ambiguous: set[str] = set()
    for name, suffix, province, translations in _rows():
        provinces[name] = province
        if suffix.endswith("!"):
            ambiguous.add(name)
        for translation in translations.split(";"):
            key = translation.lower()
            english[key] = (*english.get(key, ()), name)
    return provinces, english, frozenset(ambiguous)


@lru_cache(maxsize=1)
def _english_names() -> dict[str, str]:
    """The first English name of each place, by bare name."""
    return {name: translations.split(";")[0] for name, _, _, translations in _rows()}


@lru_cache(maxsize=1)
def _english_words() -> dict[str, frozenset[str]]:
    """Each place's English names in lower case, whole and word by word, by bare name."""
    found: dict[str, set[str]] = {}
    for translation, names in _gazetteer()[1].items():
        for name in names:
            found.setdefault(name, set()).update((translation, *re.split(r"[\s'’]+", translation)))
    return {name: frozenset(own) for name, own in found.items()}


@lru_cache(maxsize=8)
def _chinese_pattern(names: frozenset[str]) -> re.Pattern[str]:
    alternatives = "|".join(sorted(map(re.escape, names), key=lambda name: (-len(name), name)))
    return re.compile(f"(?P<name>{alternatives})(?P<rank>市|省|自治区|州|地区|县|区)?")


@lru_cache(maxsize=1)
def _english_pattern() -> re.Pattern[str]:
    # Capitalised, or all lower case only where no English word is meant: Dali, but not "dali".
    names = sorted(_gazetteer()[1], key=lambda name: (-len(name), name))
    alternatives = "|".join(re.escape(name).replace("'", "['’]") for name in names)
    return re.compile(
        rf"(?<![A-Za-z])(?=[A-Z])(?i:{alternatives})(?=['’]s\b|[^A-Za-z'’]|['’](?!\w)|$)"
    )
