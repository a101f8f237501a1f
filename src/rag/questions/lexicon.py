"""What words of other languages mean: tables that were written for this; pure.

``lexicon/<language>.tsv`` has a line a meaning: an English headword, and its forms by |, the usual
one first, inflected ones after it. ``zh.tsv`` says what Chinese texts write for the same headwords.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from operator import itemgetter
from typing import TYPE_CHECKING

from rag.text import contains_han, fold, stem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["CHINESE", "LANGUAGES", "WORD", "forms_of", "in_chinese", "read_words", "whole_words"]

CHINESE = "zh"
LANGUAGES = (
    *("ar", "de", "el", "es", "fr", "hi", "it", "ja", "ko", "pt", "ro", "ru", "th", "tr", "vi"),
)
"""Those of the tables, but for Chinese."""

_INFLECTED = frozenset({"ar", "de", "el", "es", "fr", "hi", "it", "ko", "pt", "ro", "ru", "tr"})
"""Languages whose words change at their ends: what the forms of one have in common is the word."""
_UNSPACED = frozenset({"ja", "th"})
_LEAST = {"ar": 2, "ko": 2, "hi": 3}
_LEAST_ELSEWHERE = 4
_COMMON = 0.6
"""Characters that forms have in common at least, and as a share of the longer."""
_FORMS = 6
_CHINESE_FORMS = 4
_FREQUENT = 2700
"""Headwords at the beginning of the tables that are everyday words."""
_ENDINGS = (1, 2, 3)
"""Letters that an ending has which no form of the table shows."""
_EXPRESSION = 4
"""Words of an expression, at most."""
_ARABIC_OPENING = re.compile(r"(?:[وف]?(?:[بلك]?ال|لل)|[وفبلك])(?=\w{2})")
_MARKS = "\u0300-\u036f\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
WORD = re.compile(rf"(?:[^\W\d_]|[{_MARKS}])+")
"""Letters with the marks that stand for vowels and tones."""


@lru_cache(maxsize=len(LANGUAGES) + 1)
def forms_of(language: str) -> dict[str, list[str]]:
    """The forms of each headword, frequent headwords first."""
    table = resources.files("rag.questions").joinpath("lexicon", f"{language}.tsv")
    lines = table.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return {headword: forms.split("|") for headword, forms in pairs}


def in_chinese(word: str, *, rare: bool) -> tuple[str, ...]:
    """What Chinese texts write for an English word, in whatever form it stands; or nothing.

    ``rare``: only for words that are not among the most frequent, which mean many things.
    """
    number, forms = _by_stem().get(stem(word), (0, ()))
    return () if rare and number < _FREQUENT else forms


@lru_cache(maxsize=1)
def _by_stem() -> dict[str, tuple[int, tuple[str, ...]]]:
    """By stem the place of a headword in the table, and its Chinese."""
    found: dict[str, tuple[int, tuple[str, ...]]] = {}
    for number, (headword, forms) in enumerate(forms_of(CHINESE).items()):
        found.setdefault(stem(headword), (number, tuple(forms[:_CHINESE_FORMS])))
    return found


def read_words(
    text: str, language: str, *, first: Mapping[str, str] | None = None
) -> Iterator[tuple[str, str]]:
    """A text in pieces, each with its headword, or with "" where the table does not know it.

    ``first`` has the English of folded forms that count before those of the table, where words
    are not separated.
    """
    table, longest = _headwords(language)
    first = first or {}
    longest = max(longest, max(map(len, first), default=0))
    words = list(WORD.finditer(text))
    position = 0
    if language in _UNSPACED:
        for match in words:
            yield text[position : match.start()], ""
            yield from _unspaced(match.group(), table, longest, first)
            position = match.end()
    else:
        number = 0
        while number < len(words):
            start = words[number].start()
            yield text[position:start], ""
            taken, headword = 1, ""
            for count in range(min(_EXPRESSION, len(words) - number), 0, -1):
                expression = fold(text[start : words[number + count - 1].end()])
                if headword := table.get(expression, ""):
                    taken = count
                    break
            position = words[number + taken - 1].end()
            word = text[start:position]
            yield word, headword or _inflected(fold(word), language, table)
            number += taken
    yield text[position:], ""


def whole_words(language: str, forms: Sequence[str]) -> Iterator[str]:
    """The words of a headword's forms, folded; one stem for those that share it."""
    single = [word for form in forms[:_FORMS] for word in fold(form).split() if _is_word(word)]
    if language not in _INFLECTED:
        yield from single
        return
    least = _LEAST.get(language, _LEAST_ELSEWHERE)
    while single:
        first, *others = single
        shared, single = first, []
        for other in others:
            common = _common_beginning(shared, other)
            if len(common) >= max(least, _COMMON * max(len(first), len(other))):
                shared = common
            else:
                single.append(other)
        yield shared


def _common_beginning(one: str, other: str) -> str:
    pairs = enumerate(zip(one, other, strict=False))
    length = next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))
    return one[:length]


def _is_word(text: str) -> bool:
    return len(text) > 1 and WORD.fullmatch(text) is not None and not contains_han(text)


def _unspaced(
    run: str, table: Mapping[str, str], longest: int, first: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """The longest known words one after the other, and what is between them."""
    start = unknown = 0
    while start < len(run):
        for end in range(min(len(run), start + longest), start, -1):
            form = fold(run[start:end])
            if headword := first.get(form) or table.get(form, ""):
                yield run[unknown:start], ""
                yield run[start:end], headword
                start = unknown = end
                break
        else:
            start += 1
    yield run[unknown:], ""


def _inflected(word: str, language: str, table: dict[str, str]) -> str:
    """The headword of a word whose beginning or ending the table does not have."""
    if language == "ar" and (opening := _ARABIC_OPENING.match(word)):
        bare = word[opening.end() :]
        if found := table.get(bare, "") or table.get(f"ال{bare}", ""):
            return found
    stems = _stems(language)
    for cut in (0, *_ENDINGS):
        if found := stems.get(word[: len(word) - cut], ""):
            return found
    return ""


@lru_cache(maxsize=len(LANGUAGES))
def _headwords(language: str) -> tuple[dict[str, str], int]:
    """Headwords by folded form, and how long forms are at most.

    A form stands for the headword of which it is the usual one.
    """
    told = [
        (place, fold(form), headword)
        for headword, forms in forms_of(language).items()
        for place, form in enumerate(forms)
        if len(form) > 1 or language not in _UNSPACED
    ]
    found: dict[str, str] = {}
    for _, form, headword in sorted(told, key=itemgetter(0)):
        found.setdefault(form, headword)
    return found, max(map(len, found), default=0)


@lru_cache(maxsize=len(LANGUAGES))
def _stems(language: str) -> dict[str, str]:
    """Headwords by what their forms have in common, where that is long enough to tell."""
    found: dict[str, str] = {}
    least = _LEAST.get(language, _LEAST_ELSEWHERE)
    for headword, forms in forms_of(language).items() if language in _INFLECTED else ():
        for shared in whole_words(language, forms):
            if len(shared) >= least:
                found.setdefault(shared, headword)
    return found
