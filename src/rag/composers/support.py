"""Does a sentence say no more than the passages it cites? A check that can be followed by hand.

The sentences of the cited passages that hold most of it are its evidence. It stands when, in them,

- every figure is written, as that value of that kind, beside what the clause says of it: the same
  thing, the same names, the same year;
- every year and every name is written, or stands in the headings above;
- its words are covered, as a whole and clause by clause, as ``rag.evidence`` matches words;
- nothing is turned round: fell for grew, done for planned, the largest for large (``wording``).

What is not there is not supported, true or not. The check is strict rather than clever: a sentence
that it drops costs some words, one that it lets through wrongly costs trust.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from rag.composers.claims import counts, figures, names, places, years
from rag.composers.quotable import Quotable, are_plans, quotables
from rag.composers.wording import compares, overstates
from rag.questions import understand, with_written_names
from rag.questions.places import english_name
from rag.text import clauses, contains_han, fold, tagged_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.composers.claims import Figure
    from rag.evidence import TermMatcher
    from rag.schema import Hit, Question, Quotation

__all__ = ["SupportChecker"]

_MOST_QUOTATIONS = 10
"""Sentences that one sentence may draw on."""
_MOST_CHARACTERS = 500
"""Of a sentence; what is longer is not one."""
_LEAST_GAIN = 0.08
"""What a further quotation must add, as a share of the sentence."""

_LEAST_CLAIMED = 1.0
"""What a sentence must claim to be held against anything: 是的 and "It grew." claim nothing."""
_COVERED = 0.6
_COVERED_ACROSS = 0.33
"""Least coverage, by evidence in the same script and in another."""
_CLAUSE_COVERED = 0.45
_CLAUSE_COVERED_ACROSS = 0.15
_TELLING = 0.5
"""Weight of a term from which on it says something: 计划 and 目标 do not."""
_TELLING_CLAUSE = 2.0
"""Weight of a clause's terms from which on it must be covered by itself."""
_OTHERS_FIGURE = 0.25
"""A figure is another's where a clause without it fits this much better."""
_COUNTED = 0.86
_COUNTED_ACROSS = 0.75
"""Least match of a noun beside a figure: 产量 is near 销量, and another figure. In another script
only of words whose written forms the glossary knows."""
_SAID, _SAID_IN_LATIN = 0.45, 0.35
"""Least match of any telling word; in Chinese more than one shared character gives (召回, 回顾)."""
_SAID_OF_NAME = 0.6
_SAID_OF_NAME_ACROSS = 0.25
"""Least coverage of what a clause says of a name, by a sentence with that name."""
_NEARLY = 0.7
_NEAREST = 0.9
"""Sentences and clauses of the evidence that fit nearly as well as the best say the same thing."""
_NAMED = 0.25
"""Least match of a name in another script, where no table of places has it."""
_NAMES_NOBODY = frozenset(
    {"central", "chinese", "china", "city", "committee", "congress", "council", "county"}
    | {"government", "national", "party", "people", "province", "provincial", "report", "state"}
)
"""Capitalised in English, and in Chinese part of other words or of none: 国务院, 全国."""
_BEARS_ON = 0.2
"""Least share of the question that the evidence of an answer's sentence holds."""

_AFTER_YEAR = re.compile(r"(?<=\d\d\d\d年)(?=[\u4e00-\u9fff])")
"""Where a word begins, whatever the segmenter thinks: 2023年全社会 holds no word 年全."""
_GOES_ON = re.compile(r"(?:and |while |thereby |thus )?(?:\w+ing|which|who|that)\b", re.I)


