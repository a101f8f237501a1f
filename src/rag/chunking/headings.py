"""Which blocks are headings and which paragraphs open with one, and the path each text lies under.

Plain text marks its headings by numbering (一、 （一） 1. 第一章), by standing alone, or by running
into the paragraph they head (着力扩大有效益的投资。持续深化…). The last kind is told from an
ordinary short sentence by its sisters: the paragraphs beside it open alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.chunking.numbering import Marker, Outline, marker_of
from rag.chunking.set_off import set_off
from rag.text import contains_han

if TYPE_CHECKING:
    from rag.schema import Block, ParsedDocument

__all__ = ["Piece", "outline"]

_STANDING_LIMIT = 60
"""A numbered line of at most this many characters is a heading."""

_LATIN_LIMIT = 160
"""Likewise in a language with longer words."""

_BEFORE_TITLE = 4
"""Short lines at most before the title of a page: the site's name, a date."""

_RUN_IN_LIMIT = 46
"""A numbered paragraph's first sentence of at most this many characters is one, too."""

_PLAIN_RUN_IN_LIMIT = 28
"""An unnumbered one must be shorter, hold no figure, and have sisters."""

_ITEMS = {"arabic", "bracketed arabic", "circled"}
"""Styles of glossaries and lists, too, whose lines explain (2.“两新”：大规模设备更新)."""

_CHAPTERS = {"part", "chapter", "roman", "chinese"}
"""Styles of chapters: where one of them is in use, unnumbered headings lie below it."""

_UNNUMBERED_LIMIT = 32
_SISTERS = 0.6
"""Share of the paragraphs beside a run-in heading that must open with one."""

_FIRST_SENTENCE = re.compile(r"[^。！？!?\n]{2,}?[。！？!?]|[A-Z][^.!?\n]{6,150}[.!?](?=\s)")
_SALUTATION = re.compile(
    r"(?:各位(?:代表|委员|同志|领导)|同志们|女士们|先生们|朋友们|尊敬的|Dear\b|Fellow\b|Esteemed\b)"
)
_ENDS_OPEN = re.compile(r"[。！？!?；;，,：:…]$")
_HEADING_WORDS = re.compile(
    r"回顾|安排|任务|目标|要求|重点|成就|部署|举措|措施|总结|展望|建议|实事|附[件录则]|前言|引言|结语"
    r"|结束语|目录|名词解释"
)
_ANNEX = re.compile(r"附[件录表]|名词解释|结束语|注释|相关链接")
_NOT_A_HEADING = re.compile(r"[\d０-９“”「」：；:;]|[我你您他她它]们?|[了吗呢吧啊]|[这那][个些是]")
_DASHES = re.compile(r"[—–―─\-]{1,4}\s*")


@dataclass(frozen=True, slots=True)
class Piece:
    """A block under its heading path; ``heading`` pieces stand alone, others may open with one."""

    start: int
    end: int
    section: tuple[str, ...]
    is_heading: bool
    kind: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class _Heading:
    """A heading of plain text: the whole line, or the first sentence of a paragraph."""

    start: int
    end: int
    marker: Marker | None
    standing: bool
    """A line of its own."""
    own_paragraph: bool
    """Heads what directly follows, not all that comes until the next."""
    top: bool = False


def outline(parsed: ParsedDocument) -> list[Piece]:
    """The document's own blocks with their heading paths, in order; boilerplate is left out."""
    blocks = [block for block in parsed.blocks if block.kind != "boilerplate"]
    title = _title(parsed, blocks)
    if sum(block.kind == "heading" for block in blocks) > (title is not None):
        return _marked_up(parsed.text, blocks, title)
    return _plain(parsed.text, blocks)


def _title(parsed: ParsedDocument, blocks: Sequence[Block]) -> int | None:
    """The block that is the document's title: it opens with the only heading of the highest level.

    The head of a web page may name it longer (title - site), and short lines may come before it.
    """
    levels = {index: block.level for index, block in enumerate(blocks) if block.kind == "heading"}
    first = min(levels, default=None)
    if first is None or any(
        level <= levels[first] for index, level in levels.items() if index != first
    ):
        return None
    if first == 0 and "title" not in parsed.metadata:
        return first
    shown = parsed.text[blocks[first].start : blocks[first].end]
    before = blocks[:first]
    opens = first <= _BEFORE_TITLE and all(b.end - b.start <= _STANDING_LIMIT for b in before)
    return first if opens and shown in str(parsed.metadata.get("title", shown)) else None


def _marked_up(text: str, blocks: Sequence[Block], title: int | None) -> list[Piece]:
    """Headings as the reader marked them, the document's title left out of the paths."""
    path: list[tuple[int, str]] = []
    pieces = []
    for index, block in enumerate(blocks):
        heading = block.kind == "heading"
        if heading and index != title:
            name = _tidy(text[block.start : block.end])
            path = [*(entry for entry in path if entry[0] < block.level), (block.level, name)]
        section = tuple(name for _, name in path)
        pieces.append(_piece(block, section, is_heading=heading))
    return pieces


