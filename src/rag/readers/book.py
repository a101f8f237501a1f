"""EPUB books: their chapters in reading order."""

from __future__ import annotations

import posixpath
import zipfile
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from rag.errors import UnreadableDocument
from rag.readers.archives import opened_archive
from rag.readers.building import TextBuilder
from rag.readers.encoding import decode
from rag.readers.html import add_html

if TYPE_CHECKING:
    from rag.readers.limits import ParsingLimits
    from rag.schema import ParsedDocument

__all__ = ["parse"]

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_FONTS = (b"http://www.idpf.org/2008/embedding", b"http://ns.adobe.com/pdf/enc#RC")
_PAGES = frozenset({"application/xhtml+xml", "text/html"})


def parse(data: bytes, *, name: str, limits: ParsingLimits) -> ParsedDocument:
    """Read an .epub file. Raises UnreadableDocument."""
    del limits  # books flow, without pages
    from lxml import etree

    builder = TextBuilder()
    with opened_archive(data, name=name) as archive:
        try:
            title, chapters = _contents(archive, name)
            for chapter in chapters:
                add_html(
                    builder, decode(archive.read(chapter), name=f"{name}: {chapter}"), name=name
                )
        except (LookupError, ValueError, etree.XMLSyntaxError) as error:
            raise UnreadableDocument(
                f"{name} is no EPUB book that can be read ({error}). Download it again, or convert"
                " it to HTML."
            ) from error
    return builder.document(name=name, metadata={"title": title})


def _contents(archive: zipfile.ZipFile, name: str) -> tuple[str, list[str]]:
    """The book's title, and the names of its chapters in reading order."""
    names = set(archive.namelist())
    if _ENCRYPTION in names and not any(mark in archive.read(_ENCRYPTION) for mark in _FONTS):
        raise UnreadableDocument(
            f"{name} is protected against copying (DRM): its text is encrypted. Expected a book"
            " without protection."
        )
    container = _xml(archive.read(_CONTAINER))
    (package_name, *_) = container.xpath("//*[local-name()='rootfile']/@full-path") or [""]
    package = _xml(archive.read(str(package_name)))
    folder = posixpath.dirname(str(package_name))
    items = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in package.xpath("//*[local-name()='manifest']/*[local-name()='item']")
        if item.get("media-type") in _PAGES
    }
    spine = package.xpath("//*[local-name()='spine']/*[local-name()='itemref']/@idref")
    titles = package.xpath("//*[local-name()='metadata']/*[local-name()='title']/text()")
    chapters = [items[each] for each in spine if items.get(each) in names]
    return " ".join(" ".join(map(str, titles[:1])).split()), chapters


def _xml(data: bytes) -> Any:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    return etree.fromstring(data, parser=parser)
