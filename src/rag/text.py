"""Text as every room sees it: normalisation, folding, sentences, clauses, index terms.

Two kinds of text must not be confused. *Normalised* text is what a document stores and what all
offsets count in; only line ends and characters that nobody can see are touched. *Folded* text is
made for comparing (compatibility forms, case, traditional characters) and is never quoted.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.irregular import base_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rag.schema import Language

__all__ = [
    "TERMS_VERSION",
    "clauses",
    "contains_han",
    "fold",
    "folded_words",
    "is_guessed",
    "language",
    "normalise",
    "sentences",
    "simplified",
    "stem",
    "tagged_words",
    "terms",
    "words",
]

TERMS_VERSION = "3"
"""Changes whenever ``terms`` may give other terms for the same text: lexical indexes follow it."""

_LINE_END = re.compile("\r\n|[\r\u0085\u2028\u2029\f\v]")
# C0 and C1 controls but tab and line feed, the byte order mark, zero-width and directional marks.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\u200b\u200e\u200f\u202a-\u202e\u2060]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f〇"
_KANA_HANGUL = "\u3040-\u30ff\uac00-\ud7af"
_HAN_RUN = re.compile(f"[{_HAN}]+")
_NOT_COMMON_HAN = re.compile("[^\u4e00-\u9fff]+")
_HIRAGANA = re.compile("[\u3041-\u309f]")
_CHINESE_WORD = re.compile("[吗呢吧么们哪谁这那还没嗎麼們誰這還沒]|什|怎|的|了|是|有|多少")
"""What tells a Chinese question with Japanese characters in it (の) from a Japanese one."""
_OTHER_SCRIPT = re.compile(f"[{_KANA_HANGUL}\u0400-\u04ff\u0590-\u06ff\u0900-\u0e7f]")
_WIDE_MARK = re.compile("[\u3000-\u303f\uff01-\uff0f\uff1a-\uff20]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]+")

# A number with what makes it a figure: 5.8%, 74万辆, 3300p, 2024年, 1,994户. A Chinese unit may
# begin a longer word (14.5万人次): its last character is looked at and left for the next token.
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*)"
_TOKEN = re.compile(
    rf"(?P<number>{_NUMBER})"
    rf"(?P<unit>%|‰|[十百千万亿]*[a-z]+|[十百千万亿]*(?=(?P<left>[{_HAN}]))|)"
    rf"|(?P<han>[{_HAN}]+)"
    rf"|(?P<word>(?:(?![{_HAN}])[^\W\d_])+(?:['’](?:(?![{_HAN}])[^\W\d_])+)*)"
)

_SENTENCE_END = re.compile(
    r"[。！？!?…]+[”’」』）)\]\"']*"  # Chinese ends, with closing quotes and brackets
    r"|\.+[”’)\]\"']*(?=\s|$)"  # a full stop only before a space: 3.91 and e.g. 5.8% stay whole
    r"|[；;](?=\s*\n)"
    r"|\n+"
)
# Abbreviations after which an English full stop does not end the sentence.
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|No|St|vs|etc|e\.g|i\.e|U\.S|Fig|Inc|Ltd|Co)|\b[A-Z])$"
)
_CLAUSE_END = re.compile(r"[，；：;]+|,(?!\d)|:(?=\s)|——|—(?=\s)")


def normalise(text: str) -> str:
    """The text that is stored and that offsets count in.

    Line ends become line feeds, invisible control and direction marks go, lone surrogates become
    U+FFFD. Nothing that a reader can see changes. Idempotent.
    """
    text = _LINE_END.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    return _SURROGATE.sub("\ufffd", text)


@lru_cache(maxsize=1)
def _to_simplified() -> Callable[[str], str]:
    # Character by character (t2s, not tw2sp): vocabulary is left alone.
    from opencc import OpenCC

    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert


def fold(text: str) -> str:
    """Text for comparing: compatibility forms, lower case, traditional characters simplified.

    Its length may differ from the original's; offsets into it mean nothing.
    """
    folded = _compatible(text).lower()
    return _to_simplified()(folded) if contains_han(folded) else folded


def _compatible(text: str) -> str:
    """Unicode's NFKC, in half the time: common Chinese characters neither change nor combine."""
    return _NOT_COMMON_HAN.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)


@lru_cache(maxsize=1024)
def simplified(text: str) -> str:
    """Text with traditional characters simplified and compatibility forms resolved, case kept.

    For patterns that are looked for in questions, however those are written: 甚麼 is 什么.
    """
    return _to_simplified()(_compatible(text)).replace("甚么", "什么")


def contains_han(text: str) -> bool:
    """Whether any Chinese character occurs."""
    return _HAN_RUN.search(text) is not None


def language(text: str) -> Language:
    """The language of a question or a document, as far as the script tells.

    Chinese as soon as Han characters carry a fair part of it (合肥GDP is Chinese), ``other`` for
    kana, Hangul, Cyrillic and the like, English for the remaining Latin text. What else is written
    in Latin letters alone, ``questions.understand`` finds out.
    """
    han = sum(len(run) for run in _HAN_RUN.findall(text))
    latin_words = len(_LATIN.findall(text))
    if _HIRAGANA.search(text) and not _CHINESE_WORD.search(text):
        return "other"
    if len(_OTHER_SCRIPT.findall(text)) > 0.2 * max(1, han + latin_words):
        return "other"
    if han and han >= latin_words:
        return "zh"
    if latin_words:
        return "en" if text.isascii() or _mostly_ascii(text) else "other"
    return "zh" if han or _WIDE_MARK.search(text) else "other"


