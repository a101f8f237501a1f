"""Text that a reader makes out of blocks, for formats whose files are not text themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.errors import UnreadableDocument
from rag.readers.boilerplate import mark_boilerplate
from rag.schema import Block, ParsedDocument
from rag.text import contains_han, normalise

if TYPE_CHECKING:
    from rag.schema import BlockKind, Metadata

__all__ = ["TextBuilder"]

_LONGEST_LABEL = 60
_NUMBER = re.compile(r"[-+(]?[¥$€£]?\d[\d,.\s]*[)%％‰]?")


class TextBuilder:
    """Collects blocks, each one line of the text to come."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0

    def add(
        self, text: str, *, kind: BlockKind = "paragraph", level: int = 0, page: int | None = None
    ) -> None:
        """Add a block. White space is collapsed; a block without text is left out."""
        line = " ".join(normalise(text).split())
        if not line:
            return
        start = self._length
        self._length += len(line) + 1
        self._lines.append(line)
        self._blocks.append(
            Block(start=start, end=start + len(line), kind=kind, level=level, page=page)
        )

    def add_table(self, rows: Sequence[Sequence[str]], *, page: int | None = None) -> None:
        """Add a table: each row a line that says with each value what its column is.

        ``城市=合肥 | GDP（亿元）=12673.8；`` can be quoted alone. Lines with one cell above the
        header are its captions. A table whose first row holds figures has no header, and its rows
        stand as they are.
        """
        cleaned = [[" ".join(normalise(cell).split()) for cell in row] for row in rows]
        filled = [row for row in cleaned if any(row)]
        while filled and _count(filled[0]) == 1:
            self.add("".join(filled.pop(0)), page=page)
        if not filled:
            return
        header = filled[0] if len(filled) > 1 and _is_header(filled[0]) else None
        if header is None:
            for row in filled:
                # Without a header the first row must not be taken for one.
                self.add(" | ".join(cell for cell in row if cell), kind="list_item", page=page)
            return
        self.add(" | ".join(cell for cell in header if cell), kind="table_row", page=page)
        for row in filled[1:]:
            self.add(_labelled(header, row), kind="table_row", page=page)

    def document(self, *, name: str, metadata: Metadata | None = None) -> ParsedDocument:
        """The document. Raises UnreadableDocument when no block was added."""
        if not self._blocks:
            raise UnreadableDocument(
                f"{name} holds no text: nothing but its structure was found. Expected some text."
            )
        text = "\n".join(self._lines)
        known = {key: value for key, value in (metadata or {}).items() if value}
        return ParsedDocument(
            text=text, blocks=mark_boilerplate(text, self._blocks), metadata=known
        )


def _count(row: Sequence[str]) -> int:
    return sum(bool(cell) for cell in row)


def _is_header(row: Sequence[str]) -> bool:
    return not any(_NUMBER.fullmatch(cell) or len(cell) > _LONGEST_LABEL for cell in row)


def _labelled(header: Sequence[str], row: Sequence[str]) -> str:
    if _count(row) == 1:
        return "".join(row)  # a line across the table
    labels = [*header, *[""] * (len(row) - len(header))]
    line = " | ".join(
        f"{label}={cell}" if label and label != cell else cell
        for label, cell in zip(labels, row, strict=False)
        if cell
    )
    # A row says all of it, and the next one something else: it ends like a sentence.
    return line + ("；" if contains_han(line) else ";")
