"""What the judge learns across languages from the parallel reports, beside what is asked so.

A question about a national report is one about its translation too: the sentence that answers is
the one aligned with it. And a clause of a sentence finds the sentence that it is translated by.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rag.embedders.bundled import BundledEmbedder
from rag.protocols import Reading
from rag.text import contains_han
from training.asked import asked
from training.judging import Choice, is_held_out
from training.material import parallel_reports

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["across"]

_SEED = 5
_KEPT = 11
"""Wrong sentences that are kept, the nearest."""
_MOST_RIGHT = 3
"""Sentences that an answer is found in, at most: what is in more of them tells nothing."""
_CLAUSE = re.compile(r"[^,，、;；。.!?！？:：]{6,}")
_CLAUSES = 0.5
"""Share of sentences of which a clause is taken."""
_WORDS = range(3, 15)
_CHARACTERS = range(6, 25)
"""Lengths of a clause that may stand for a question, in English and in Chinese."""
_LEAST = {"zh": 8, "en": 24}
"""Characters a sentence has at least: shorter ones are headings and names."""


@dataclass(frozen=True)
class _Year:
    """The aligned sentences of one report, by language."""

    titles: dict[str, str]
    sentences: dict[str, list[str]]
    embedder: BundledEmbedder

    @cached_property
    def vectors(self) -> dict[str, npt.NDArray[np.float32]]:
        """Of the sentences, shape (sentences, dimension)."""
        return {
            language: self.embedder.embed_passages(sentences)
            for language, sentences in self.sentences.items()
        }

    @cached_property
    def bare(self) -> dict[str, list[str]]:
        """The sentences without what is no letter or digit."""
        return {language: list(map(_bare, each)) for language, each in self.sentences.items()}

    def choice(self, question: str, language: str, right: Sequence[int]) -> Choice:
        """Sentences of a language for a question, those of the given numbers right."""
        nearness = self.vectors[language] @ self.embedder.embed_query(question)
        nearest = np.argsort(-nearness, kind="stable").tolist()
        wrong = [each for each in nearest if each not in right][:_KEPT]
        return Choice(
            question,
            self.titles[language],
            tuple(self._reading(language, number) for number in right),
            tuple(self._reading(language, number) for number in wrong),
        )

    def _reading(self, language: str, number: int) -> Reading:
        sentences = self.sentences[language]
        before = sentences[number - 1] if number else ""
        return Reading(sentence=sentences[number], title=self.titles[language], before=before)


def across() -> list[Choice]:
    """Questions and clauses with sentences of the other language; the questions first, all."""
    years = _years()
    found = list(_translated(years))
    chance = random.Random(_SEED)
    for year in years.values():
        for language, sentences in year.sentences.items():
            for number, sentence in enumerate(sentences):
                if chance.random() < _CLAUSES and (clause := _clause(sentence, chance)):
                    other = "en" if language == "zh" else "zh"
                    found.append(year.choice(clause, other, [number]))
    return found


def _years() -> dict[str, _Year]:
    embedder = BundledEmbedder.load()
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for record in parallel_reports(held_out=False):
        chinese, english = record["zh"].strip(), record["en"].strip()
        if len(chinese) >= _LEAST["zh"] and len(english) >= _LEAST["en"]:
            pairs[record["src"].removeprefix("gwr")].append((chinese, english))
    return {
        year: _Year(
            {"zh": f"全国-{year}", "en": f"national-{year}.en"},
            {"zh": [chinese for chinese, _ in both], "en": [english for _, english in both]},
            embedder,
        )
        for year, both in pairs.items()
        if not is_held_out(f"全国-{year}") and not is_held_out(f"national-{year}.en")
    }


def _translated(years: dict[str, _Year]) -> Iterator[Choice]:
    """Questions that were written about one language's report, for the other's sentences."""
    for question in asked():
        year = years.get(question.title.removesuffix(".en")[-4:])
        if year is None or not question.answers or question.title not in year.titles.values():
            continue
        own, other = ("zh", "en") if question.title == year.titles["zh"] else ("en", "zh")
        answers = [_bare(answer) for answer in question.answers]
        right = [
            number
            for number, sentence in enumerate(year.bare[own])
            if any(answer in sentence for answer in answers)
        ]
        if 1 <= len(right) <= _MOST_RIGHT:
            yield year.choice(question.question, other, right)


def _bare(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


def _clause(sentence: str, chance: random.Random) -> str:
    """A clause of a sentence that is long enough to be told by it, if there is one."""
    clauses = [each.strip() for each in _CLAUSE.findall(sentence)]
    usable = [each for each in clauses if _tells(each)]
    return chance.choice(usable) if usable else ""


def _tells(clause: str) -> bool:
    return len(clause) in _CHARACTERS if contains_han(clause) else len(clause.split()) in _WORDS
