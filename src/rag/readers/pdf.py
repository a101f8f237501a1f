"""PDF files: lines with their places on the page, then paragraphs, headings and tables."""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rag.errors import UnreadableDocument
from rag.readers.building import TextBuilder
from rag.readers.pdf_layout import Line, add_pages

if TYPE_CHECKING:
    from rag.readers.limits import ParsingLimits
    from rag.schema import ParsedDocument

__all__ = ["parse"]

_END_WITHIN = 4_096
_PASSWORD_NEEDED = 4
_CELL_GAP = 1.05
"""White space between two cells of a table, in widths of a character."""

_TEXTLESS = 5
"""Characters a page below which a file of images has no text to speak of: a scanner's name."""

_RADICALS = range(0x2E80, 0x2FE0)
"""Some fonts name ideographs by the radicals that look alike."""

_LINE_HYPHENS = frozenset({0x02, 0xFFFE})


def parse(data: bytes, *, name: str, limits: ParsingLimits) -> ParsedDocument:
    """Read a PDF file. Raises UnreadableDocument."""
    import pypdfium2

    if b"%%EOF" not in data[-_END_WITHIN:]:
        raise UnreadableDocument(
            f"{name} is cut off: its {len(data):,} bytes do not end as a PDF file does (%%EOF)."
            " Copy or download it again."
        )
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code == _PASSWORD_NEEDED:
            reason = "is encrypted with a password. Save a copy without one and add that."
        else:
            reason = f"is damaged ({error}). Copy or download it again."
        raise UnreadableDocument(f"{name} {reason}") from error
    try:
        count = len(document)
        if count > limits.pages:
            raise UnreadableDocument(
                f"{name} has {count:,} pages; up to {limits.pages:,} are read. Split it, or raise"
                " max_pages."
            )
        pages, images = _read(document, name)
        if sum(len(line.text) for page in pages for line in page) < _TEXTLESS * count and images:
            raise UnreadableDocument(
                f"{name} has no text layer; {count} page{'s' * (count != 1)} of images. It is a"
                " scan: make its text readable with a text recognition (OCR) program, such as"
                " ocrmypdf, and add the result."
            )
        builder = TextBuilder()
        add_pages(builder, pages, _bookmarks(document))
    finally:
        document.close()
    return builder.document(name=name)


def _read(document: Any, name: str) -> tuple[list[list[Line]], int]:
    """The lines of each page, and how many pages hold images."""
    import pypdfium2

    pages, images = [], 0
    for number in range(len(document)):
        try:
            page = document[number]
            text_page = page.get_textpage()
        except pypdfium2.PdfiumError as error:
            raise UnreadableDocument(
                f"{name} is damaged: page {number + 1} cannot be read ({error}). Copy or download"
                " it again."
            ) from error
        lines = list(_lines(text_page.raw, number + 1))
        if sum(len(line.text) for line in lines) < _TEXTLESS:
            kinds = (each.type for each in page.get_objects(max_depth=3))
            images += pypdfium2.raw.FPDF_PAGEOBJ_IMAGE in kinds
        pages.append(lines)
        text_page.close()
        page.close()
    return pages, images


class _Boxes:
    """The places of a page's characters."""

    def __init__(self, text_page: Any) -> None:
        self._text_page = text_page
        self._sides = [ctypes.c_double() for _ in range(4)]
        self._references = [ctypes.byref(side) for side in self._sides]

    def box(self, index: int) -> tuple[float, float, float, float]:
        """Left, right, bottom, top, in points."""
        from pypdfium2 import raw

        raw.FPDFText_GetCharBox(self._text_page, index, *self._references)
        left, right, bottom, top = (side.value for side in self._sides)
        return left, right, bottom, top


def _lines(text_page: Any, page: int) -> Iterator[Line]:
    from pypdfium2 import raw

    boxes = _Boxes(text_page)
    characters: list[tuple[int, int]] = []
    for index in range(raw.FPDFText_CountChars(text_page)):
        code = raw.FPDFText_GetUnicode(text_page, index)
        if code not in {0x0A, 0x0D}:
            characters.append((index, code))
        if code in {0x0A, *_LINE_HYPHENS} and characters:
            if line := _line(text_page, boxes, characters, page):
                yield line
            characters = []
    if characters and (line := _line(text_page, boxes, characters, page)):
        yield line


def _line(
    text_page: Any, boxes: _Boxes, characters: list[tuple[int, int]], page: int
) -> Line | None:
    from pypdfium2 import raw

    hyphenated = characters[-1][1] in _LINE_HYPHENS
    cells: list[str] = [""]
    spans: list[tuple[float, float]] = []
    right = bottom = top = size = 0.0
    for index, code in characters:
        character = _character(code)
        if character.isspace() or code in _LINE_HYPHENS or code == 0:
            cells[-1] += " " * (code not in _LINE_HYPHENS)
            continue
        begins, ends, low, high = boxes.box(index)
        if not size:
            bottom, top = low, high
            spans.append((begins, ends))
            size = float(raw.FPDFText_GetFontSize(text_page, index)) or high - low
            # A size of 1 comes with a matrix that enlarges it.
            size = size if size > 2 else max(high - low, 1.0)
        elif begins - right > _CELL_GAP * size:
            cells.append("")
            spans.append((begins, ends))
        cells[-1] += character
        right, bottom, top = max(right, ends), min(bottom, low), max(top, high)
        spans[-1] = (spans[-1][0], max(spans[-1][1], ends))
    if not spans:
        return None
    return Line(
        cells=tuple(" ".join(cell.split()) for cell in cells),
        spans=tuple(spans),
        bottom=bottom,
        top=top,
        size=round(2 * size) / 2,
        page=page,
        hyphenated=hyphenated,
    )


def _character(code: int) -> str:
    if 0xD800 <= code < 0xE000:
        return "\ufffd"
    character = chr(code)
    if code in _RADICALS:
        plain = unicodedata.normalize("NFKC", character)
        return plain if len(plain) == 1 else character
    return character


def _bookmarks(document: Any) -> dict[tuple[int, str], int]:
    """Levels of the headings that the file's own table of contents names, by page and title."""
    found: dict[tuple[int, str], int] = {}
    for bookmark in document.get_toc():
        place = bookmark.get_dest()
        page = None if place is None else place.get_index()
        if page is not None:
            found[page + 1, "".join(bookmark.get_title().split())] = bookmark.level
    return found
