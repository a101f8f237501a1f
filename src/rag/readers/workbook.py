"""Excel workbooks: each sheet a table."""

from __future__ import annotations

import datetime as dt
import io
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from rag.errors import UnreadableDocument
from rag.readers.archives import opened_archive
from rag.readers.building import TextBuilder

if TYPE_CHECKING:
    from rag.readers.limits import ParsingLimits
    from rag.schema import ParsedDocument

__all__ = ["parse"]

_UNNAMED = re.compile(r"(?:sheet|工作表)\s*\d*", re.I)
_DECIMALS = re.compile(r"0\.(0+)")
_MOST_COLUMNS = 500
_BLANK_ROWS = 1_000
"""After so many blank rows a sheet is over: formatting often reaches to its very end."""


def parse(data: bytes, *, name: str, limits: ParsingLimits) -> ParsedDocument:
    """Read an .xlsx file. Raises UnreadableDocument."""
    del limits
    import warnings

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    with opened_archive(data, name=name), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about styles and extensions, which do not matter here
        try:
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            builder = TextBuilder()
            for sheet in book.worksheets:
                if sheet.sheet_state != "visible":
                    continue
                if not _UNNAMED.fullmatch(sheet.title):
                    builder.add(sheet.title, kind="heading", level=2)
                builder.add_table(_rows(sheet))
        except (InvalidFileException, KeyError, ValueError, TypeError, SyntaxError) as error:
            raise UnreadableDocument(
                f"{name} is no Excel workbook that can be read ({error}). Open it in Excel or"
                " LibreOffice and save it again as .xlsx."
            ) from error
    title = PurePosixPath(name.replace("\\", "/")).stem
    return builder.document(name=name, metadata={"title": title})


def _rows(sheet: Any) -> list[list[str]]:
    rows: list[list[str]] = []
    blank = 0
    # Rows are filled up to the last column asked for.
    for cells in sheet.iter_rows(max_col=min(sheet.max_column or _MOST_COLUMNS, _MOST_COLUMNS)):
        row = [_shown(cell) for cell in cells]
        while row and not row[-1]:
            row.pop()
        if row:
            rows.append(row)
            blank = 0
        elif (blank := blank + 1) > _BLANK_ROWS:
            break
    return rows


def _shown(cell: Any) -> str:
    """A cell about as Excel shows it: 5.8% and not 0.058, a date and not a number."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "minutes")
    if isinstance(value, int | float):
        style = str(cell.number_format or "")
        if "%" in style:
            decimals = _DECIMALS.search(style)
            return f"{100 * value:.{len(decimals[1]) if decimals else 0}f}%"
        return f"{value:.12g}" if abs(value) < 1e12 else f"{value:.0f}"
    return str(value)
