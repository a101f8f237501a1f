"""Chinese names as English questions write them: Luogang for 骆岗; pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.questions.vocabulary import ENGLISH_STOPWORDS
from rag.text import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rag.schema import Question

__all__ = ["with_written_names"]

_RUN = re.compile(r"\b[A-Z][a-zü]+(?:['’-]?[A-Za-zü]+)*(?:\s+[A-Z][a-zü]+(?:['’-]?[A-Za-zü]+)*)*")
_LATIN = re.compile(r"[a-zü'’-]+")
_MOST_FORMS = 3
_MOST_SYLLABLES = 6
_LONGEST_SYLLABLE = 6


def with_written_names(question: Question, texts: Sequence[str]) -> Question:
    """The question with the Chinese words of ``texts`` that its Latin names spell out.

    They stand among its alternatives, as the written words of the glossary do. One syllable alone
    spells too many words, unless others of the name are beside it.
    """
    unknown = {
        term
        for term in question.terms
        if _LATIN.fullmatch(term) and term not in question.alternatives
    }
    if not unknown:
        return question
    whole = "\n".join(texts)
    readings = _spelt_by(filter(_is_han, set(whole)))
    found: dict[str, tuple[str, ...]] = {}
    for run in _RUN.finditer(question.wording):
        names = [name for name in run.group().split() if fold(name) not in ENGLISH_STOPWORDS]
        for first, last in _stretches(len(names)):
            stretch = names[first:last]
            terms = [fold(name) for name in stretch]
            if not unknown.intersection(terms) or any(term in found for term in terms):
                continue
            if forms := _written("".join(stretch), whole, readings):
                found |= {term: (term, *forms) for term in terms if term in unknown}
    return replace(question, alternatives={**question.alternatives, **found}) if found else question


def _stretches(length: int) -> Iterator[tuple[int, int]]:
    """All stretches of a run that may be one name, the longest first."""
    for size in range(min(length, _MOST_SYLLABLES), 0, -1):
        for first in range(length - size + 1):
            yield first, first + size


def _written(name: str, text: str, readings: Mapping[str, str]) -> tuple[str, ...]:
    """The words of a text that read like a name, the commonest first."""
    spelling = re.sub(r"['’-]", "", name).lower()
    counts: Counter[str] = Counter()
    for syllables in _cut(spelling, frozenset(readings), most=_MOST_SYLLABLES):
        if len(syllables) > 1:
            pattern = "".join(f"[{readings[syllable]}]" for syllable in syllables)
            counts.update(re.findall(pattern, text))
    return tuple(form for form, _ in counts.most_common(_MOST_FORMS))


def _cut(spelling: str, syllables: frozenset[str], *, most: int) -> Iterator[tuple[str, ...]]:
    """All ways to read a spelling as so many syllables: xian is one, and two.

    Without the bound there are as many ways as two to the length of Anananan.
    """
    if not spelling:
        yield ()
    if len(spelling) > most * _LONGEST_SYLLABLE:
        return
    for end in range(1, min(_LONGEST_SYLLABLE, len(spelling)) + 1):
        if spelling[:end] in syllables:
            for rest in _cut(spelling[end:], syllables, most=most - 1):
                yield spelling[:end], *rest


def _spelt_by(characters: Iterable[str]) -> dict[str, str]:
    """Which of the characters each syllable can be the reading of."""
    readings: dict[str, str] = {}
    table = _readings()
    for character in sorted(characters):
        for syllable in table.get(ord(character), ()):
            readings[syllable] = readings.get(syllable, "") + character
    return readings


@lru_cache(maxsize=1)
def _readings() -> dict[int, frozenset[str]]:
    """The readings of each character, without tones."""
    from pypinyin.pinyin_dict import pinyin_dict

    return {
        code: frozenset(_toneless(reading) for reading in readings.split(","))
        for code, readings in pinyin_dict.items()
        if code < 0xA000
    }


def _toneless(reading: str) -> str:
    marked = unicodedata.normalize("NFD", reading)
    # ü is written u or v in names, seldom itself.
    return "".join(letter for letter in marked if letter.isascii() and letter.isalpha())


def _is_han(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff"
