"""Lists that headings make: those that a sentence announces, and the lines below one; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.composers.fields import is_field
from rag.composers.quoting import LIST_BUDGET, units
from rag.schema import Quotation
from rag.text import simplified

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rag.composers.selection import Sentence
    from rag.schema import Passage, Question

__all__ = ["announced", "below_heading"]

_ANNOUNCES = re.compile(
    r"(?:[一二三四五六七八九十\d]+|以下|下列|几)[个大项]?(?:方面|重点|任务|工作|举措)|如下|主要做了"
)
"""A sentence that announces a list of headings: 重点做好九个方面工作。"""

_NAMES_LIST = 0.7
"""The coverage from which on a heading names the list that is asked for."""


def announced(
    question: Question,
    ranked: Sequence[Sentence],
    passages_of: Callable[[str], Sequence[Passage]],
) -> tuple[Sentence, tuple[Quotation, ...]] | None:
    """The run-in headings that a sentence announces, when a list of them is asked for.

    重点做好九个方面工作。 is answered by the nine headings after it, each in its own passage.
    """
    if question.kind != "list" or not _ANNOUNCES.search(simplified(question.wording)):
        return None
    fullest = max(sentence.coverage for sentence in ranked)
    for sentence in ranked:
        if not _ANNOUNCES.search(sentence.text) or sentence.coverage < 0.8 * fullest:
            continue
        passage = sentence.hit.passage
        depth = len(passage.section)
        quotations: dict[str, Quotation] = {}
        for later in passages_of(passage.document_id):
            if later.ordinal <= passage.ordinal or later.section[:depth] != passage.section:
                continue
            if len(later.section) > depth and later.section[depth] not in quotations:
                heading = later.section[depth]
                at = later.text.find(heading)
                if at >= 0:
                    start = later.start + at
                    quotations[heading] = _quotation(later, start, start + len(heading))
        if len(quotations) > 1:
            return sentence, tuple(quotations.values())
    return None


def below_heading(
    question: Question, ranked: Sequence[Sentence], *, penalty: float
) -> tuple[Sentence, tuple[Quotation, ...]] | None:
    """What stands below a heading that says what is asked for, when a list is asked for.

    申请材料 is answered by the lines after it, which do not say what they are. ``penalty`` is what
    a heading's score has lost for being one.
    """
    if question.kind != "list":
        return None
    best = max(ranked, key=lambda each: each.score - penalty * each.signals["heading"])
    if not best.signals["heading"] or best.coverage < _NAMES_LIST:
        return None
    passage = best.hit.passage
    below = [
        (passage.start + start, passage.start + end)
        for start, end in units(passage.text)
        if passage.start + start >= best.end
    ]
    fitting = [end for _, end in below if end - below[0][0] <= LIST_BUDGET]
    lines = [passage.text[start - passage.start : end - passage.start] for start, end in below]
    if not fitting or sum(map(is_field, lines)) > 1:  # each with a label of its own
        return None
    return best, (_quotation(passage, below[0][0], fitting[-1]),)


def _quotation(passage: Passage, start: int, end: int) -> Quotation:
    return Quotation(
        passage_id=passage.passage_id,
        document_id=passage.document_id,
        start=start,
        end=end,
        text=passage.text[start - passage.start : end - passage.start],
    )