def _plain(text: str, blocks: Sequence[Block]) -> list[Piece]:
    lines = [text[block.start : block.end] for block in blocks]
    headings = _standing(lines, blocks) or {
        index: _heading(blocks[index], None, top=True) for index in set_off(text, blocks)
    }
    headings.update(_opening(lines, blocks, headings))
    order = sorted(headings)
    open_headings = Outline(
        [headings[index].marker for index in order if not headings[index].own_paragraph]
    )
    singles = _Singles()
    sister: tuple[str, ...] = ()  # the standing heading of one paragraph that is open
    pieces = []
    for index, block in enumerate(blocks):
        heading = headings.get(index)
        if (
            heading
            and heading.marker
            and not heading.own_paragraph
            and not open_headings.expects(heading.marker)
        ):
            open_headings.skip()
            heading = None
        if heading is None and block.kind == "heading":
            pieces.append(_piece(block, open_headings.titles, is_heading=True))  # the title
            continue
        if heading is None:
            base = open_headings.titles
            keep = singles.depth(base, salutes=_SALUTATION.match(lines[index]) is not None)
            section = base[:keep] if keep < len(base) else base + sister
            if keep < len(base):
                sister = ()
            elif sister:
                sister = singles.sister_continues(sister)
                section = base + sister
            pieces.append(_piece(block, section))
            continue
        title = _tidy(text[heading.start : heading.end])
        if heading.own_paragraph:
            section = (*open_headings.titles, title)
            sister = (title,) if heading.standing else ()
            singles.sister_begins()
        else:
            open_headings.enter(title, heading.marker, top=heading.top)
            section, sister = open_headings.titles, ()
            singles.begins(section, standing=heading.standing)
        pieces.append(_piece(block, section, is_heading=heading.standing))
    return pieces


def _piece(block: Block, section: tuple[str, ...], *, is_heading: bool = False) -> Piece:
    kind = "heading" if is_heading else block.kind
    return Piece(block.start, block.end, section, is_heading, kind, block.page)


class _Singles:
    """Tells when the last of （一）（二）（三）… is over, which no heading says.

    Where each of its sisters had one paragraph, so has the last; and a salutation (各位代表！)
    opens what belongs to the chapter in any case.
    """

    def __init__(self) -> None:
        self._parent: tuple[str, ...] | None = None
        self._counts: list[int] = []
        self._over: tuple[str, ...] | None = None
        self._sisters: list[int] = []

    def begins(self, section: tuple[str, ...], *, standing: bool) -> None:
        """A heading with this path begins; one that runs into a paragraph has that one at once."""
        if section[:-1] != self._parent:
            self._parent, self._counts = section[:-1], []
        self._counts.append(0 if standing else 1)
        self._over = None
        self._sisters = []

    def depth(self, section: tuple[str, ...], *, salutes: bool) -> int:
        """How much of its path a paragraph without a heading of its own keeps."""
        if len(section) < 2:
            return len(section)
        if salutes:
            self._over = section
        if self._over == section:
            return 1
        if self._parent != section[:-1] or self._sisters:
            return len(section)
        earlier = self._counts[:-1]
        if self._counts[-1] >= 1 and len(earlier) >= 2 and all(n == 1 for n in earlier):
            self._over = section
            return len(section) - 1
        self._counts[-1] += 1
        return len(section)

    def sister_begins(self) -> None:
        """A heading of one paragraph begins, below what is open."""
        if self._counts:
            self._counts[-1] += 1
        self._sisters.append(0)
        self._over = None

    def sister_continues(self, sister: tuple[str, ...]) -> tuple[str, ...]:
        """The path below what is open for one more paragraph: with the sister, or without."""
        earlier = self._sisters[:-1]
        if self._sisters and self._sisters[-1] >= 1 and earlier and all(n == 1 for n in earlier):
            return ()
        if self._sisters:
            self._sisters[-1] += 1
        return sister


def _tidy(title: str) -> str:
    bare = _DASHES.sub("", title.strip(), count=1) if _DASHES.match(title.strip()) else title
    return re.sub(r"\s+", " ", bare.strip()).rstrip("。：:")


def _standing(lines: Sequence[str], blocks: Sequence[Block]) -> dict[int, _Heading]:
    """Lines that are headings as a whole, by index."""
    markers = [marker_of(line) for line in lines]
    numbered = {}
    for index, (line, marker) in enumerate(zip(lines, markers, strict=True)):
        # Beside another of its style, without text between, it is an item of a list.
        beside = markers[max(0, index - 1) : index] + markers[index + 1 : index + 2]
        listed = marker and any(other and other.style == marker.style for other in beside)
        limit = _STANDING_LIMIT if contains_han(line) else _LATIN_LIMIT
        if (
            marker
            and marker.length < len(line.strip()) <= limit
            and marker.style != "listed"
            and blocks[index].kind in {"paragraph", "heading"}
            and not listed
            and index + 1 < len(lines)
            and _is_one_title(line)
            and not (marker.style in _ITEMS and re.search("[：:]", line))
        ):
            numbered[index] = _heading(blocks[index], marker)
    _drop_items(lines, numbered)
    first_chapter = min(
        (i for i, h in numbered.items() if h.marker and h.marker.style in _CHAPTERS),
        default=len(lines),
    )
    chapters = False
    for index, line in enumerate(lines):
        if (
            index in numbered
            or markers[index]
            or blocks[index].kind not in {"paragraph", "heading"}
        ):
            continue
        if _stands_alone(lines, index, after_heading=index - 1 in numbered):
            # Those before any numbered chapter are the chapters themselves.
            chapters = chapters or index < first_chapter
            top = chapters or _ANNEX.match(line) is not None
            top = top or (index > 0 and _ANNEX.match(lines[index - 1]) is not None)
            numbered[index] = _heading(blocks[index], None, top=top)
    return numbered


