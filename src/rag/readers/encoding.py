"""Bytes to text: byte order marks, UTF-8, UTF-16, GB18030 and Big5, then a guesser.

GB18030 and Big5 use the same byte values, so that most text in one decodes as nonsense in the
other. What decides is how common the characters are that come out: both encodings keep the
characters in daily use in a block of their own.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from rag.errors import UnreadableDocument

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["decode"]

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive (perhaps a Word, Excel or EPUB file)"),
    (b"\xd0\xcf\x11\xe0", "an old Office file (.doc, .xls, .ppt)"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"{\\rtf", "an RTF file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a Windows program"),
    (b"SQLite format 3", "a SQLite database"),
)
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ADVICE = "Expected plain text. Save it as UTF-8 text and add it again."
_PLAUSIBLE = 0.80
"""Share of common characters that real text has at least."""

_SAMPLE = 100_000


def decode(data: bytes, *, name: str) -> str:
    """The text of a file, not yet normalised.

    Raises UnreadableDocument for empty files and for whatever is not text, saying what it is.
    """
    if not data.strip():
        message = f"{name} is empty ({len(data)} bytes). Expected some text."
        raise UnreadableDocument(message)
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            message = f"{name} is {kind} by its content. {_ADVICE}"
            raise UnreadableDocument(message)
    text = _decoded(data, name)
    visible = text.strip("\ufeff \t\r\n\x00")
    if not visible:
        message = f"{name} holds only white space. Expected some text."
        raise UnreadableDocument(message)
    controls = sum(ord(c) < 32 and c not in "\t\n\r\f\v" for c in text[:_SAMPLE])
    if controls > 0.01 * min(len(text), _SAMPLE):
        share = 100 * controls / min(len(text), _SAMPLE)
        message = f"{name} is binary data: {share:.0f}% control characters. {_ADVICE}"
        raise UnreadableDocument(message)
    return text


def _decoded(data: bytes, name: str) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding, name)
    if b"\x00" not in data:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
    wide = _utf16_without_mark(data)
    if wide is not None:
        return wide
    if b"\x00" in data:
        share = 100 * data.count(0) / len(data)
        message = f"{name} is binary data: {share:.0f}% zero bytes. {_ADVICE}"
        raise UnreadableDocument(message)
    best = max(
        (
            (_common_share(data, encoding, is_common), encoding)
            for encoding, is_common in (
                ("gb18030", _common_in_gb18030),
                ("big5", _common_in_big5),
            )
        ),
        key=lambda scored: scored[0],
    )
    if best[0] >= _PLAUSIBLE:
        return data.decode(best[1])
    return _guessed(data, name)


def _strictly(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        message = (
            f"{name} begins with the mark of {encoding} but byte {error.start:,} does not fit:"
            f" {error.reason}. The file may be cut off. {_ADVICE}"
        )
        raise UnreadableDocument(message) from error


def _utf16_without_mark(data: bytes) -> str | None:
    if len(data) % 2:
        return None
    best: tuple[float, str] | None = None
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        sample = text[:_SAMPLE]
        # Text has line ends, spaces and punctuation of its script; the wrong byte order has not.
        share = sum(_common(c) for c in sample) / len(sample)
        if best is None or share > best[0]:
            best = (share, text)
    return best[1] if best and best[0] >= 0.95 and _has_spacing(best[1]) else None


def _has_spacing(text: str) -> bool:
    marks = sum(c in " \n，。、,." for c in text[:_SAMPLE])
    return marks >= 0.01 * min(len(text), _SAMPLE)


def _common(character: str) -> bool:
    if character.isascii():
        return character.isprintable() or character in "\t\r\n"
    try:
        return _common_in_gb18030(character) or _common_in_big5(character)
    except UnicodeEncodeError:
        return character.isalpha()


def _common_share(data: bytes, encoding: str, is_common: Callable[[str], bool]) -> float:
    """Share of common characters among those outside ASCII; 0 when the bytes do not fit."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    wide = [character for character in text[:_SAMPLE] if not character.isascii()]
    return sum(is_common(character) for character in wide) / len(wide) if wide else 0.0


def _common_in_gb18030(character: str) -> bool:
    # Rows 16 to 55 of GB 2312 hold the 3,755 characters in daily use; rows 1 to 9 the symbols.
    encoded = character.encode("gb18030", "replace")
    return len(encoded) == 2 and encoded[1] >= 0xA1 and 0xA1 <= encoded[0] <= 0xD7


def _common_in_big5(character: str) -> bool:
    # A440 to C67E hold the 5,401 frequent characters; A140 to A3BF the symbols.
    encoded = character.encode("big5", "replace")
    return len(encoded) == 2 and 0xA1 <= encoded[0] <= 0xC6


def _guessed(data: bytes, name: str) -> str:
    from charset_normalizer import from_bytes

    match = from_bytes(data[:_SAMPLE]).best()
    if match is not None:
        try:
            return data.decode(match.encoding)
        except (UnicodeDecodeError, LookupError):
            pass
    message = f"{name} is in no text encoding that was recognised. {_ADVICE}"
    raise UnreadableDocument(message)
