"""Markdown: headings, paragraphs, list items, table rows and code, without marks of emphasis."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rag.readers.boilerplate import mark_boilerplate
from rag.readers.lines import soften
from rag.readers.markdown_marks import Cuts, marks_within
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
    """Reads .md files. The text is the source, but for the marks inside lines."""

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
        leaves = [
            (leaf, block)
            for leaf in _leaves(tokens)
            if (block := _block(leaf, text, lines)) is not None
        ]
        marks = [
            span
            for leaf, block in leaves
            for span in marks_within(text, block.start, block.end, leaf.inlines)
        ]
        cuts = Cuts(marks)
        text = cuts.applied(text)
        leaves = [
            (leaf, replace(block, start=start, end=end))
            for leaf, block in leaves
            for start, end in [_trimmed(text, cuts.place(block.start), cuts.place(block.end))]
            if start < end
        ]
        prose = [
            (block.start, block.end)
            for leaf, block in leaves
            if leaf.token.type in {"heading_open", "paragraph_open"}
        ]
        return ParsedDocument(
            text=soften(text, prose),
            blocks=mark_boilerplate(text, _disjoint([block for _, block in leaves])),
            metadata=metadata,
        )


def _line_starts(text: str, start: int) -> list[int]:
    ends = [match.end() for match in re.compile("\n").finditer(text, start)]
    return [start, *ends, len(text) + 1]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A token that holds text of its own, the kind of block it is, and its lines."""

    token: Token
    kind: BlockKind
    lines: list[int] | None
    level: int = 0
    inlines: list[Token] = field(default_factory=list)
    """What its lines hold."""


def _leaves(tokens: Sequence[Token]) -> list[_Leaf]:
    leaves: list[_Leaf] = []
    lists = 0
    header = False
    for token in tokens:
        if token.type == "heading_open":
            leaves.append(_Leaf(token, "heading", token.map, int(token.tag[1])))
        elif token.type in {"list_item_open", "list_item_close"}:
            lists += token.nesting
        elif token.type == "inline" and leaves:
            leaves[-1].inlines.append(token)
        elif token.type in {"thead_open", "thead_close"}:
            header = token.nesting > 0
        elif token.type == "paragraph_open":
            leaves.append(_Leaf(token, "list_item" if lists else "paragraph", token.map))
        elif token.type == "tr_open" and token.map:
            # The line of dashes below a table's header belongs to it.
            first, last = token.map
            leaves.append(_Leaf(token, "table_row", [first, last + header]))
        elif token.type in {"fence", "code_block"}:
            leaves.append(_Leaf(token, "paragraph", token.map))
        elif token.type == "html_block":
            shown = re.sub(r"<!--.*?-->|<[^>]*>", "", token.content, flags=re.S).strip()
            leaves.append(_Leaf(token, "paragraph" if shown else "boilerplate", token.map))
    return leaves


def _block(leaf: _Leaf, text: str, lines: Sequence[int]) -> Block | None:
    if leaf.lines is None:
        return None
    start = lines[leaf.lines[0]]
    end = min(len(text), lines[leaf.lines[1]] - 1)
    if leaf.kind == "heading":
        # Without the marks: # before it, or the line of = or - under it.
        bare = re.sub(r"\n\s*(?:=+|-+)\s*$|\s+#+\s*$", "", text[start:end])
        marks = re.match(r"\s*#{1,6}(?:\s+|$)", bare)
        end = start + len(bare)
        start += marks.end() if marks else 0
    start, end = _trimmed(text, start, end)
    return Block(start=start, end=end, kind=leaf.kind, level=leaf.level) if start < end else None


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without white space at its ends."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _disjoint(blocks: Sequence[Block]) -> list[Block]:
    """Blocks in order, the later of two that overlap left out."""
    kept: list[Block] = []
    for block in sorted(blocks, key=lambda block: (block.start, -block.end)):
        if not kept or block.start >= kept[-1].end:
            kept.append(block)
    return kept
