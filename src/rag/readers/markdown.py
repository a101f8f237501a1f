"""Markdown: headings, paragraphs, list items, table rows and code, as spans of the source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.readers.boilerplate import mark_boilerplate
from rag.schema import Block, ParsedDocument
from rag.text import normalise

if TYPE_CHECKING:
    from markdown_it.token import Token

    from rag.readers.plain_text import Decoder
    from rag.schema import BlockKind

__all__ = ["MarkdownReader"]

_FRONT_MATTER = re.compile(r"\A---\n(?P<body>.*?)\n(?:---|\.\.\.)[ \t]*\n", re.S)
_FRONT_MATTER_KEY = re.compile(r"^(?P<key>title|date|place)\s*:\s*(?P<value>.+?)\s*$", re.M | re.I)


class MarkdownReader:
    """Reads .md files. The text stays the source, so that offsets are exact."""

    suffixes = frozenset({".md", ".markdown"})

    def __init__(self, decode: Decoder) -> None:
        self._decode = decode

    def read(self, data: bytes, *, name: str) -> ParsedDocument:
        """See ``protocols.Reader``."""
        from markdown_it import MarkdownIt

        text = normalise(self._decode(data, name=name))
        front = _FRONT_MATTER.match(text)
        metadata = {}
        body_start = 0
        if front:
            body_start = front.end()
            for match in _FRONT_MATTER_KEY.finditer(front["body"]):
                metadata[match["key"].lower()] = match["value"].strip("\"'")
        tokens = MarkdownIt("commonmark").enable("table").parse(text[body_start:])
        lines = _line_starts(text, body_start)
        blocks = [
            block for token in _leaves(tokens) if (block := _block(token, text, lines)) is not None
        ]
        return ParsedDocument(
            text=text, blocks=mark_boilerplate(text, _disjoint(blocks)), metadata=metadata
        )


def _line_starts(text: str, start: int) -> list[int]:
    ends = [match.end() for match in re.compile("\n").finditer(text, start)]
    return [start, *ends, len(text) + 1]


def _leaves(tokens: list[Token]) -> list[tuple[Token, BlockKind, int]]:
    """Tokens that hold text of their own, with the kind of block they are."""
    leaves: list[tuple[Token, BlockKind, int]] = []
    lists = 0
    for token in tokens:
        if token.type == "heading_open":
            leaves.append((token, "heading", int(token.tag[1])))
        elif token.type == "list_item_open":
            lists += 1
        elif token.type == "list_item_close":
            lists -= 1
        elif token.type == "paragraph_open":
            leaves.append((token, "list_item" if lists else "paragraph", 0))
        elif token.type == "tr_open":
            leaves.append((token, "table_row", 0))
        elif token.type in {"fence", "code_block", "html_block"}:
            leaves.append((token, "paragraph", 0))
    return leaves


def _block(leaf: tuple[Token, BlockKind, int], text: str, lines: list[int]) -> Block | None:
    token, kind, level = leaf
    if token.map is None:
        return None
    start = lines[token.map[0]]
    end = min(len(text), lines[token.map[1]] - 1)
    if kind == "heading":
        # Without the marks: # before it, or the line of = or - under it.
        source = text[start:end]
        bare = re.sub(r"\n\s*(?:=+|-+)\s*$", "", source)
        bare = re.sub(r"\s+#+\s*$", "", bare)
        marks = re.match(r"\s*#{1,6}\s*", bare)
        end = start + len(bare)
        start += marks.end() if marks else 0
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Block(start=start, end=end, kind=kind, level=level) if start < end else None


def _disjoint(blocks: list[Block]) -> list[Block]:
    """Blocks in order, the later of two that overlap left out."""
    kept: list[Block] = []
    for block in sorted(blocks, key=lambda block: (block.start, -block.end)):
        if not kept or block.start >= kept[-1].end:
            kept.append(block)
    return kept
