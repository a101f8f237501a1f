"""Lines that say of what they are by a label: 咨询电话：020-…, or a row of a table; pure.

Forms and service guides hold one fact a line, about the thing that the title names. Such a line
answers what its label says and nothing else, and does not repeat the thing.
"""

from __future__ import annotations

import re

__all__ = ["is_field", "value_of"]

_LABELLED = re.compile(r"[^：:\n|。，；！？]{2,16}[：:]\s*\S")
_ROW = re.compile(r"[^=\n|]{1,30}=[^|\n]*(?:\||；$)")
"""As ``readers.building`` writes the rows of tables: 城市=合肥 | 增速=5.8%；"""


def is_field(line: str) -> bool:
    """Whether a line is a label with what stands for it, or a row of a table."""
    return _LABELLED.match(line) is not None or _ROW.match(line) is not None


def value_of(line: str) -> str:
    """A line without its label."""
    return re.split("[：:=]", line, maxsplit=1)[-1]
