"""Plain text: a line is a paragraph, unless its break means nothing."""

from __future__ import annotations

from itertools import groupby
from typing import Protocol

from rag.readers.boilerplate import mark_boilerplate
from rag.readers.lines import join_lines, line_spans, soften
from rag.schema import Block, ParsedDocument
from rag.text import normalise

__all__ = ["Decoder", "PlainTextReader"]


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
        lines = line_spans(text)
        # Boilerplate first: an advertisement must not be joined to what it interrupts.
        kept = mark_boilerplate(text, [Block(start=start, end=end) for start, end in lines])
        paragraphs = [
            span
            for own, run in groupby(kept, key=lambda block: block.kind != "boilerplate")
            if own
            for span in join_lines(text, [(block.start, block.end) for block in run])
        ]
        blocks = [block for block in kept if block.kind == "boilerplate"]
        blocks.extend(Block(start=start, end=end) for start, end in paragraphs)
        blocks.sort(key=lambda block: block.start)
        return ParsedDocument(text=soften(text, paragraphs), blocks=tuple(blocks))
