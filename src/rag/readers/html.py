"""Web pages: headings, paragraphs, lists and tables, without what surrounds the content."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from rag.errors import UnreadableDocument
from rag.readers.building import TextBuilder
from rag.readers.encoding import decode

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from rag.readers.limits import ParsingLimits
    from rag.schema import ParsedDocument

__all__ = ["add_html", "parse"]

_DECLARED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w-]+)"""
)
_DECLARED_WITHIN = 4_096
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "iso-8859-1": "cp1252",
}

_LEFT_OUT = frozenset(
    {"script", "style", "noscript", "template", "nav", "footer", "aside", "form", "iframe"}
    | {"object", "svg", "math", "head", "button", "select", "canvas", "audio", "video", "dialog"}
)
_BREAKS = frozenset(
    {"address", "article", "blockquote", "body", "br", "caption", "center", "dd", "details", "div"}
    | {"dl", "dt", "fieldset", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"header", "hr", "html", "legend", "li", "main", "ol", "option", "p", "pre", "section"}
    | {"summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_LIST_ITEMS = frozenset({"li", "dd", "dt"})
_FURNITURE_ROLES = frozenset({"navigation", "menu", "menubar", "search", "contentinfo"})
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)


def parse(data: bytes, *, name: str, limits: ParsingLimits) -> ParsedDocument:
    """Read a web page. Raises UnreadableDocument."""
    del limits  # a page is as long as its file
    builder = TextBuilder()
    title = add_html(builder, _decoded(data, name), name=name)
    return builder.document(name=name, metadata={"title": title})


def add_html(builder: TextBuilder, text: str, *, name: str) -> str:
    """Add the content of a page to a text; the title that its head gives, or nothing.

    Raises UnreadableDocument.
    """
    from lxml import etree
    from lxml.html import HTMLParser, document_fromstring

    try:
        root = document_fromstring(
            text.encode("utf-8", "replace"), parser=HTMLParser(encoding="utf-8")
        )
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise UnreadableDocument(
            f"{name} holds no HTML that can be read: {error}. Open it in a browser and save it"
            " again."
        ) from error
    titles = root.xpath("//head/title/text()")
    body = root.find("body")
    if body is not None:
        _Walk(builder).through(body)
    return " ".join(" ".join(map(str, titles)).split())


def _decoded(data: bytes, name: str) -> str:
    """The page's text, in the encoding it declares where that fits."""
    found = _DECLARED.search(data[:_DECLARED_WITHIN])
    if found and not data.startswith(_MARKS):
        declared = found[1].decode("ascii").lower()
        try:
            return data.decode(_SUPERSETS.get(declared, declared))
        except (LookupError, UnicodeDecodeError):
            pass  # many pages declare what they are not
    return decode(data, name=name)


class _Walk:
    """Goes through a page and ends a block wherever a browser would begin a new line."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._words: list[str] = []
        self._open: list[str] = []

    def through(self, body: HtmlElement) -> None:
        from lxml import etree

        walk = etree.iterwalk(body, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            if event in {"comment", "pi"}:
                self._words.append(element.tail or "")
                continue
            tag = str(element.tag).lower()
            if event == "end":
                if tag in _BREAKS:
                    self._flush()
                    if self._open and self._open[-1] == tag:
                        self._open.pop()
                if element is not body:
                    self._words.append(element.tail or "")
                continue
            role = element.get("role")
            if tag in _LEFT_OUT or role in _FURNITURE_ROLES or _is_hidden(element):
                walk.skip_subtree()
                continue
            if tag == "table" and (rows := _rows(element)):
                self._flush()
                self._builder.add_table(rows)
                walk.skip_subtree()
                continue
            if tag in _BREAKS:
                self._flush()
                if tag != "br":
                    self._open.append(tag)
            if tag == "pre":
                self._preformatted(element)
                walk.skip_subtree()
                continue
            self._words.append(element.text or "")

    def _preformatted(self, element: HtmlElement) -> None:
        for line in element.text_content().splitlines():
            self._builder.add(line)

    def _flush(self) -> None:
        text, self._words = "".join(self._words), []
        heading = next((tag for tag in reversed(self._open) if tag in _HEADINGS), None)
        if heading:
            self._builder.add(text, kind="heading", level=_HEADINGS[heading])
        elif _LIST_ITEMS.intersection(self._open):
            self._builder.add(text, kind="list_item")
        else:
            self._builder.add(text)


def _is_hidden(element: HtmlElement) -> bool:
    return (
        "hidden" in element.attrib
        or element.get("aria-hidden") == "true"
        or _HIDDEN.search(element.get("style", "")) is not None
    )


def _rows(table: HtmlElement) -> list[list[str]]:
    """The cells of a table of data; nothing for one that only lays out the page."""
    if table.xpath(".//table | .//h1 | .//h2 | .//h3 | .//p[2] | .//ul"):
        return []
    rows = [
        [_cell(cell) for cell in row.xpath("./td | ./th")]
        for row in table.xpath("./tr | ./thead/tr | ./tbody/tr | ./tfoot/tr")
    ]
    captions = [[_cell(caption)] for caption in table.xpath("./caption")]
    return [*captions, *rows] if any(len(row) > 1 for row in rows) else []


def _cell(element: HtmlElement) -> str:
    # Text between tags belongs to the element that it follows.
    pieces = element.xpath(".//text()[not(ancestor::script or ancestor::style)]")
    return " ".join(map(str, pieces))
