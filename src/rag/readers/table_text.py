"""Tables in text files: .csv and .tsv, with any of the usual separators."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rag.errors import UnreadableDocument
from rag.readers.building import TextBuilder
from rag.text import normalise

if TYPE_CHECKING:
    from rag.readers.plain_text import Decoder
    from rag.schema import ParsedDocument

__all__ = ["TableTextReader"]

_SEPARATORS = (",", "\t", ";", "|")
_SAMPLE_LINES = 50
_LONGEST_CELL = 1_000_000


class TableTextReader:
    """Reads .csv and .tsv files."""

    suffixes = frozenset({".csv", ".tsv"})

    def __init__(self, decode: Decoder) -> None:
        self._decode = decode

    def read(self, data: bytes, *, name: str) -> ParsedDocument:
        """See ``protocols.Reader``."""
        text = normalise(self._decode(data, name=name))
        csv.field_size_limit(_LONGEST_CELL)
        lines = text.splitlines(keepends=True)
        try:
            rows = list(csv.reader(lines, delimiter=_separator(lines)))
        except csv.Error as error:
            raise UnreadableDocument(
                f"{name} is no table that can be read: {error}. Expected lines of cells with one"
                " separator, quoted where a cell holds it."
            ) from error
        builder = TextBuilder()
        builder.add_table(rows)
        return builder.document(
            name=name, metadata={"title": PurePosixPath(name.replace("\\", "/")).stem}
        )


def _separator(lines: list[str]) -> str:
    """The separator that cuts most of the first lines into the same number of cells."""
    sample = [line for line in lines if line.strip()][:_SAMPLE_LINES]

    def agreement(separator: str) -> tuple[int, int]:
        counts = Counter(len(row) for row in csv.reader(sample, delimiter=separator) if row)
        cells, rows = counts.most_common(1)[0] if counts else (1, 0)
        return (rows if cells > 1 else 0, cells)

    return max(_SEPARATORS, key=agreement)
