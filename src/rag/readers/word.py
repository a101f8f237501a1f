"""Word documents: headings by their styles, lists, tables."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.errors import UnreadableDocument
from rag.readers.archives import opened_archive
from rag.readers.building import TextBuilder

if TYPE_CHECKING:
    from rag.readers.limits import ParsingLimits
    from rag.schema import BlockKind, ParsedDocument

__all__ = ["parse"]

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING = re.compile(r"(?:heading|标题)\s*([1-9])", re.I)
_BODY_TEXT = 9
"""The outline level that means none."""


def parse(data: bytes, *, name: str, limits: ParsingLimits) -> ParsedDocument:
    """Read a .docx file. Raises UnreadableDocument."""
    del limits  # Word files know no pages until they are printed
    from docx import Document
    from docx.opc.exceptions import OpcError
    from lxml import etree

    with opened_archive(data, name=name):
        try:
            document = Document(io.BytesIO(data))
            styles = {
                style.style_id: (style.name or "", _outline_level(style.element))
                for style in document.styles
            }
            builder = TextBuilder()
            for element in _blocks(document.element.body):
                if element.tag == f"{_W}tbl":
                    builder.add_table(_rows(element))
                else:
                    kind, level = _kind(element, styles)
                    builder.add(_text(element), kind=kind, level=level)
        except (OpcError, KeyError, ValueError, AttributeError, etree.XMLSyntaxError) as error:
            raise UnreadableDocument(
                f"{name} is no Word document that can be read ({error}). Open it in Word or"
                " LibreOffice and save it again as .docx."
            ) from error
        return builder.document(name=name)


def _blocks(parent: Any) -> Iterator[Any]:
    """Paragraphs and tables in order, those inside content controls too."""
    for child in parent:
        if child.tag in {f"{_W}p", f"{_W}tbl"}:
            yield child
        elif child.tag in {f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}customXml"}:
            yield from _blocks(child)


def _text(paragraph: Any) -> str:
    """What is read, tracked insertions included; deletions have elements of their own."""
    pieces: list[str] = []
    stack = [paragraph]
    while stack:
        element = stack.pop()
        if element.tag == f"{_W}t":
            pieces.append(element.text or "")
        elif element.tag in {f"{_W}tab", f"{_W}br", f"{_W}cr"}:
            pieces.append(" ")
        elif element.tag == f"{_W}noBreakHyphen":
            pieces.append("-")
        # The fallback says the same again, for older programs.
        elif element.tag not in {_FALLBACK, f"{_W}del", f"{_W}pPr"}:
            stack.extend(reversed(element))
    return "".join(pieces)


def _kind(paragraph: Any, styles: dict[str, tuple[str, int | None]]) -> tuple[BlockKind, int]:
    properties = paragraph.find(f"{_W}pPr")
    style = None if properties is None else properties.find(f"{_W}pStyle")
    style_id = "" if style is None else style.get(f"{_W}val", "")
    style_name, style_level = styles.get(style_id, ("", None))
    level = style_level if properties is None else _outline_level(paragraph)
    level = style_level if level is None else level
    heading = _HEADING.match(style_name)
    if style_name.lower() == "title":
        return "heading", 1
    if heading:
        return "heading", 1 + int(heading[1])
    if level is not None and level < _BODY_TEXT:
        return "heading", 2 + level
    numbered = properties is not None and properties.find(f"{_W}numPr") is not None
    if numbered or style_name.lower().startswith("list"):
        return "list_item", 0
    return "paragraph", 0


def _outline_level(element: Any) -> int | None:
    found = element.find(f"{_W}pPr/{_W}outlineLvl")
    return None if found is None else int(found.get(f"{_W}val", _BODY_TEXT))


def _rows(table: Any) -> list[list[str]]:
    rows = []
    for row in table.iterfind(f"{_W}tr"):
        cells: list[str] = []
        for cell in row.iter(f"{_W}tc"):
            if cell.getparent() is not row and cell.getparent().tag == f"{_W}tr":
                continue  # of a table inside a cell, whose text the cell has
            cells.append(" ".join(_text(paragraph) for paragraph in cell.iter(f"{_W}p")))
            # A cell across several columns stands over all of them.
            span = cell.find(f"{_W}tcPr/{_W}gridSpan")
            extra = 0 if span is None else int(span.get(f"{_W}val", 1)) - 1
            cells.extend([""] * min(extra, 63))
        rows.append(cells)
    return rows
