"""Cases suggested from a library, for a person to edit: what has a figure, and what has a heading.

A machine knows where a figure stands, but not what somebody would want to know or how they would
say it. Every suggestion says so in its note and carries the tag ``suggested``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from rag.schema import DEFAULT_COLLECTION
from rag.text import language, sentences
from rag_eval.case import Case, Place

if TYPE_CHECKING:
    from rag.library import Library
    from rag.schema import Document, Passage

__all__ = ["suggest"]

_NOTE_FIGURE = "Suggested: ask as a person would, and check the fact."
_NOTE_HEADING = "Suggested: ask for something in this section, and write down the facts."
_UNIT = "个户家人万亿元辆套座项条吨岁年月日天次所名位件公顷亩里米平方%％‰℃"
_CLAUSE = re.compile(
    rf"(?P<asked>[^\d，。；：、\n*_`#]{{4,24}}?)(?P<about>约|近|超|达到?|至|为|超过|突破)?"
    rf"(?P<fact>\d[\d,.]*(?P<scale>[万亿千百]*)(?P<unit>[{_UNIT}]*))(?![\d号级届:：A-Za-z])"
)
_ENDS_IN_A_WORD = re.compile(r"[\u4e00-\u9fff”》）](?<![第等])\s*$")
_NUMBERING = re.compile(r"^[（(]?[一二三四五六七八九十\d]+[)）、.．]\s*")
_YEAR = re.compile(r"(?:19|20)\d\d(?:年|$)")
_WORDS = re.compile(
    r"(?P<before>(?:[A-Za-z'’-]+ ){2,14})"
    r"(?P<fact>(?P<money>[$£€¥]?)(?P<number>\d[\d,]*(?:\.\d+)?)"
    r"(?: (?P<scale>hundred|thousand|million|billion|trillion))?)"
    r"(?P<unit>(?: ?%| per\s?cent)|(?:[ -][a-z]+))?(?P<after>[^,.;:()\d\n]*)"
)
_NO_UNIT = frozenset({"a", "and", "at", "by", "for", "from", "in", "of", "on", "per", "to", "with"})
_WORDS_AFTER = 8
_NAMING = re.compile(r"\b(?:in|of|by|since|for|until|Year|No) $")
_MONTH = re.compile(
    r" ?(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_TRAILING = re.compile(r"(?: (?:a|an|and|at|by|for|from|in|of|on|the|to|with))+$")
_SHORTEST_HEADING = 4


def suggest(
    library: Library, *, count: int, collection: str = DEFAULT_COLLECTION
) -> tuple[Case, ...]:
    """At most ``count`` cases, three of four about a figure, spread evenly over the documents.

    Raises CollectionNotFound.
    """
    figures: list[list[Case]] = []
    headings: list[list[Case]] = []
    for summary in library.documents(collection):
        document = library.document(summary.document_id)
        passages = library.passages(summary.document_id)
        figures.append(list(_figures(passages)))
        headings.append(list(_headings(document, passages)))
    of_headings = _spread(headings, count - count * 3 // 4)
    of_figures = _spread(figures, count - len(of_headings))
    return tuple(
        _numbered(case, number) for number, case in enumerate((*of_figures, *of_headings), start=1)
    )


def _figures(passages: Sequence[Passage]) -> Iterator[Case]:
    """One figure of each passage that has some."""
    for passage in passages:
        for start, end in sentences(passage.text):
            sentence = passage.text[start:end].lstrip("-+*> ").rstrip()
            made = _chinese(sentence) if language(sentence) == "zh" else _english(sentence)
            if made is not None:
                yield made
                break


def _chinese(sentence: str) -> Case | None:
    found = _CLAUSE.search(sentence)
    if found is None or _YEAR.match(found["fact"]) or not _ENDS_IN_A_WORD.search(found["asked"]):
        return None
    if found["asked"].count("“") != found["asked"].count("”"):
        return None
    unit = found["unit"] if found["unit"] and found["unit"] not in "%％‰" else ""
    question = f"{found['asked'].strip()}{found['about'] or ''}多少{unit}？"
    return _case(question, found["fact"], found[0].strip())


def _english(sentence: str) -> Case | None:
    """The sentence asked back: "The port handled how many tonnes of cargo?"."""
    for found in _WORDS.finditer(sentence):
        naming = _YEAR.match(found["number"]) or _NAMING.search(found["before"])
        if naming or _MONTH.match(found["after"]) or not found["before"][0].isupper():
            continue
        unit = (found["unit"] or "").lstrip(" -")
        if unit in ("%", "percent", "per cent"):
            asked = "what percentage"
        elif found["money"] or not unit or unit in _NO_UNIT:
            asked = f"how much {unit}".strip()
        else:
            asked = f"how many {unit}"
        rest = " ".join(found["after"].split()[:_WORDS_AFTER])
        question = _TRAILING.sub("", f"{found['before'].strip()} {asked} {rest}".strip()) + "?"
        return _case(question, found["fact"], found[0].strip())
    return None


def _case(question: str, fact: str, quote: str) -> Case:
    return Case(
        case_id="",
        question=question,
        language=language(question),
        answerable=True,
        expected=((fact,),),
        evidence=(quote,),
        tags=("suggested", "figure"),
        note=_NOTE_FIGURE,
    )


def _headings(document: Document, passages: Sequence[Passage]) -> Iterator[Case]:
    """One case for each innermost heading."""
    paths = dict.fromkeys(passage.section for passage in passages if passage.section)
    for path in paths:
        heading = path[-1]
        if len(heading) < _SHORTEST_HEADING or " | " in heading:  # the head of a table
            continue
        spoken, topic = language(heading), _NUMBERING.sub("", heading)
        question = (
            f"关于“{topic}”，文件说了什么？"
            if spoken == "zh"
            else f"What does the document say about “{topic}”?"
        )
        yield Case(
            case_id="",
            question=question,
            language=spoken,
            answerable=True,
            evidence=(Place(document=document.source, section=heading),),
            tags=("suggested", "section"),
            note=_NOTE_HEADING,
        )


def _spread(groups: Iterable[Sequence[Case]], count: int) -> list[Case]:
    """As many of each group as of the others, evenly taken from its beginning to its end."""
    groups = [group for group in groups if group]
    share = -(-count // len(groups)) if groups else 0
    taken = [
        [group[place * len(group) // share] for place in range(share)]
        if len(group) > share
        else group
        for group in groups
    ]
    in_turn = [case for row in zip_longest(*taken) for case in row if case is not None]
    chosen = {id(case) for case in in_turn[:count]}
    return [case for group in taken for case in group if id(case) in chosen]


def _numbered(case: Case, number: int) -> Case:
    from dataclasses import replace

    return replace(case, case_id=f"suggested-{number:03d}")
