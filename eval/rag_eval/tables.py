"""Cases from a table: CSV or Excel, one question a row, columns by name.

A person's spreadsheet decides the order and the number of its columns; what counts is the names in
the first row, in English or Chinese.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rag.errors import InvalidInput, UnreadableDocument
from rag_eval.case import nearest

__all__ = ["COLUMNS", "case_rows"]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "编号", "序号"),
    "question": ("question", "问题", "提问"),
    "expected": ("expected", "answer", "answers", "答案", "标准答案", "参考答案"),
    "evidence": ("evidence", "quote", "依据", "原文", "出处"),
    "answerable": ("answerable", "可回答", "有答案"),
    "tags": ("tags", "tag", "标签", "类型", "分类"),
    "language": ("language", "语言"),
    "split": ("split", "分组"),
    "must_pass": ("must_pass", "must pass", "必须通过"),
    "note": ("note", "notes", "备注", "说明"),
}
"""The names that a column may have, by field. Other columns are not read."""

_YES = frozenset({"yes", "y", "true", "1", "是", "有", "可以", "对"})
_NO = frozenset({"no", "n", "false", "0", "否", "无", "没有", "不可以", "不"})
_SEVERAL = re.compile(r"[;；\n]")
_ALTERNATIVES = re.compile(r"[|｜]")
_FLAGS = ("answerable", "must_pass")


def case_rows(path: Path) -> Iterator[tuple[int, object]]:
    """Rows of a table that hold something, as a case file's objects, with their row numbers.

    Raises InvalidInput when the file cannot be read or has no column of questions.
    """
    rows = _sheet(path) if path.suffix.lower() == ".xlsx" else _delimited(path)
    names: dict[int, str] = {}
    for number, cells in enumerate(rows, start=1):
        if not any(cells):
            continue
        if not names:
            names = _columns(path, number, cells)
        else:
            yield number, _case(dict(zip(range(len(cells)), cells, strict=True)), names)
    if not names:
        raise InvalidInput(f"{path} is empty. {_EXPECTED}")


_EXPECTED = (
    "Expected a first row with the names of the columns, at least question (问题), and"
    " answer (答案) beside it."
)


def _columns(path: Path, number: int, cells: Sequence[str]) -> dict[int, str]:
    """Which field each column is, by position."""
    fields = {name: field for field, known in COLUMNS.items() for name in known}
    names: dict[int, str] = {}
    for position, cell in enumerate(cells):
        field = fields.get(" ".join(cell.casefold().split()))
        if field is None:
            continue
        if field in names.values():
            message = f"{path}, row {number}: two columns are {field!r}. Rename or remove one."
            raise InvalidInput(message)
        names[position] = field
    if "question" not in names.values():
        found = ", ".join(repr(cell) for cell in cells if cell)
        message = f"{path}, row {number}: found the columns {found}. {_EXPECTED}"
        raise InvalidInput(message + nearest("question", list(filter(None, cells))))
    return names


def _case(cells: Mapping[int, str], names: Mapping[int, str]) -> dict[str, object]:
    raw: dict[str, object] = {}
    for position, field in names.items():
        text = cells.get(position, "")
        if not text:
            continue
        if field == "expected":
            groups = [_parts(_ALTERNATIVES, part) for part in _parts(_SEVERAL, text)]
            raw[field] = [group[0] if len(group) == 1 else group for group in groups]
        elif field == "evidence":
            raw[field] = _parts(re.compile(r"[|｜\n]"), text)
        elif field == "tags":
            raw[field] = _parts(re.compile(r"[,，、;；|\n]"), text)
        elif field in _FLAGS:
            word = text.casefold()
            raw[field] = True if word in _YES else False if word in _NO else text
        else:
            raw[field] = text
    return raw


def _parts(separator: re.Pattern[str], text: str) -> list[str]:
    return [part.strip() for part in separator.split(text) if part.strip()]


def _delimited(path: Path) -> Iterator[list[str]]:
    from rag.readers.encoding import decode

    try:
        text = decode(_bytes(path), name=str(path))
    except UnreadableDocument as error:
        raise InvalidInput(str(error)) from error
    head = text.split("\n", 1)[0]
    delimiter = max("\t,;", key=head.count)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            yield [cell.strip() for cell in row]
    except csv.Error as error:
        message = f"{path} is no table of comma-separated values: {error}. Save it again as CSV."
        raise InvalidInput(message) from error


def _sheet(path: Path) -> Iterator[list[str]]:
    """The first sheet's rows; figures as a person sees them where Excel's format is plain."""
    from zipfile import BadZipFile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(io.BytesIO(_bytes(path)), read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError) as error:
        message = f"{path} is no Excel workbook: {error}. Save it as .xlsx, or as CSV."
        raise InvalidInput(message) from error
    try:
        for row in book.worksheets[0].iter_rows():
            yield [_cell(cell.value, cell.number_format) for cell in row]
    finally:
        book.close()


def _cell(value: object, number_format: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if number_format.endswith("%"):
            decimals = len(number_format.rstrip("%").partition(".")[2])
            return f"{100 * value:.{decimals}f}%"
        return f"{value:.15g}"
    return str(value).strip()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        message = f"There is no case file {path}. Expected a table of questions."
        raise InvalidInput(message) from error
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}. Expected a table of questions."
        raise InvalidInput(message) from error
