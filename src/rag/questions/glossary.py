"""Everyday and English expressions, and the words that reports use for the same thing."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

from rag.text import fold, tagged_words

__all__ = ["find_expressions"]


def find_expressions(folded: str) -> list[tuple[int, int, tuple[str, ...]]]:
    """Spans of known expressions in folded text, longest first where they overlap, in order.

    Each comes with the written forms, which include the expression itself when it is Chinese. An
    expression counts where it begins and ends with a word: 湖水 is not in 巢湖水质.
    """
    patterns, written = _glossary()
    edges = _word_edges(folded)
    found: list[tuple[int, int, tuple[str, ...]]] = []
    position = 0
    while position < len(folded):
        pattern = patterns.get(folded[position])
        match = pattern.match(folded, position) if pattern else None
        if match is None:
            position += 1
            continue
        position = match.end()
        if match.group().isascii() or _stands(match.start(), position, edges):
            found.append((match.start(), position, written[_key(match.group(), written)]))
    return found


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


def _key(found: str, written: dict[str, tuple[str, ...]]) -> str:
    for ending in ("", "s", "es"):
        if found.endswith(ending) and found.removesuffix(ending) in written:
            return found.removesuffix(ending)
    return found.removesuffix("ies") + "y"


@lru_cache(maxsize=1)
def _glossary() -> tuple[dict[str, re.Pattern[str]], dict[str, tuple[str, ...]]]:
    """Patterns of expressions by their first character, and the forms they are written in."""
    table = resources.files("rag.questions").joinpath("glossary.tsv").read_text(encoding="utf-8")
    written: dict[str, tuple[str, ...]] = {}
    for line in table.splitlines():
        if line.startswith("#"):
            continue
        asked, forms = (column.split("|") for column in line.split("\t"))
        for expression in asked:
            key = fold(expression)
            own = () if key.isascii() else (key,)
            kept = (*own, *(fold(form) for form in forms), *written.get(key, ()))
            written[key] = tuple(dict.fromkeys(kept))
    alternatives: dict[str, list[str]] = {}
    for key in sorted(written, key=lambda key: (-len(key), key)):
        pattern = _inflected(key) if key.isascii() else re.escape(key)
        alternatives.setdefault(key[0], []).append(pattern)
    return {first: re.compile("|".join(each)) for first, each in alternatives.items()}, written


def _inflected(key: str) -> str:
    """A whole English expression, singular or plural."""
    stem = re.escape(key.removesuffix("y")) + "(?:y|ies)" if key.endswith("y") else re.escape(key)
    plural = "" if key.endswith("y") else "(?:e?s)?"
    return rf"(?<![a-z0-9]){stem}{plural}(?![a-z0-9])"
