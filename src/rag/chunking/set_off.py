"""Headings of plain text that only a blank line before them tells from their text; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.text import contains_han

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.schema import Block

__all__ = ["set_off"]

_LONGEST, _LONGEST_LATIN = 16, 48
_SISTERS = 3
"""One short line may be anything; three alike are the headings of an article."""

_TIMES_LONGER = 3
_NOT_A_HEADING = re.compile(r"[。！？!?；;，,：:…、|·=@]|\.$|^[\W\d]")


def set_off(text: str, blocks: Sequence[Block]) -> list[int]:
    """Indexes of short lines with a blank line before them and their text right below.

    None at all where there are fewer than three.
    """
    found = [
        index
        for index in range(1, len(blocks) - 1)
        if blocks[index].kind == "paragraph"
        and _is_short(text[blocks[index].start : blocks[index].end])
        and text.count("\n", blocks[index - 1].end, blocks[index].start) > 1
        and text.count("\n", blocks[index].end, blocks[index + 1].start) == 1
        and _length(blocks[index + 1]) >= _TIMES_LONGER * _length(blocks[index])
    ]
    return found if len(found) >= _SISTERS else []


def _is_short(line: str) -> bool:
    limit = _LONGEST if contains_han(line) else _LONGEST_LATIN
    return len(line) <= limit and _NOT_A_HEADING.search(line) is None


def _length(block: Block) -> int:
    return block.end - block.start