def _drop_items(lines: Sequence[str], headings: dict[int, _Heading]) -> None:
    """Sentences among titles of one style (四、… with 。) are items of lists, not headings."""
    for style in sorted(_CHAPTERS):
        members = [i for i, h in headings.items() if h.marker and h.marker.style == style]
        sentences = [index for index in members if lines[index].rstrip().endswith("。")]
        if len(sentences) < len(members) / 2:
            for index in sentences:
                del headings[index]


def _heading(block: Block, marker: Marker | None, *, top: bool = False) -> _Heading:
    return _Heading(block.start, block.end, marker, True, False, top)


def _is_one_title(line: str) -> bool:
    """Whether a line is one title or one sentence, and neither goes on nor lists."""
    return re.search(r"[。！？!?；;](?!$)|[，,：:；;、《（“]$", line.strip()) is None


def _stands_alone(lines: Sequence[str], index: int, *, after_heading: bool) -> bool:
    line = lines[index]
    if index == 0 or index + 1 >= len(lines) or len(line) > _UNNUMBERED_LIMIT:
        return False
    if _ANNEX.match(line) and not _ENDS_OPEN.search(line):
        return True
    titled = after_heading or _ANNEX.match(lines[index - 1]) is not None
    return (
        _HEADING_WORDS.search(line) is not None
        and not _ENDS_OPEN.search(line)
        and not _SALUTATION.match(line)
        and not line.startswith(("—", "-", "（", "(", "》"))
        and not re.search("[，。；：:]", line)
        and (titled or len(lines[index + 1]) > 2 * len(line))
        and any(len(earlier) > _UNNUMBERED_LIMIT for earlier in lines[:index])
    )


def _opening(
    lines: Sequence[str], blocks: Sequence[Block], standing: dict[int, _Heading]
) -> dict[int, _Heading]:
    """Paragraphs that open with a run-in heading, and lines that are one, by index."""
    found: dict[int, _Heading] = {}
    plain: dict[int, _Heading] = {}
    chapters = any(h.marker and h.marker.style in _CHAPTERS for h in standing.values())
    for index, (line, block) in enumerate(zip(lines, blocks, strict=True)):
        if index in standing or block.kind != "paragraph":
            continue
        first = _FIRST_SENTENCE.match(line)
        if first is None:
            continue
        alone = first.end() >= len(line)
        marker = marker_of(line)
        end = block.start + first.end()
        if marker and marker.style != "listed":
            # 一、 inside a chapter that a line 一、 heads is an item of a list, not a chapter.
            item = marker.style in {"chinese", "ordinal"} and chapters
            if not alone and first.end() <= _RUN_IN_LIMIT and "：" not in first.group():
                found[index] = _Heading(block.start, end, marker, False, item)
        elif _may_run_in(first.group(), listed=marker is not None) and (
            not alone or (index + 1 < len(lines) and len(lines[index + 1]) > len(line))
        ):
            plain[index] = _Heading(block.start, end, None, alone, True)
    found.update(_with_sisters(plain, found, standing, lines))
    return found


def _may_run_in(sentence: str, *, listed: bool) -> bool:
    limit = _RUN_IN_LIMIT if listed else _PLAIN_RUN_IN_LIMIT
    return (
        len(sentence) <= limit
        and sentence.endswith("。")
        and not _NOT_A_HEADING.search(sentence)
        and sentence.count("，") <= 1
        and not _SALUTATION.match(sentence)
    )


def _with_sisters(
    plain: dict[int, _Heading],
    numbered: dict[int, _Heading],
    standing: dict[int, _Heading],
    lines: Sequence[str],
) -> dict[int, _Heading]:
    """Those of the plain candidates that have at least one more beside them in their section.

    Only under a heading: a story's paragraphs may open with short sentences, too.
    """
    found: dict[int, _Heading] = {}
    group: list[int] = []
    members = 0
    under_heading = False
    for index in range(len(lines) + 1):
        if index == len(lines) or index in standing or index in numbered:
            if under_heading and len(group) >= 2 and len(group) >= _SISTERS * members:
                found.update({member: plain[member] for member in group})
            group, members = [], 0
            under_heading = True
            continue
        if index in plain:
            group.append(index)
        # What introduces the first of them, what a line heads, and salutations do not count.
        headed = index - 1 in plain and plain[index - 1].standing
        if group and not headed and not _SALUTATION.match(lines[index]):
            members += 1
    return found
