"""Lines that say of what they are by a label: 咨询电话：020-…, or a row of a table; pure.

Forms and service guides hold one fact a line, about the thing that the title names. Such a line
answers what its label says and nothing else, and does not repeat the thing.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from rag.schema import Hit, Question

    FloatArray = npt.NDArray[np.float32]

__all__ = ["fields_among", "is_field", "label_agreement", "value_of"]

_LABELLED = re.compile(r"[^：:\n|。，；！？]{2,16}[：:]\s*\S")
_ROW = re.compile(r"[^=\n|]{1,30}=[^|\n]*(?:\||；$)")
"""As ``readers.building`` writes the rows of tables: 城市=合肥 | 增速=5.8%；"""

_NAMED = 0.8
"""A match from which on the title names a term."""
_TELLING = 0.4
"""Words of less than this share of the heaviest one's weight say nothing of what is asked."""


def is_field(line: str) -> bool:
    """Whether a line is a label with what stands for it, or a row of a table."""
    return _LABELLED.match(line) is not None or _ROW.match(line) is not None


def value_of(line: str) -> str:
    """A line without its label."""
    return re.split("[：:=]", line, maxsplit=1)[-1]


def fields_among(places: Sequence[tuple[Hit, int, int]]) -> list[bool]:
    """Which stretches of passages are lines with labels, in passages that have several."""
    labelled = [is_field(hit.passage.text[start:end]) for hit, start, end in places]
    passages = [hit.passage.passage_id for hit, _, _ in places]
    counts = Counter(each for each, is_one in zip(passages, labelled, strict=True) if is_one)
    return [is_one and counts[each] > 1 for each, is_one in zip(passages, labelled, strict=True)]


def label_agreement(
    question: Question, own: FloatArray, title: FloatArray, *, kind: float
) -> float:
    """Whether a line with a label is what is asked of the thing that its title names.

    ``own`` and ``title`` are how well the line and its headings hold each term, ``kind`` whether
    the line is of the kind asked for. 0 where it is, or where it holds a word that the title does
    not; down to -1 where neither.
    """
    left = [
        (weight, float(match))
        for weight, match, named in zip(question.weights, own, title, strict=True)
        if named < _NAMED
    ]
    heaviest = max((weight for weight, _ in left), default=0.0)
    telling = [match for weight, match in left if weight > _TELLING * heaviest]
    return 0.0 if kind >= 1.0 or not telling else min(0.0, max(telling) / _NAMED - 1.0)
