"""Plain text: a line is a paragraph, unless lines are hard-wrapped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from rag.readers.boilerplate import mark_boilerplate
from rag.schema import Block, ParsedDocument
from rag.text import contains_han, normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Decoder", "PlainTextReader"]

_LINE = re.compile(r"[^\n]*\S[^\n]*")
_WRAP_WIDTH = range(45, 101)
"""Line lengths that editors and e-mail programs wrap at."""


class Decoder(Protocol):
    """Bytes to text; raises UnreadableDocument."""

    def __call__(self, data: bytes, *, name: str) -> str:
        """Decode, naming the file in errors."""
        ...


class PlainTextReader:
    """Reads .txt files."""

    suffixes = frozenset({".txt", ".text"})

    def __init__(self, decode: Decoder) -> None:
        self._decode = decode

    def read(self, data: bytes, *, name: str) -> ParsedDocument:
        """See ``protocols.Reader``."""
        text = normalise(self._decode(data, name=name))
        lines = [_trimmed(text, match.start(), match.end()) for match in _LINE.finditer(text)]
        if _is_wrapped(text, lines):
            lines = _unwrapped(text, lines)
        blocks = [Block(start=start, end=end) for start, end in lines]
        return ParsedDocument(text=text, blocks=mark_boilerplate(text, blocks))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    line = text[start:end]
    return start + len(line) - len(line.lstrip()), start + len(line.rstrip())


def _is_wrapped(text: str, lines: Sequence[tuple[int, int]]) -> bool:
    """Whether most lines stop at one width in mid-sentence, as wrapped prose does."""
    if len(lines) < 4:
        return False
    longest = sorted(end - start for start, end in lines)[int(0.95 * (len(lines) - 1))]
    if longest not in _WRAP_WIDTH:
        return False
    broken = sum(
        text[end - 1] not in "。！？.!?:：；;”\"'" and text[end : end + 2] != "\n\n"
        for _, end in lines
    )
    return broken > 0.5 * len(lines) and not contains_han(text)


def _unwrapped(text: str, lines: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in lines:
        if joined and text.count("\n", joined[-1][1], start) == 1:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
