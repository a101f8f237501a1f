"""Bytes to text: byte order marks, UTF-8, UTF-16, GB18030 and Big5, then a guesser.

GB18030 and Big5 use the same byte values, so that most text in one decodes as nonsense in the
other. What decides is how common the characters are that come out.
"""

from __future__ import annotations

import codecs
import unicodedata

from rag.errors import UnreadableDocument
from rag.text import normalise

__all__ = ["decode", "kind_of"]

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "a PDF file"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\xd0\xcf\x11\xe0", "an old Office file (.doc, .xls, .ppt)"),
    (0, b"\x89PNG\r\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"GIF8", "a GIF image"),
    (8, b"WEBP", "a WebP image"),
    (0, b"II*\x00", "a TIFF image"),
    (0, b"{\\rtf", "an RTF file"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"ID3", "an MP3 recording"),
    (4, b"ftyp", "an MP4 film or recording"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ\x90", "a Windows program"),
    (0, b"SQLite format 3", "a SQLite database"),
)
_ZIPPED: tuple[tuple[bytes, str], ...] = (
    (b"word/", "a Word document (.docx)"),
    (b"xl/", "an Excel workbook (.xlsx)"),
    (b"ppt/", "a PowerPoint presentation (.pptx)"),
    (b"epub", "an EPUB book"),
    (b"opendocument", "an OpenDocument file"),
)
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ADVICE = "Expected plain text. Save it as UTF-8 text and add it again."
_SAMPLE = 100_000
"""Characters or bytes that are looked at to decide."""

_PLAUSIBLE = 0.5
"""What the characters of real text score on average at least; see ``_score``."""

_TELLING = 9
"""Characters at least that tell a damaged file of one encoding from one of another."""

_UTF16_HANDICAP = 0.15
"""UTF-16 without a mark is rare: it must be clearly the better reading."""

_WESTERN = frozenset({"cp1252", "latin_1"})

# The 400 most frequent characters of news, reports, laws and conversation (three quarters of any
# text), and the traditional forms of those that have one.
_FREQUENT = frozenset(
    "的我了一人在不有和业你他会是行国大发要市个中这工以们法定作理建生民为政动应上务进本经展公全区用化产当等新对年设关规部能实开地汤姆管到家来吗主出事加时机者保成提力"
    "好制合她高员可门资下体日多很得学方重服同现点电过通车表去持施天信子推物分么企道自代强里长文或议没改社委面安想共其做项增看位场平相水于品任及三那说内什所前度给入常"
    "报活济意量就请与构期金各技处月办起明向条单性基元后心外利间查十科并费责农交都收权知立系正商营目书护决支调小更将府标计打由第运供监质程组情案见件育万续海问告级二治"
    "照五快医名记路结解完题房专据需投创准城之造把美网该欢选喜划总数次深域放从步让比依取教台认集优联源回范式受协口消备果还接导防统示求着也革今东特效息术职被使按司整已"
    "流真审价院最省村领别原些确证险风指必举手局升义坚两四西款织格转违反住无话它预非游线际策色境参研广障环积儿善律校团健况种只布益老检例批群助融近吃气众再样根球走诉执"
    "業會國發個這們爲動應務進經區產當對設關規實開湯來嗎時機員門資體學現點電過車麼強裏長議沒項場於說內給報濟請與構處辦條單間後並費責農權營書護決調將標計運監質組見萬續"
    "問級醫記結題專據創準網該歡選劃總數從讓臺認優聯範協備還導統東術職審價領別確證險風舉義堅兩織轉違無話預遊線際參廣環積兒團況種檢羣喫氣衆樣訴執為裡群麼"
)


def decode(data: bytes, *, name: str) -> str:
    """The text of a file, not yet normalised.

    Raises UnreadableDocument for empty files and for whatever is not text, saying what it is.
    """
    if not data:
        message = f"{name} is empty (0 bytes). Expected some text."
        raise UnreadableDocument(message)
    kind = kind_of(data)
    if kind:
        message = f"{name} is {kind} by its content, whatever its name says. {_ADVICE}"
        raise UnreadableDocument(message)
    text = _decoded(data, name)
    if not normalise(text).strip():
        message = f"{name} holds only white space ({len(data):,} bytes). Expected some text."
        raise UnreadableDocument(message)
    sample = text[:_SAMPLE]
    controls = sum(ord(c) < 32 and c not in "\t\n\r\f\v" for c in sample)
    if controls > 0.01 * len(sample):
        share = 100 * controls / len(sample)
        message = f"{name} is binary data: {share:.0f}% control characters. {_ADVICE}"
        raise UnreadableDocument(message)
    return text


def kind_of(data: bytes) -> str | None:
    """What the first bytes say a file is, where that is not text."""
    for offset, signature, kind in _SIGNATURES:
        if data.startswith(signature, offset):
            if kind == "a ZIP archive":
                return next((inner for part, inner in _ZIPPED if part in data), kind)
            return kind
    return None


def _decoded(data: bytes, name: str) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding, name)
    if b"\x00" not in data:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            encodings = ("gb18030", "big5", "utf-16-le", "utf-16-be")
    else:
        encodings = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
    read = {encoding: text for encoding in encodings if (text := _read(data, encoding))}
    scores = {
        encoding: _score(text) - _UTF16_HANDICAP * encoding.startswith("utf-16")
        for encoding, text in read.items()
    }
    best = max(scores, key=lambda encoding: scores[encoding], default=None)
    if b"\x00" not in data:
        _refuse_damaged(data, name, above=scores[best] if best else 0.0)
    if best is not None and scores[best] >= _PLAUSIBLE:
        return read[best]
    if b"\x00" in data:
        message = f"{name} is binary data: {data.count(0):,} of its {len(data):,} bytes are zero."
        raise UnreadableDocument(f"{message} {_ADVICE}")
    return _guessed(data, name)


