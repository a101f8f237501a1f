"""The marks inside Markdown's lines that show nothing: emphasis, and links within a site; pure.

A quotation is shown as it is stored, so that **押金100元** would be quoted with its stars, and its
words would not be found as a phrase. The address of a link to elsewhere may be what is asked for:
it stays.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markdown_it.token import Token

__all__ = ["Cuts", "marks_within"]

_EMPHASIS = frozenset({"em_open", "em_close", "strong_open", "strong_close"})
_LINK_END = re.compile(r"\]\((?P<target>(?:[^()\s]|\([^()\s]*\))*)(?:\s+\"[^\"\n]*\")?\)")
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.I)


def marks_within(
    text: str, start: int, end: int, inlines: Iterable[Token]
) -> list[tuple[int, int]]:
    """Spans of a block's marks, in order; none where the block holds what cannot be followed."""
    marks: list[tuple[int, int]] = []
    opened: list[tuple[int, int]] = []
    position = start
    for token in (child for inline in inlines for child in inline.children or ()):
        if token.type in {"softbreak", "hardbreak"} or (token.type, token.content) == ("text", ""):
            continue
        if token.type == "link_close":
            found = _LINK_END.match(text, position, end)
            if found is None:
                return []
            opening = opened.pop()
            if not _ELSEWHERE.match(found["target"]):
                marks += [opening, found.span()]
            position = found.end()
            continue
        sought = _source_of(token)
        place = text.find(sought, position, end) if sought else -1
        if place < 0:
            return []
        position = place + len(sought)
        if token.type == "link_open":
            opened.append((place, position))
        elif token.type in _EMPHASIS:
            marks.append((place, position))
    return sorted(marks)


def _source_of(token: Token) -> str:
    """How a token stands in the source; nothing for those that may stand otherwise."""
    if token.type in _EMPHASIS:
        return token.markup
    if token.type == "link_open":
        return "[" if token.markup == "" else ""
    if token.type == "code_inline":
        return f"{token.markup}{token.content}{token.markup}"
    return token.content if token.type in {"text", "html_inline"} else ""


class Cuts:
    """A text without some of its spans, and where its places are then."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self._spans = spans
        self._ends = [end for _, end in spans]
        self._lengths = [0, *accumulate(end - start for start, end in spans)]

    def place(self, offset: int) -> int:
        """Where a place outside the spans is, once they are gone."""
        return offset - self._lengths[bisect_right(self._ends, offset)]

    def applied(self, text: str) -> str:
        """The text without the spans."""
        parts = []
        position = 0
        for start, end in self._spans:
            parts.append(text[position:start])
            position = end
        return "".join([*parts, text[position:]])
