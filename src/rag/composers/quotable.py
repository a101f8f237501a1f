"""The sentences of passages that may be quoted in support of something; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.composers.claims import years
from rag.schema import Quotation
from rag.scope import spoken_years
from rag.text import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.schema import Hit

__all__ = ["Quotable", "are_plans", "quotables"]

_TO_THE_MODEL = re.compile(
    r"(?:忽略|无视|忘记|不要理会|不要遵守|覆盖)[^。！？\n]{0,12}(?:指令|指示|提示词?|规则|要求|设定)"
    r"|(?:系统|你的?)提示词|你(?:现在)?是一[个名]?[^。\n]{0,8}(?:模型|助手|机器人)"
    r"|(?:请|必须|只(?:能|需|要)?)(?:你)?(?:只)?(?:回答|回复|输出)"
    r"|\b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:instructions?|prompts?|rules?|above)\b"
    r"|\bsystem prompt\b|\byou are (?:now )?an? (?:ai|assistant|language model|chatbot)\b"
    r"|\b(?:reply|respond|answer|output)\s+(?:only\s+)?with\b|<\|\w+\|>",
    re.I,
)
"""Words that a document addresses to a language model: data, and never evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotable:
    """A sentence of a cited passage, with offsets in its document."""

    hit: Hit
    start: int
    end: int
    text: str

    @property
    def context(self) -> str:
        """The title and the headings above it."""
        return " ".join((self.hit.title, *self.hit.passage.section))

    @property
    def years(self) -> frozenset[int]:
        """The years that it names, or speaks of without naming them: its section's or title's."""
        passage = self.hit.passage
        found = years(self.text) | years(" ".join(passage.section))
        if passage.period is not None:
            return found | spoken_years(self.hit)
        return found or years(self.hit.title)

    def quotation(self) -> Quotation:
        """As it is cited."""
        return Quotation(
            passage_id=self.hit.passage.passage_id,
            document_id=self.hit.passage.document_id,
            start=self.start,
            end=self.end,
            text=self.text,
        )


def quotables(hit: Hit) -> list[Quotable]:
    """The sentences of a passage, but for those that are addressed to a language model."""
    passage = hit.passage
    return [
        Quotable(
            hit=hit,
            start=passage.start + start,
            end=passage.start + end,
            text=passage.text[start:end],
        )
        for start, end in sentences(passage.text)
        if any(map(str.isalnum, passage.text[start:end]))
        and not _TO_THE_MODEL.search(passage.text[start:end])
    ]


def are_plans(evidence: Sequence[Quotable]) -> bool | None:
    """Whether all evidence stands among plans, or all among results; None otherwise."""
    periods = {unit.hit.passage.period for unit in evidence}
    if len(periods) != 1 or None in periods:
        return None
    return periods == {"plan"}
