"""ZIP archives that documents are packed in, opened without trusting them."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from rag.errors import UnreadableDocument

__all__ = ["opened_archive"]

_MOST_UNPACKED = 400 * 2**20
_MOST_ENTRIES = 20_000
_INFLATED = 200
"""How many times its packed size a part may have; XML comes to about 20."""

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,  # a way of packing that Python does not know
    UnicodeDecodeError,  # a name
)
_INFLATED_FROM = 16 * 2**20
"""Parts smaller than this do no harm however they are packed."""


@contextmanager
def opened_archive(data: bytes, *, name: str) -> Iterator[zipfile.ZipFile]:
    """The archive, once it is certain that unpacking it does no harm.

    Raises UnreadableDocument for a damaged or encrypted archive and for a bomb. Python's zipfile
    never unpacks more of a part than the directory says, so the directory can be judged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive, name)
            yield archive
    except _DAMAGED as error:
        raise UnreadableDocument(
            f"{name} is cut off or damaged: {error}. Copy or download it again."
        ) from error


def _check(archive: zipfile.ZipFile, name: str) -> None:
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES:
        raise UnreadableDocument(
            f"{name} is packed from {len(entries):,} parts; at most {_MOST_ENTRIES:,} are unpacked."
        )
    unpacked = sum(entry.file_size for entry in entries)
    inflated = any(
        entry.file_size > _INFLATED_FROM
        and entry.file_size > _INFLATED * max(1, entry.compress_size)
        for entry in entries
    )
    if unpacked > _MOST_UNPACKED or inflated:
        raise UnreadableDocument(
            f"{name} would unpack to {unpacked / 2**20:,.0f} MB, which no document does: it looks"
            " like a ZIP bomb and was not unpacked."
        )
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise UnreadableDocument(
            f"{name} is encrypted with a password. Save a copy without one and add that."
        )
