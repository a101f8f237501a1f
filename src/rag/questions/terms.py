"""The words of a question; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.plans import without_plans
from rag.questions.glossary import find_expressions
from rag.questions.vocabulary import (
    ENGLISH_STOPWORDS,
    GENERIC_WORDS,
    MISTAGGED,
    STOPWORDS,
    TELLING_CHARACTERS,
    TITLE_WORDS,
)
from rag.questions.years import WRITTEN_YEAR
from rag.text import contains_han, fold, is_guessed, tagged_words

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "capitalised",
    "content_terms",
    "is_bare",
    "latin_words",
    "names_nothing",
    "proper_nouns",
    "quoted",
]

_GENERIC_WEIGHT = 0.3
"""What a word that every report is full of counts, beside 1 for other content words."""

_VERB_WEIGHT = 0.5
"""Likewise a verb or an adjective."""

_SINGLE_WEIGHT = 0.15
"""What a single character counts, such as 打 and 换: everyday words for everything."""

_TELLING_TAGS = frozenset({"eng", "figure", "vn", "an", "j", "b", "i"})
"""Parts of speech, beside nouns, that a topic is made of."""

_NAME_TAGS = frozenset({"ns", "nt"})
"""Names of places and organisations; what is tagged as a person is often a common word."""

_FUNCTION_TAGS = frozenset("rmpucydqtok")
"""Those that say nothing of it: pronouns, numerals, particles, adverbs, measures, times."""

_GUESSED_AROUND = re.compile(r"^[要能会想没不还各那这哪]+|(?<=.)[了着过得的个要是有到]+$")
"""What begins or ends a word that the segmenter only guessed, and is a word of its own: 能活."""

# 多少人次 asks for a unit; that a sentence has the unit is judged by itself.
_ASKED_UNIT = re.compile(
    r"(?:多少|几)[十百千万亿]*(?:人次|户次|公里|平方公里|平方米|立方米|[美欧日]?元|公?斤|公?吨|亩|公顷|千瓦|小时|分钟)"
)
# Asks for whom or where, and names nothing of what it is about: 归哪个单位管, 去什么地方.
_ASKED_KIND = re.compile(
    r"(?:归|由|属|是|去|到|在)?(?:哪一?个|哪|什么|啥)(?:部门|单位|机构|机关|地方|位置)(?:来?管|负责|主管)?"
)
_ORDINAL = re.compile(r"(?P<number>[1-9]\d?)(?:st|nd|rd|th)")
_NAME = re.compile(r"(?<=[a-z0-9,'’] )(?P<name>[A-Z][a-z]{2,})(?![\w&-])")
_QUOTED = re.compile(r"[“「『《](?P<name>[^“”「」『』《》]{2,12})[”」』》]")
_REPORT = re.compile("(?:政府)?工作报告")
_REPORT_WORDS = frozenset({"政府", "工作", "报告", "政府工作", "工作报告", "政府工作报告"})


def content_terms(text: str) -> tuple[dict[str, float], dict[str, tuple[str, ...]]]:
    """What the question is about: folded terms in order with their weights, and alternatives.

    Question words, function words and years are left out: years are judged by themselves. What
    a question is about is mostly in its nouns; people use their own verbs (盖 for 建成).
    Expressions of the glossary are one term each, with the words that documents write for them.
    """
    folded = WRITTEN_YEAR.sub(" ", without_plans(fold(text)))
    folded = _ASKED_KIND.sub(" ", _ASKED_UNIT.sub(" ", folded))
    weights: dict[str, float] = {}
    alternatives: dict[str, tuple[str, ...]] = {}
    position = 0
    for start, end, written in find_expressions(folded):
        _add_words(folded[position:start], weights)
        expression = folded[start:end]
        weights.setdefault(expression, _GENERIC_WEIGHT if expression in GENERIC_WORDS else 1.0)
        alternatives[expression] = written
        position = end
    _add_words(folded[position:], weights)
    for name in quoted(without_plans(text)):
        # One thing, whatever its words mean apart: “巢湖明月” is neither the lake nor the moon.
        words_of_it = content_terms(name)[0] if name not in weights else {}
        weights.update((word, _GENERIC_WEIGHT) for word in words_of_it if word in weights)
        weights[name] = 1.0
    if _REPORT.search(folded) and len(weights) > len(_REPORT_WORDS & weights.keys()):
        # The name of the document is not what its sentences say.
        weights.update((word, 0.1) for word in _REPORT_WORDS & weights.keys())
    for term in weights:
        if (ordinal := _ORDINAL.fullmatch(term)) and term not in alternatives:
            number = int(ordinal["number"])
            alternatives[term] = (term, f"第{_in_han(number)}", f"第{number}")
    return weights, alternatives


def proper_nouns(text: str) -> frozenset[str]:
    """Folded Chinese words that the segmenter takes for names of places and organisations."""
    return frozenset(
        word
        for word, tag in tagged_words(fold(text))
        if tag[:2] in _NAME_TAGS and len(word) > 1 and contains_han(word)
    )


def quoted(text: str) -> frozenset[str]:
    """Folded names that a question puts in quotation marks, or in those of titles."""
    return frozenset(fold(match["name"]) for match in _QUOTED.finditer(text))


def capitalised(text: str) -> frozenset[str]:
    """Folded words that are written as names, with a capital inside a sentence."""
    return frozenset(match["name"].lower() for match in _NAME.finditer(text)) - TITLE_WORDS


def latin_words(text: str) -> frozenset[str]:
    """Folded words in Latin letters: in a Chinese question they are names (Docker), if long."""
    return frozenset(
        word.lower() for word in re.findall(r"(?<![\w&-])[A-Za-z]{4,}(?![\w&-])", text)
    )


def _add_words(folded: str, weights: dict[str, float]) -> None:
    # The segmenter would join a place to what follows it: 江西省政府 is not in any passage.
    for token, tag in _words(_REPORT.sub(r" \g<0> ", folded)):
        word = token.removesuffix("'s")
        if word in STOPWORDS or word in ENGLISH_STOPWORDS:
            continue
        if tag in _FUNCTION_TAGS or tag[:1] in "ur" or not any(map(str.isalnum, word)):
            continue
        if len(word) == 1 and not contains_han(word) and not word.isdigit():
            continue
        weight = 1.0 if tag[0] == "n" or tag in _TELLING_TAGS else _VERB_WEIGHT
        if len(word) == 1 and word not in TELLING_CHARACTERS:
            weight = _SINGLE_WEIGHT
        if word in GENERIC_WORDS:
            weight = min(weight, _GENERIC_WEIGHT)
        weights.setdefault(word, weight)


def _words(folded: str) -> Iterator[tuple[str, str]]:
    """Words with their tags, guessed ones without the words around them that they took in."""
    for word, tag in tagged_words(folded):
        if tag != "figure" and len(word) > 1 and is_guessed(word):
            told = _GUESSED_AROUND.sub("", word)
            if told != word:
                yield from tagged_words(told)
                continue
        yield word, MISTAGGED.get(word, tag)


def _in_han(number: int) -> str:
    """A number below 100 in Chinese numerals."""
    tens, ones = divmod(number, 10)
    digits = "〇一二三四五六七八九"
    ten = ("十" if tens == 1 else digits[tens] + "十") if tens else ""
    return ten + (digits[ones] if ones or not tens else "")


def is_bare(text: str) -> bool:
    """Whether a question names no topic of its own: only years, aims and question words."""
    return all(weight <= _GENERIC_WEIGHT for weight in content_terms(text)[0].values())


def names_nothing(text: str) -> bool:
    """Whether a question has no noun of its own: 要是丢了，补一张收钱吗."""
    weights, alternatives = content_terms(text)
    return all(
        weight <= _VERB_WEIGHT or (term in alternatives and _is_done(term))
        for term, weight in weights.items()
    )


def _is_done(expression: str) -> bool:
    """Whether an expression is made of verbs alone: 收钱."""
    return all(tag[0] == "v" and tag != "vn" for _, tag in tagged_words(expression))
