"""Small files of every format that is read, made by the libraries that people make them with."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["CITIES", "epub", "image_pdf", "packed", "pdf", "report_pdf", "word", "workbook"]

CITIES = (
    ("城市", "地区生产总值（亿元）", "增速"),
    ("合肥", "12673.8", "5.8%"),
    ("芜湖", "4741.1", "5.7%"),
    ("蚌埠", "2116.0", "4.0%"),
)
_FONT = "STSong-Light"


def pdf(pages: Sequence[Sequence[str]], *, password: str | None = None) -> bytes:
    """A PDF file with so many lines on so many pages."""
    from reportlab.pdfgen.canvas import Canvas

    _register_font()
    file = io.BytesIO()
    canvas = Canvas(file, encrypt=password)
    for lines in pages:
        canvas.setFont(_FONT, 12)
        for number, line in enumerate(lines):
            canvas.drawString(72, 770 - 18 * number, line)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def report_pdf(title: str, parts: Mapping[str, Sequence[str]], *, bookmarks: bool) -> bytes:
    """A report as a word processor prints it: title, headings, wrapped and indented paragraphs,
    a table at the end, a running header and page numbers.
    """
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

    _register_font()

    def style(size: int, **more: Any) -> Any:
        return ParagraphStyle(
            str(size), fontName=_FONT, fontSize=size, leading=1.5 * size, wordWrap="CJK", **more
        )

    class Heading(Paragraph):  # type: ignore[misc]
        def draw(self) -> None:
            if bookmarks:
                text = self.getPlainText()
                self.canv.bookmarkPage(text)
                self.canv.addOutlineEntry(text, text, 0)
            super().draw()

    def around(canvas: Any, document: Any) -> None:
        canvas.setFont(_FONT, 9)
        canvas.drawString(72, 800, title)
        canvas.drawCentredString(300, 30, f"— {document.page} —")

    flow: list[Any] = [Paragraph(title, style(22))]
    for heading, paragraphs in parts.items():
        flow.append(Heading(heading, style(16)))
        flow += [Paragraph(each, style(12, firstLineIndent=24)) for each in paragraphs]
    flow.append(Table([list(row) for row in CITIES], style=[("FONTNAME", (0, 0), (-1, -1), _FONT)]))
    file = io.BytesIO()
    SimpleDocTemplate(file).build(flow, onFirstPage=around, onLaterPages=around)
    return file.getvalue()


def image_pdf(pages: int) -> bytes:
    """A PDF file of nothing but images."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file)
    image = ImageReader(Image.new("L", (20, 20), 128))
    for _ in range(pages):
        canvas.drawImage(image, 0, 0, 400, 600)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def word(*blocks: str | Sequence[Sequence[str]]) -> bytes:
    """A Word file: ``#`` begins headings, ``-`` list items, rows are a table."""
    from docx import Document

    document = Document()
    for block in blocks:
        if not isinstance(block, str):
            table = document.add_table(len(block), len(block[0]))
            for row, cells in enumerate(block):
                for column, cell in enumerate(cells):
                    table.cell(row, column).text = cell
        elif block.startswith("#"):
            marks, _, title = block.partition(" ")
            document.add_heading(title, len(marks) - 1)
        elif block.startswith("- "):
            document.add_paragraph(block[2:], style="List Bullet")
        else:
            document.add_paragraph(block)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]], *, formats: str | None = None) -> bytes:
    """An Excel file; ``formats`` is the number format of every last cell of a row."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
            if formats:
                sheet.cell(sheet.max_row, len(row)).number_format = formats
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def epub(title: str, chapters: Sequence[str]) -> bytes:
    """An EPUB book whose spine is not in order of name."""
    names = [f"c{len(chapters) - number}.xhtml" for number in range(len(chapters))]
    items = "".join(
        f'<item id="{name}" href="text/{name}" media-type="application/xhtml+xml"/>'
        for name in sorted(names)
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in names)
    return packed(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
            b'container"><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>',
            "OPS/book.opf": (
                '<package xmlns="http://www.idpf.org/2007/opf"><metadata'
                f' xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title>'
                f"</metadata><manifest>{items}</manifest><spine>{spine}</spine></package>"
            ).encode(),
            **{
                f"OPS/text/{name}": f"<html><body>{chapter}</body></html>".encode()
                for name, chapter in zip(names, chapters, strict=True)
            },
        }
    )


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ZIP archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            method = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(name, data, method)
    return file.getvalue()


def _register_font() -> None:
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfbase.pdfmetrics import registerFont

    registerFont(UnicodeCIDFont(_FONT))
