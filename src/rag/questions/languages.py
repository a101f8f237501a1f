"""Questions in languages other than Chinese and English, put into English word for word; pure.

The model of meaning, the glossary and all patterns know Chinese and English. A table of question
words, function words and the words of reports (``languages.tsv``) makes of "Combien de brevets ont
été délivrés ?" *how many patent*. What it does not know is looked up in the lexicon, and what that
does not know stays as it is, as names do.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from rag.questions.lexicon import LANGUAGES, WORD, read_words
from rag.questions.vocabulary import ENGLISH_STOPWORDS
from rag.text import contains_han, fold, language, simplified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Gloss", "gloss_of", "spoken_language"]

_NOTHING = "-"
"""Stands in the table for the English of words that say nothing."""

_ASKING = re.compile(r"(?:how|what|when|who|where|which|why|is)\b")
_GREETING = re.compile(r"(?:hello|thanks|bye)$")
_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
    # Letters and marks that of the languages known here only one writes.
    ("es", re.compile("[¿¡ñ]")),
    ("pt", re.compile("[ãõ]")),
    ("de", re.compile("[ßäöü]")),
    ("tr", re.compile("[ğışİ]")),
    ("ro", re.compile("[ăț]")),
    ("vi", re.compile("[\u01a0-\u01b0\u1ea0-\u1ef9]")),
)
_CERTAIN = 7
"""How many scripts of the table tell the language by themselves; a letter may be in a name."""
_LETTERED = 3
_QUESTION_WORD = 2
_FEWEST = 2
"""What a letter and a question word count beside other function words; and what it takes."""

_KOREAN = re.compile("[가-힣]+")
_PARTICLE = re.compile(
    "(?:에서는|에서|에게|으로|부터|까지|이라는|라는|입니까|인가요|은|는|이|가|을|를|의|에|로|와|과|도)$"
)
_VERB_FORM = re.compile("(?:나요|습니까|니까|까요|어요|아요|세요|다|했|였|었)$")
_HIRAGANA = re.compile("[\u3041-\u309f]+")
_ASKS = re.compile("(?:[?？؟]|か。?)\\s*$")
_TURKISH_ENDING = re.compile(r"(?<=[^\W_])'[^\W\d_]{1,5}\b")
_OPENING_MARK = re.compile("[¿¡]")


@dataclass(frozen=True, slots=True)
class Gloss:
    """A question in English words, and the words of the question that these stand for."""

    text: str
    spoken: str
    originals: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The words of the question, folded, by the folded English words that stand for them."""
    unknown: frozenset[str] = frozenset()
    """Folded words that are as they were, but for Chinese ones."""
    typed: str = ""
    read: str = ""
    """The question folded, and likewise with Japanese characters as Chinese writes them."""

    def forms(self, term: str) -> tuple[str, ...]:
        """What a term of this text is in the question, where it is something else."""
        own = self.originals.get(term, ())
        start = self.read.find(term)
        if not own and contains_han(term) and start >= 0 and len(self.read) == len(self.typed):
            written = self.typed[start : start + len(term)]
            return (written,) if written != term else ()
        return own


def spoken_language(text: str) -> str:
    """The code of the language of a question, among those of the table; empty for Chinese, English
    and what is not known.
    """
    told = language(text)
    if told == "zh":
        return ""
    for code, script in _SCRIPTS[:_CERTAIN]:
        if told == "other" and script.search(text):
            return code
    counts: Counter[str] = Counter()
    for code, letters in _SCRIPTS[_CERTAIN:]:
        counts[code] += _LETTERED * bool(letters.search(text.lower()))
    table = _function_words()
    english = 0
    for word in WORD.findall(text.lower()):
        if word in ENGLISH_STOPWORDS:
            english += 1
            continue
        for code, value in table.get(word, {}).items():
            counts[code] += value
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] >= _FEWEST and counts[best] > english else ""


def gloss_of(text: str, spoken: str) -> Gloss:
    """A question in a language of the table, in English: question words first, then the rest."""
    plain = _readable(text, spoken)
    asking: list[str] = []
    kept: list[str] = []
    left: list[str] = []
    originals: dict[str, tuple[str, ...]] = {}
    for piece, known in _in_english(plain, spoken):
        if not known:
            left.append(_remaining(piece, spoken))
            kept.append(left[-1])
        elif known == _NOTHING:
            kept.append(" ")
        elif _ASKING.match(known):
            asking.append(known)
        else:
            kept.append(f" {known} ")
            for word in {known, *known.split()}:
                originals[fold(word)] = (*originals.get(fold(word), ()), fold(piece))
    words = " ".join("".join(kept).split())
    if not asking and _ASKS.search(text) and not words.startswith("and "):
        asking.append("is")
    unknown = {fold(word) for word in WORD.findall(" ".join(left)) if not contains_han(word)}
    return Gloss(
        text=" ".join([*dict.fromkeys(asking), words]),
        spoken=spoken,
        originals=originals,
        unknown=frozenset(unknown),
        typed=fold(text),
        read=fold(plain),
    )