class SupportChecker:
    """Finds what supports a sentence. Safe to share between threads."""

    def __init__(self, matcher: TermMatcher) -> None:
        self._matcher = matcher

    def quotations(
        self, sentence: str, cited: Sequence[Hit], *, asked: Question
    ) -> tuple[Quotation, ...]:
        """The sentences of the cited passages that support this one; () when they do not.

        ``asked`` is the question that it helps to answer: evidence that has nothing to do with it
        supports no answer.
        """
        units = [unit for hit in cited for unit in quotables(hit)]
        if not units or len(sentence) > _MOST_CHARACTERS:
            return ()
        chosen = self._choose(sentence, units)
        bears_on = self._coverage(asked, chosen, with_headings=False) >= _BEARS_ON
        if not bears_on or not self._supports(sentence, chosen):
            return ()
        order = {hit.passage.passage_id: place for place, hit in enumerate(cited)}
        chosen.sort(key=lambda unit: (order[unit.hit.passage.passage_id], unit.start))
        return tuple(unit.quotation() for unit in chosen)

    def _choose(self, sentence: str, units: Sequence[Quotable]) -> list[Quotable]:
        """The few sentences that together hold most of this one, the best first."""
        terms = _terms(sentence)
        matches = self._matcher.matches(terms, [f"{unit.text}\n{unit.context}" for unit in units])
        claimed, named = figures(sentence), [*places(sentence), *names(sentence)]
        total = sum(terms.weights) + len(claimed) + 0.5 * len(named) or 1.0
        named_in = [[self._is_named(name, unit) for name in named] for unit in units]
        written = [figures(unit.text) for unit in units]

        def value(rows: Sequence[int]) -> float:
            held = sum(
                weight * max((float(matches[row][column]) for row in rows), default=0.0)
                for column, weight in enumerate(terms.weights)
            )
            held += sum(any(f.is_in(written[row]) for row in rows) for f in claimed)
            held += 0.5 * sum(
                any(named_in[row][place] for row in rows) for place in range(len(named))
            )
            return held / total

        rows: list[int] = []
        while len(rows) < min(_MOST_QUOTATIONS, len(units)):
            others = [row for row in range(len(units)) if row not in rows]
            best = max(others, key=lambda row: (value([*rows, row]), -row))
            if rows and value([*rows, best]) - value(rows) < _LEAST_GAIN:
                break
            rows.append(best)
        return [units[row] for row in rows]

    def _supports(self, sentence: str, evidence: Sequence[Quotable]) -> bool:
        terms = _terms(sentence)
        claimed = [*figures(sentence), *places(sentence), *names(sentence)]
        if sum(terms.weights) + len(claimed) < _LEAST_CLAIMED:
            return False
        told = years(sentence)
        if not told <= frozenset().union(*(unit.years for unit in evidence)):
            return False
        across = _is_across(sentence, evidence)
        if self._coverage(terms, evidence) < (_COVERED_ACROSS if across else _COVERED):
            return False
        clause_bar = _CLAUSE_COVERED_ACROSS if across else _CLAUSE_COVERED
        before: list[Quotable] = []
        for clause in _clauses(sentence):
            terms = _terms(clause)
            telling = sum(terms.weights) >= _TELLING_CLAUSE
            if telling and self._coverage(terms, evidence) < clause_bar:
                return False
            # A year said once holds for the sentence, unless it compares two.
            year = years(clause) or (told if len(told) == 1 else frozenset())
            holding = self._holding(clause, terms, year, evidence)
            if before and _goes_on(clause, terms):
                holding = [unit for unit in holding if unit in before]
            if not holding:
                return False
            if not self._all_said(_without(terms, [*places(clause), *names(clause)]), holding):
                return False
            before = holding
            beside = self._said_beside(clause, terms, holding)
            whole = "\n".join(unit.text for unit in holding)
            if overstates(clause, beside=beside, evidence=whole, planned=are_plans(holding)):
                return False
        return True

    def _coverage(
        self, terms: Question, evidence: Sequence[Quotable], *, with_headings: bool = True
    ) -> float:
        """The share of the terms' weight that the evidence holds; headings count half."""
        total = sum(terms.weights)
        if not total:
            return 1.0
        contexts = [unit.context for unit in evidence] if with_headings else []
        texts = [unit.text for unit in evidence]
        best = self._matcher.matches(terms, texts, contexts=contexts).max(axis=0)
        return sum(w * float(m) for w, m in zip(terms.weights, best, strict=True)) / total

    def _holding(
        self, clause: str, terms: Question, year: frozenset[int], evidence: Sequence[Quotable]
    ) -> list[Quotable]:
        """The sentences of the evidence that hold a clause's facts; [] unless all are held.

        A figure or a name counts where what is said of it is said: two sentences that each hold
        half of a fact hold none.
        """
        named = [*places(clause), *names(clause)]
        naming = [unit for unit in evidence if all(self._is_named(name, unit) for name in named)]
        claimed = list(figures(clause))
        if claimed:
            of_year = [unit for unit in naming if year <= unit.years]
            fitting = [
                [
                    figure.is_in(figures(unit.text)) and self._fits(figure, terms, unit)
                    for figure in claimed
                ]
                for unit in of_year
            ]
            all_held = all(any(row[place] for row in fitting) for place in range(len(claimed)))
            return [u for u, row in zip(of_year, fitting, strict=True) if all_held and any(row)]
        rest = _without(terms, named)
        covered = [self._coverage(rest, [unit]) for unit in naming]
        across = _is_across(clause, evidence)
        bar = (_SAID_OF_NAME_ACROSS if across else _SAID_OF_NAME) if named else 0.0
        best = max(covered, default=0.0)
        return [
            unit
            for unit, share in zip(naming, covered, strict=True)
            if share >= max(bar, _NEARLY * best)
        ]

    def _all_said(self, terms: Question, evidence: Sequence[Quotable]) -> bool:
        """Whether each telling word is there, or one that is near: a port is no closed one."""
        if not terms.terms:
            return True
        texts = [f"{unit.text}\n{unit.context}" for unit in evidence]
        best = self._matcher.matches(terms, texts).max(axis=0)
        return all(
            match >= (_SAID if contains_han(term) else _SAID_IN_LATIN)
            or weight < _TELLING
            or compares(term)
            or counts(term)
            for term, weight, match in zip(terms.terms, terms.weights, best, strict=True)
        )

    def _fits(self, figure: Figure, terms: Question, unit: Quotable) -> bool:
        """Whether a figure of the unit is a figure of what the terms say.

        Evidence often chains figures of many things: each belongs to its own clause. What is
        counted stands there, or in a clause that has no figure.
        """
        total = sum(terms.weights)
        if not total:
            return True
        pieces = _clauses(unit.text)
        written = [figures(piece) for piece in pieces]
        near = [p for p, f in zip(pieces, written, strict=True) if not f or figure.is_in(f)]
        (known,) = self._matcher.matches(terms, ["\n".join((*near, unit.context))])
        across = contains_han(" ".join(terms.terms)) != contains_han(unit.text)
        for term, weight, match in zip(terms.terms, terms.weights, known, strict=True):
            judged = term in terms.alternatives and not counts(term) if across else _is_noun(term)
            bar = _COUNTED_ACROSS if across else _COUNTED
            if judged and weight >= _TELLING and match < bar and not compares(term):
                return False
        own, others = [0.0], [0.0]
        said = [
            0.0 if counts(term) else weight
            for term, weight in zip(terms.terms, terms.weights, strict=True)
        ]
        for its, row in zip(written, self._matcher.matches(terms, pieces), strict=True):
            held = sum(w * float(m) for w, m in zip(said, row, strict=True)) / total
            (own if figure.is_in(its) else others).append(held)
        return max(others) - max(own) <= _OTHERS_FIGURE

    def _said_beside(self, clause: str, terms: Question, evidence: Sequence[Quotable]) -> str:
        """The clauses of the evidence with a clause's figures; without any, those nearest to it."""
        pieces = [piece for unit in evidence for piece in _clauses(unit.text)]
        claimed = figures(clause)
        beside = [p for p in pieces if any(figure.is_in(figures(p)) for figure in claimed)]
        if not beside and terms.terms:
            matches = self._matcher.matches(terms, pieces)
            held = [
                sum(w * float(m) for w, m in zip(terms.weights, row, strict=True))
                for row in matches
            ]
            beside = [p for p, h in zip(pieces, held, strict=True) if h >= _NEAREST * max(held)]
        return "\n".join(beside or pieces)

    def _is_named(self, name: str, unit: Quotable) -> bool:
        """Whether a sentence, or the headings above it, hold a name in either language."""
        whole = f"{unit.text}\n{unit.context}"
        folded = fold(whole)
        if fold(english_name(name)) in folded or all(fold(w) in folded for w in name.split()):
            return True
        # Only names in Latin letters may stand in Chinese evidence otherwise: spelt out, or near.
        if contains_han(name) or not contains_han(unit.text) or re.search(r"\d", name):
            return False
        telling = " ".join(word for word in name.split() if fold(word) not in _NAMES_NOBODY)
        if not telling:
            return True
        terms = with_written_names(_terms(telling), [whole])
        return bool(terms.terms) and bool(self._matcher.matches(terms, [whole]).min() >= _NAMED)


