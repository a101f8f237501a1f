"""Which reader reads which file."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rag.errors import UnreadableDocument
from rag.readers.encoding import decode
from rag.readers.markdown import MarkdownReader
from rag.readers.plain_text import PlainTextReader

if TYPE_CHECKING:
    from rag.protocols import Reader
    from rag.schema import ParsedDocument

__all__ = ["read", "supported_suffixes"]

_READERS: tuple[Reader, ...] = (PlainTextReader(decode), MarkdownReader(decode))


def supported_suffixes() -> frozenset[str]:
    """Lower-case suffixes of the files that can be read, with the dot."""
    return frozenset().union(*(reader.suffixes for reader in _READERS))


def read(data: bytes, *, name: str, max_bytes: int) -> ParsedDocument:
    """Parse a file's bytes by the reader of its suffix.

    Raises UnreadableDocument for an unknown suffix, a file over ``max_bytes``, an empty one, or
    one whose content is not what its suffix says.
    """
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    reader = next((reader for reader in _READERS if suffix in reader.suffixes), None)
    if reader is None:
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
    return reader.read(data, name=name)