def _in_english(text: str, spoken: str) -> Iterator[tuple[str, str]]:
    """A question in pieces, each with its English where table or lexicon know it."""
    if spoken == "th":  # nothing is between its words: the longest one counts, whoever knows it
        yield from _looked_up(text, spoken, first=_table(spoken))
        return
    pattern, english = _expressions(spoken)
    position = 0
    for match in pattern.finditer(text):
        yield from _looked_up(text[position : match.start()], spoken)
        yield match.group(), english[(match.lastindex or 1) - 1]
        position = match.end()
    yield from _looked_up(text[position:], spoken)


def _looked_up(
    text: str, spoken: str, *, first: Mapping[str, str] | None = None
) -> Iterator[tuple[str, str]]:
    """A stretch in pieces, each with its English where the lexicon knows it.

    What Japanese writes as Chinese does is left to the words of the passages.
    """
    if spoken not in LANGUAGES:
        yield text, ""
        return
    for piece, headword in read_words(text, spoken, first=first):
        if spoken == "ja" and contains_han(piece):
            yield piece, ""
        elif first and fold(piece) in first:
            yield piece, first[fold(piece)]
        elif headword in ENGLISH_STOPWORDS and not _ASKING.match(headword):
            yield piece, _NOTHING
        else:
            yield piece, headword


def _readable(text: str, spoken: str) -> str:
    """Japanese characters as the simplified ones of Chinese; apostrophes of one form; Turkish names
    without their endings.
    """
    text = _OPENING_MARK.sub("", text.replace("’", "'"))
    if spoken == "tr":  # what stands after an apostrophe is an ending of the name or number
        text = _TURKISH_ENDING.sub("", text)
    return simplified(_to_traditional()(text)) if spoken == "ja" else text


@lru_cache(maxsize=1)
def _to_traditional() -> Callable[[str], str]:
    """Characters of Japan's reform (図, 駅) as the traditional ones, which are then simplified."""
    from opencc import OpenCC

    convert: Callable[[str], str] = OpenCC("jp2t").convert
    return convert


def _remaining(text: str, spoken: str) -> str:
    """Unknown words without what the grammar of Japanese and Korean adds to them."""
    if spoken == "ja":
        return _HIRAGANA.sub(" ", text)
    if spoken == "ko":
        return _KOREAN.sub(lambda word: _bare_korean(word.group()), text)
    return text


def _bare_korean(word: str) -> str:
    if _VERB_FORM.search(word):
        return " "
    bare = _PARTICLE.sub("", word)
    return bare if len(bare) > 1 else " "


@lru_cache(maxsize=1)
def _rows() -> list[tuple[str, dict[str, list[str]]]]:
    """English words, and the expressions for them by language."""
    table = resources.files("rag.questions").joinpath("languages.tsv").read_text(encoding="utf-8")
    rows = []
    for line in table.splitlines():
        if not line.startswith("#"):
            english, *cells = line.split("\t")
            pairs = (cell.split("=", 1) for cell in cells)
            rows.append((english, {code: words.split("|") for code, words in pairs}))
    return rows


@lru_cache(maxsize=1)
def _function_words() -> dict[str, dict[str, int]]:
    """What each question word, greeting and function word counts for each language with it."""
    counts: dict[str, dict[str, int]] = {}
    for english, cells in _rows():
        telling = _ASKING.match(english) or _GREETING.match(english)
        if not telling and english not in {_NOTHING, "and"}:
            continue
        for code, expressions in cells.items():
            for expression in expressions:
                word = expression.removesuffix("'")
                if WORD.fullmatch(word):
                    value = _QUESTION_WORD if telling else 1
                    own = counts.setdefault(word, {})
                    own[code] = max(own.get(code, 0), value)
    return counts


@lru_cache(maxsize=16)
def _table(spoken: str) -> dict[str, str]:
    """The English of each expression of a language; of equal ones the first row counts."""
    return {
        _readable(expression, spoken): english
        for english, cells in reversed(_rows())
        for expression in cells.get(spoken, ())
    }


@lru_cache(maxsize=16)
def _expressions(spoken: str) -> tuple[re.Pattern[str], list[str]]:
    """All expressions of a language as one pattern, a group each, and their English by group."""
    found = _table(spoken)
    ordered = sorted(found, key=lambda expression: (-len(expression), expression))
    pattern = "|".join(f"({_whole(expression, spoken)})" for expression in ordered) or "(?!)"
    return re.compile(pattern, re.I), [found[expression] for expression in ordered]


def _whole(expression: str, spoken: str) -> str:
    """A pattern of whole words; Japanese and Korean do not separate theirs, but for single
    characters, which are parts of others.
    """
    body = re.escape(expression).replace(r"\*", r"[^\W_]*").replace(r"\ ", r"\s+")
    if spoken == "ja":
        return rf"(?<![一-鿿]){body}(?![一-鿿])" if len(expression) == 1 else body
    if spoken == "ko":
        return rf"(?<![가-힣]){body}" if len(expression) == 1 else body
    if spoken == "hi":  # whose signs of vowels are no letters
        return rf"(?<![\u0900-\u097f]){body}(?![\u0900-\u097f])"
    before = "(?<![^\\W_])" + ("(?:[وف]?(?:[بلك]|ال|بال|لل))?" if spoken == "ar" else "")
    return before + body + ("" if expression.endswith("'") else r"(?![^\W_])")