def _terms(text: str) -> Question:
    """The content words of a text; its figures and names are judged by themselves."""
    question = understand(_AFTER_YEAR.sub(" ", text))
    kept = [
        (term, weight)
        for term, weight in zip(question.terms, question.weights, strict=True)
        if not any(map(str.isdigit, term))
    ]
    return _with_terms(question, kept)


@lru_cache(maxsize=4096)
def _is_noun(term: str) -> bool:
    """Whether a Chinese term is a common noun, by the segmenter's own judgement of its end."""
    tagged = tagged_words(term) if contains_han(term) else []
    return bool(tagged) and tagged[-1][1] in {"n", "nz"}


def _goes_on(clause: str, terms: Question) -> bool:
    """Whether a clause says something more of what the clause before it is about."""
    if not contains_han(clause):
        return _GOES_ON.match(clause) is not None
    return not any(
        weight >= _TELLING and _is_noun(term)
        for term, weight in zip(terms.terms, terms.weights, strict=True)
    )


def _clauses(text: str) -> list[str]:
    return [text[start:end] for start, end in clauses(text, 0, len(text))]


def _without(terms: Question, named: Sequence[str]) -> Question:
    """Terms that are no part of these names."""
    folded = [part for name in named for part in (fold(name), fold(english_name(name)))]
    kept = [
        (term, weight)
        for term, weight in zip(terms.terms, terms.weights, strict=True)
        if not any(term in name for name in folded)
    ]
    return _with_terms(terms, kept)


def _with_terms(question: Question, kept: Sequence[tuple[str, float]]) -> Question:
    return replace(
        question,
        terms=tuple(term for term, _ in kept),
        weights=tuple(weight for _, weight in kept),
    )


def _is_across(sentence: str, evidence: Sequence[Quotable]) -> bool:
    """Whether the evidence is in another script."""
    return contains_han(sentence) != any(contains_han(unit.text) for unit in evidence)
