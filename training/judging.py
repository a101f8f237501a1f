"""What the judge learns from: questions, each with sentences that answer it and others that do not.

The sentences are those of the passage that a question was written about, and of passages near it;
all of a question's are wrong where nothing answers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from rag.composers.quoting import units
from rag.embedders.bundled import BundledEmbedder
from rag.protocols import Reading
from rag.questions.languages import spoken_language
from rag.questions.years import told_in
from training.asked import Asked, asked, measuring_titles
from training.material import read

__all__ = ["Choice", "as_put", "choices", "is_held_out"]

_NEAR = 5
"""Passages whose sentences are compared, beside the passage itself."""
_KEPT = 11
"""Sentences that are kept of them, the nearest, beside those that answer."""
_OWN = 0.15
"""How much nearer a sentence of the passage itself counts."""

_REPORT = re.compile(r"(?P<place>\w+)-(?P<year>\d{4})(?P<english>\.en)?")
"""The name of a report's file, which is its title in the material."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A question and sentences; those of ``right`` answer, the others do not."""

    question: str
    title: str
    right: tuple[Reading, ...]
    wrong: tuple[Reading, ...]


def is_held_out(title: str) -> bool:
    """Whether questions about a document measure, and are not learned from: one in ten, and those
    that were written for it.
    """
    if title in measuring_titles():
        return True
    return int(hashlib.md5(title.encode(), usedforsecurity=False).hexdigest(), 16) % 10 == 0


@cache
def as_put(question: str, title: str) -> tuple[str, str]:
    """A question and the title of what it is asked of, as the product puts them to the judge.

    Reports have the titles that they have in an index, and in questions their own year and the one
    before have the words that they have for them.
    """
    if (report := _REPORT.fullmatch(title)) is None:
        return question, title
    year = int(report["year"])
    indexed = f"{report['place'].replace('全国', '国务院')}{year}年政府工作报告"
    if report["english"]:
        indexed = f"Report on the Work of the Government {year}"
    return question if spoken_language(question) else told_in(year, question), indexed


def choices() -> list[Choice]:
    """All questions, in the order of the material."""
    embedder = BundledEmbedder.load()
    questions = [*_encyclopaedic(), *asked()]
    passages = list(dict.fromkeys((each.title, each.passage) for each in questions))
    number_of = {passage: number for number, passage in enumerate(passages)}
    places = [
        (number, start, end)
        for number, (_, text) in enumerate(passages)
        for start, end in units(text)
        if any(map(str.isalnum, text[start:end]))
    ]
    own: list[list[int]] = [[] for _ in passages]
    for place, (number, _, _) in enumerate(places):
        own[number].append(place)
    readings = [
        Reading(
            sentence=passages[number][1][start:end],
            title=passages[number][0],
            before=passages[number][1][:start],
        )
        for number, start, end in places
    ]
    sentences = embedder.embed_passages([reading.sentence for reading in readings])
    whole = embedder.embed_passages([f"{title} {text}" for title, text in passages])
    found = []
    for question in questions:
        asked_for = embedder.embed_query(question.question)
        mine = number_of[question.title, question.passage]
        near = np.argsort(-(whole @ asked_for), kind="stable")[:_NEAR].tolist()
        offered = [place for number in dict.fromkeys([mine, *near]) for place in own[number]]
        spans = list(_spans(question))
        right = [
            place
            for place in own[mine]
            if any(places[place][1] <= start and end <= places[place][2] for start, end in spans)
        ]
        if question.answers and not right:  # it goes over a sentence's end
            continue
        nearness = sentences[offered] @ asked_for
        nearness += [_OWN * (places[place][0] == mine) for place in offered]
        nearest = [offered[each] for each in np.argsort(-nearness, kind="stable")[:_KEPT]]
        found.append(
            Choice(
                question.question,
                question.title,
                tuple(readings[place] for place in right),
                tuple(readings[place] for place in nearest if place not in right),
            )
        )
    return found


def _encyclopaedic() -> Iterator[Asked]:
    for record in read("qa_mrc_zh"):
        if record["q"].strip():
            yield Asked(record["q"], "", record["a"], (record["answer"].rstrip("。"),))


def _spans(question: Asked) -> Iterator[tuple[int, int]]:
    for answer in question.answers:
        start = question.passage.find(answer)
        while start >= 0:
            yield start, start + len(answer)
            start = question.passage.find(answer, start + 1)
