"""Which reader reads which file: by what its content is, then by its suffix."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rag.errors import UnreadableDocument
from rag.readers.encoding import decode, kind_of
from rag.readers.limits import ParsingLimits
from rag.readers.markdown import MarkdownReader
from rag.readers.plain_text import PlainTextReader
from rag.readers.table_text import TableTextReader
from rag.readers.worker import parse_apart

if TYPE_CHECKING:
    from rag.protocols import Reader
    from rag.schema import ParsedDocument

__all__ = ["read", "supported_suffixes"]

_READERS: tuple[Reader, ...] = (
    PlainTextReader(decode),
    MarkdownReader(decode),
    TableTextReader(decode),
)
_PARSED_APART = {
    ".docx": "word",
    ".epub": "book",
    ".htm": "html",
    ".html": "html",
    ".pdf": "pdf",
    ".xhtml": "html",
    ".xlsx": "workbook",
}
"""Formats that need parsers of others, by suffix: modules beside this one."""

_BY_CONTENT = {
    "a PDF file": "pdf",
    "a Word document (.docx)": "word",
    "an EPUB book": "book",
    "an Excel workbook (.xlsx)": "workbook",
}
_TEXTUAL = frozenset({"html"})
_PDF_WITHIN = 1_024
"""A PDF file may begin with so many bytes of something else."""

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_DEFAULT_LIMITS = ParsingLimits()


def supported_suffixes() -> frozenset[str]:
    """Lower-case suffixes of the files that can be read, with the dot."""
    return frozenset(_PARSED_APART).union(*(reader.suffixes for reader in _READERS))


def read(
    data: bytes, *, name: str, max_bytes: int, limits: ParsingLimits = _DEFAULT_LIMITS
) -> ParsedDocument:
    """Parse a file's bytes: as what their signature says, else as what the suffix says.

    Raises UnreadableDocument for an unknown format, a file over ``max_bytes``, an empty one, one
    whose content is not what its suffix says, and one that cannot be parsed within ``limits``.
    """
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    by_content = _BY_CONTENT.get(kind_of(data) or "")
    apart = by_content or _PARSED_APART.get(suffix)
    reader = next((reader for reader in _READERS if suffix in reader.suffixes), None)
    if apart is None and reader is None:
        known = ", ".join(sorted(supported_suffixes()))
        found = f"a {suffix} file" if suffix else "a file without a suffix"
        message = (
            f"{name} is {found}. Expected one of: {known}. Convert it, or rename it if it is text."
        )
        raise UnreadableDocument(message)
    if len(data) > max_bytes:
        message = (
            f"{name} has {len(data):,} bytes; at most {max_bytes:,} are allowed."
            " Split it, or raise max_file_megabytes."
        )
        raise UnreadableDocument(message)
    if apart is not None:
        if by_content is None:
            _check_content(data, apart, name=name, suffix=suffix)
        return parse_apart(apart, data, name=name, limits=limits)
    assert reader is not None  # noqa: S101 - one of them was found
    return reader.read(data, name=name)


def _check_content(data: bytes, apart: str, *, name: str, suffix: str) -> None:
    """Refuse a file whose suffix promises what its content is not."""
    if not data:
        raise UnreadableDocument(f"{name} is empty (0 bytes). Expected some text.")
    if apart in _TEXTUAL or (apart == "pdf" and b"%PDF-" in data[:_PDF_WITHIN]):
        return
    if _ENCRYPTED in data:
        raise UnreadableDocument(
            f"{name} is encrypted with a password. Save a copy without one and add that."
        )
    found = kind_of(data) or f"something else: it begins with {data[:8]!r}"
    raise UnreadableDocument(
        f"{name} is named {suffix}, but by its content it is {found}. Give it the suffix of what it"
        " is, or save it again as what its name says."
    )
