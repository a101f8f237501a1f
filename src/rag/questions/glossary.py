"""Everyday and English expressions, and the words that reports use for the same thing."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

from rag.text import tagged_words

__all__ = ["find_expressions", "is_name", "is_settled"]

_NAMES = "names.tsv"
_TABLES = ("glossary.tsv", _NAMES, "glossary_colloquial.tsv", "glossary_english.tsv")
"""What reports write, then what other documents do; what stands in an earlier one counts."""

_PLURAL = 3
"""How much longer a plural can be than what the table has: cities for city."""


def find_expressions(folded: str) -> list[tuple[int, int, tuple[str, ...]]]:
    """Spans of known expressions in folded text, longest first where they overlap, in order.

    Each comes with the written forms, which include the expression itself when it is Chinese. An
    expression counts where it begins and ends with a word: 湖水 is not in 巢湖水质.
    """
    written, lengths = _glossary()
    edges = _word_edges(folded)
    found: list[tuple[int, int, tuple[str, ...]]] = []
    position = 0
    while position < len(folded):
        match = _longest(folded, position, written, lengths)
        if match is None:
            position += 1
            continue
        end, key = match
        if folded[position:end].isascii() or _stands(position, end, edges):
            found.append((position, end, written[key]))
        position = end
    return found


def is_settled(expression: str) -> bool:
    """Whether reports write the same words for it everywhere: indicators and fixed terms."""
    return any(key in _settled() for key in _singulars(expression))


def is_name(expression: str) -> bool:
    """Whether it is the name of a company, a brand, a sight or a contest."""
    return expression in _names()


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(_rows(_NAMES))


@lru_cache(maxsize=1)
def _settled() -> frozenset[str]:
    return frozenset(_rows(_TABLES[0]))


def _longest(
    folded: str, start: int, written: dict[str, tuple[str, ...]], lengths: dict[str, list[int]]
) -> tuple[int, str] | None:
    """The end of the longest expression that begins here, and the form that the table has."""
    if not _bounded(folded, start):
        return None
    for length in lengths.get(folded[start], ()):
        end = start + length
        if end <= len(folded) and _bounded(folded, end):
            expression = folded[start:end]
            for key in _singulars(expression) if expression[-1:] == "s" else (expression,):
                if key in written:
                    return end, key
    return None


def _bounded(folded: str, place: int) -> bool:
    """Whether no English word or number goes on here."""
    around = folded[max(0, place - 1) : place + 1]
    return len(around) < 2 or not (around.isascii() and around.isalnum())


def _singulars(expression: str) -> tuple[str, ...]:
    bare = expression.removesuffix("s")
    return (expression, bare, bare.removesuffix("e"), expression.removesuffix("ies") + "y")


def _stands(start: int, end: int, edges: set[int]) -> bool:
    """Whether a span is of whole words, or of parts of several that end where it ends: 通高 铁."""
    if end not in edges:
        return False
    return start in edges or any(start < edge < end for edge in edges)


def _word_edges(folded: str) -> set[int]:
    """Positions at which a word begins or ends; words come in order, each once."""
    edges = {0, len(folded)}
    position = 0
    for word, _ in tagged_words(folded):
        start = folded.find(word, position)
        if start >= 0:
            position = start + len(word)
            edges |= {start, position}
    return edges


@lru_cache(maxsize=1)
def _glossary() -> tuple[dict[str, tuple[str, ...]], dict[str, list[int]]]:
    """The forms in which expressions are written, and by first character how long they can be.

    The tables are folded already.
    """
    written: dict[str, tuple[str, ...]] = {}
    for name in _TABLES:
        written = _rows(name) | written
    lengths: dict[str, set[int]] = {}
    for key in written:
        longer = range(_PLURAL + 1) if key.isascii() else (0,)
        lengths.setdefault(key[0], set()).update(len(key) + more for more in longer)
    return written, {first: sorted(each, reverse=True) for first, each in lengths.items()}


def _rows(name: str) -> dict[str, tuple[str, ...]]:
    """The expressions of a table, each with its written forms."""
    table = resources.files("rag.questions").joinpath(name).read_text(encoding="utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines():
        if line.startswith("#"):
            continue
        asked, forms = (column.split("|") for column in line.split("\t"))
        for key in asked:
            own = () if key.isascii() else (key,)
            found[key] = tuple(dict.fromkeys((*own, *forms, *found.get(key, ()))))
    return found