def _mostly_ascii(text: str) -> bool:
    letters = "".join(_LATIN.findall(text))  # a Chinese name in an English question is not French
    return sum(character.isascii() for character in letters) >= 0.97 * len(letters)


def sentences(text: str, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Spans of the sentences of ``text[start:end]``, without surrounding white space.

    A sentence ends at 。！？ (with closing quotes), at an English full stop before a space, or at a
    line end. Together the spans hold every visible character.
    """
    end = len(text) if end is None else end
    spans: list[tuple[int, int]] = []
    begin = start
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.group().startswith(".") and _ABBREVIATION.search(text[begin : match.start()]):
            continue
        _append_trimmed(spans, text, begin, match.end())
        begin = match.end()
    _append_trimmed(spans, text, begin, end)
    return spans


def clauses(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of the clauses of one sentence: cut after ，；： but not inside brackets or quotes.

    The punctuation that ends a clause belongs to it.
    """
    spans: list[tuple[int, int]] = []
    begin = start
    for match in _CLAUSE_END.finditer(text, start, end):
        if _is_open(text, begin, match.start()):
            continue
        _append_trimmed(spans, text, begin, match.end())
        begin = match.end()
    _append_trimmed(spans, text, begin, end)
    return spans


_PAIRS = (("“", "”"), ("（", "）"), ("《", "》"), ("「", "」"), ("(", ")"))


def _is_open(text: str, start: int, end: int) -> bool:
    return any(
        text.count(opening, start, end) > text.count(closing, start, end)
        for opening, closing in _PAIRS
    )


def _append_trimmed(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        spans.append((start, end))


def words(text: str) -> list[str]:
    """Folded words in order: segmented Chinese, numbers with their unit, English as written."""
    return folded_words(fold(text))


def folded_words(folded: str) -> list[str]:
    """The words of a text that is folded already."""
    return _tokens(folded)[0]


def tagged_words(text: str) -> list[tuple[str, str]]:
    """Folded words with their part of speech: jieba's tags (n, v, a, m, r …) for Chinese,
    ``figure`` for numbers, ``eng`` for other words.
    """
    found, kinds = _tokens(fold(text), segment=_tagged)
    return [
        (word, "eng" if kind == "word" else kind) for word, kind in zip(found, kinds, strict=True)
    ]


def is_guessed(word: str) -> bool:
    """Whether a Chinese word is in no dictionary: the segmenter took it for one by its characters.

    That is how it finds names (骆岗), and how it joins what is no word (能活).
    """
    import rjieba

    return contains_han(word) and not rjieba.has_word(word)


def terms(text: str) -> list[str]:
    """Folded index terms, repeated as often as they occur.

    Chinese runs give their words and their overlapping pairs of characters (words alone miss
    what the segmenter cuts otherwise, pairs alone miss what one word means); numbers give
    themselves alone and with their unit; other words give their stem.
    """
    result: list[str] = []
    folded = fold(text)
    for word, kind in zip(*_tokens(folded), strict=True):
        if kind == "han":
            if len(word) != 2:
                result.append(word)
        elif kind == "word":
            result.append(stem(word))
        else:
            result.append(word)
            if kind == "figure":
                number = re.match(_NUMBER, word)
                if number and number.group() != word:
                    result.append(number.group())
    for run in _HAN_RUN.findall(folded):
        result.extend(run[index : index + 2] for index in range(len(run) - 1))
    return result


def stem(word: str) -> str:
    """The stem of a folded English word (Porter's second algorithm, Snowball), of its base form.

    Words of other scripts and figures are their own stems.
    """
    return _stemmer()(base_of(word))


@lru_cache(maxsize=1)
def _stemmer() -> Callable[[str], str]:
    from Stemmer import Stemmer

    stem_word: Callable[[str], str] = Stemmer("english").stemWord
    return stem_word


def _tokens(
    folded: str, *, segment: Callable[[str], tuple[list[str], list[str]]] | None = None
) -> tuple[list[str], list[str]]:
    """Words in order, and their kinds: han, or what ``segment`` says; figure; word.

    Two lists instead of pairs: thousands of pairs a question would keep the garbage collector busy.
    """
    pieces: list[str] = []
    kinds: list[str] = []
    for match in _TOKEN.finditer(folded):
        kind = match.lastgroup or ""
        if kind == "unit":
            number, unit, left = match["number"].replace(",", ""), match["unit"], match["left"]
            pieces.append(number + unit + (left or ""))
            kinds.append("figure")
        else:
            pieces.append(match.group())
            kinds.append(kind)
    runs = [piece for piece, kind in zip(pieces, kinds, strict=True) if kind == "han"]
    if not runs:
        return pieces, kinds
    # All at once: calling the segmenter costs as much as what it does for a few words.
    segmented, tags = (segment or _segmented)("\n".join([*runs, ""]))
    found: list[str] = []
    found_kinds: list[str] = []
    start = 0
    for piece, kind in zip(pieces, kinds, strict=True):
        if kind == "han":
            end = segmented.index("\n", start)
            found += segmented[start:end]
            found_kinds += tags[start:end]
            start = end + 1
        else:
            found.append(piece)
            found_kinds.append(kind)
    return found, found_kinds


def _segmented(runs: str) -> tuple[list[str], list[str]]:
    import rjieba

    found = rjieba.cut(runs)
    return found, ["han"] * len(found)


def _tagged(runs: str) -> tuple[list[str], list[str]]:
    import rjieba

    pairs = rjieba.tag(runs)
    return [word for word, _ in pairs], [tag for _, tag in pairs]