def _refuse_damaged(data: bytes, name: str, *, above: float) -> None:
    """Raise for text with a few bytes out of place, which other encodings read as nonsense."""
    above = max(above, _PLAUSIBLE)
    for encoding in ("utf-8", "gb18030", "big5"):
        text = data.decode(encoding, "replace")
        damaged = text.count("\ufffd")
        few = damaged <= 1 + 0.01 * len(text) and len(text) >= _TELLING
        if few and _score(text.replace("\ufffd", "")) > above:
            try:
                data.decode(encoding)
            except UnicodeDecodeError as error:
                message = (
                    f"{name} reads as {encoding}, but byte {error.start:,} does not fit:"
                    f" {error.reason}. The file may be damaged or cut off. {_ADVICE}"
                )
                raise UnreadableDocument(message) from error


def _read(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _strictly(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        message = (
            f"{name} begins with the mark of {encoding} but byte {error.start:,} does not fit:"
            f" {error.reason}. The file may be cut off. {_ADVICE}"
        )
        raise UnreadableDocument(message) from error


def _score(text: str) -> float:
    """How much decoded text looks like text: from below 0 to 1, the average over its characters.

    ASCII beside other characters does not count, for most encodings share it.
    """
    sample = text[:_SAMPLE]
    wide = [character for character in sample if not character.isascii()]
    controls = sum(ord(c) < 32 and c not in "\t\n\r\f\v" for c in sample)
    if not sample:
        return 0.0
    if not wide:
        return 1.0 - 10 * controls / len(sample)
    score = sum(_familiarity(character) for character in wide) / len(wide)
    # What is Chinese has many of the most frequent characters; other languages misread have few.
    if len(wide) >= 30 and sum(character in _FREQUENT for character in wide) < 0.15 * len(wide):
        score -= 0.3
    return score - 10 * controls / len(sample)


def _familiarity(character: str) -> float:
    if character in _FREQUENT:
        return 1.0
    if "\u4e00" <= character <= "\u9fff":
        return 0.7 if _in_daily_use(character) else 0.35
    if "\u3000" <= character <= "\u303f" or character in "，。！？；：（）“”‘’—…·％～《》":
        return 0.8
    category = unicodedata.category(character)
    if category in {"Cn", "Co", "Cs", "Cc"}:
        return -2.0
    return 0.5 if "\uff00" <= character <= "\uffef" and category != "Lo" else 0.1


def _in_daily_use(character: str) -> bool:
    """Both national standards keep the characters of daily use in a block of their own."""
    encoded = character.encode("gb18030")
    # Rows 16 to 55 of GB 2312: 3,755 characters.
    if len(encoded) == 2 and encoded[1] >= 0xA1 and 0xB0 <= encoded[0] <= 0xD7:
        return True
    # A440 to C67E of Big5: 5,401 characters.
    encoded = character.encode("big5", "replace")
    return len(encoded) == 2 and 0xA4 <= encoded[0] <= 0xC6


def _guessed(data: bytes, name: str) -> str:
    from charset_normalizer import from_bytes

    matches = from_bytes(data[:_SAMPLE])
    best = matches.best()
    if best is not None:
        # About equally likely, West European is more so.
        bar = best.coherence - best.chaos - 0.05
        western = (m for m in matches if m.encoding in _WESTERN and m.coherence - m.chaos >= bar)
        match = next(western, best)
        try:
            return data.decode(match.encoding)
        except (UnicodeDecodeError, LookupError):
            pass
    message = f"{name} is in no text encoding that was recognised. {_ADVICE}"
    raise UnreadableDocument(message)
