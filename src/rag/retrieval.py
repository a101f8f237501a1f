"""Finding passages: scope by metadata, two legs, and a ranker over plain, explainable signals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rag.evidence import index_terms, weights_of
from rag.questions import bare_name, names_place, with_written_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rag.evidence import TermMatcher
    from rag.protocols import Candidate, Embedder, Engine
    from rag.schema import DocumentSummary, Filters, Hit, Leg, Question

__all__ = [
    "RANKING_WEIGHTS",
    "Retrieval",
    "Retriever",
    "Scope",
    "choose_scope",
    "rank",
    "score",
]

_CANDIDATES = 60
"""Candidates asked of each leg."""

_READ_CLOSELY = 40
"""Fused candidates whose words are compared with the question's."""

_PLANNED = 0.6
"""How well a plan for a year agrees with a question about that year, put neither way."""

RANKING_WEIGHTS: Mapping[str, float] = {
    "dense": 1.0,  # cosine of question and passage
    "lexical": 0.10,  # BM25-like score as a share of the best candidate's
    "coverage": 0.9,  # weighted share of the question's terms that the passage holds, softly
    "period": 0.13,  # review or plan, as the question wants: 1, 0 unknown, -1 the other
    "year": 0.15,  # the year asked for is the passage's, or is written in it: 1, 0, -1
}
"""What each signal of a passage counts. A passage's score is the weighted sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which documents a question is about, as far as their metadata tells.

    ``document_ids`` is None for the whole collection. ``missing_places`` and ``missing_years``
    are named by the question, but no document in the collection is about them.
    """

    document_ids: frozenset[str] | None
    documents: int
    missing_places: tuple[str, ...] = ()
    missing_years: tuple[int, ...] = ()
    about: tuple[str, ...] = ()
    """Places named by the question that the documents searched are about."""
    applied: Mapping[str, str | int]
    """The restrictions that the question's own words led to, for the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """Ranked passages, the question with its terms weighed, and the scope searched."""

    question: Question
    hits: tuple[Hit, ...]
    scope: Scope


class Retriever:
    """Finds the passages of a collection that bear on a question.

    ``leg`` leaves out the other leg and all else that ranks: what one alone finds, to compare with.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        embedder: Embedder,
        matcher: TermMatcher,
        leg: Leg | None = None,
    ) -> None:
        self._engine = engine
        self._embedder = embedder
        self._matcher = matcher
        self._leg = leg
        self._weights: Mapping[str, float] = RANKING_WEIGHTS if leg is None else {leg: 1.0}

    def retrieve(
        self,
        question: Question,
        *,
        collection: str,
        filters: Filters,
        limit: int,
        exact: bool = False,
    ) -> Retrieval:
        """The best ``limit`` passages, best first. Raises CollectionNotFound.

        ``exact`` searches all documents that the filters allow, whatever places or years the
        question names.
        """
        documents = self._engine.documents(collection=collection, filters=filters)
        scope = choose_scope(question, documents, filtered=bool(filters), exact=exact)
        frequencies, total = self._engine.document_frequencies(
            index_terms(question), collection=collection
        )
        weights = weights_of(question, frequencies, total)
        if scope.about:
            # The documents searched are about this place: each passage need not say so again.
            weights = tuple(
                0.0 if names_place(term, scope.about) else weight
                for term, weight in zip(question.terms, weights, strict=True)
            )
        question = replace(question, weights=weights)
        if not documents or not question.rewritten:
            return Retrieval(question=question, hits=(), scope=scope)
        wording = _wording(question)
        candidates = self._engine.candidates(
            wording,
            self._embedder.embed_query(wording),
            collection=collection,
            limit=_CANDIDATES,
            document_ids=scope.document_ids,
        )
        if self._leg is not None:
            candidates = _proposed_by(self._leg, candidates)
        question, hits = self._ranked(question, candidates, limit=limit)
        return Retrieval(question=question, hits=hits, scope=scope)

    def _ranked(
        self, question: Question, candidates: Sequence[Candidate], *, limit: int
    ) -> tuple[Question, tuple[Hit, ...]]:
        """The best candidates, and the question with what its names are written as in them."""
        top_lexical = max((candidate.lexical or 0.0 for candidate in candidates), default=0.0)
        first = sorted(
            candidates,
            key=lambda candidate: (
                -(candidate.dense or 0.0) - _share(candidate.lexical, top_lexical),
                candidate.passage_id,
            ),
        )[:_READ_CLOSELY]
        found = self._engine.hits([candidate.passage_id for candidate in first])
        kept = [candidate for candidate in first if candidate.passage_id in found]
        hits = [found[candidate.passage_id] for candidate in kept]
        texts = [hit.passage.text for hit in hits]
        question = with_written_names(question, texts)
        matches = self._matcher.matches(
            question,
            texts,
            contexts=[" ".join((hit.title, *hit.passage.section)) for hit in hits],
        )
        weight_sum = sum(question.weights)
        signalled = []
        for hit, candidate, row in zip(hits, kept, matches, strict=True):
            held = sum(w * float(m) for w, m in zip(question.weights, row, strict=True))
            signals = {
                "dense": candidate.dense or 0.0,
                "lexical": _share(candidate.lexical, top_lexical),
                "coverage": held / weight_sum if weight_sum else 0.0,
                "period": _period_agreement(question, hit),
                "year": _year_agreement(question, hit),
            }
            signalled.append(replace(hit, score=score(signals, self._weights), signals=signals))
        return question, rank(signalled)[:limit]


def _wording(question: Question) -> str:
    """The question with the words that documents write for its own."""
    written = [form for forms in question.alternatives.values() for form in forms[:2]]
    return " ".join(
        [question.rewritten, *(form for form in written if form not in question.rewritten)]
    )


def _proposed_by(leg: Leg, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """What one leg proposes, without what the other says of it."""
    if leg == "dense":
        return tuple(replace(each, lexical=None) for each in candidates if each.dense is not None)
    return tuple(replace(each, dense=None) for each in candidates if each.lexical is not None)


def score(signals: Mapping[str, float], weights: Mapping[str, float] = RANKING_WEIGHTS) -> float:
    """The weighted sum of a passage's signals."""
    return sum(weight * signals.get(name, 0.0) for name, weight in weights.items())


def rank(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Hits by score, best first, ties by passage id, the same words only once.

    The result does not depend on the order given.
    """
    ordered = sorted(hits, key=lambda hit: (-hit.score, hit.passage.passage_id))
    seen: set[str] = set()
    kept: list[Hit] = []
    for hit in ordered:
        if hit.passage.text not in seen:
            seen.add(hit.passage.text)
            kept.append(replace(hit, rank=len(kept) + 1))
    return tuple(kept)


def choose_scope(
    question: Question,
    documents: Sequence[DocumentSummary],
    *,
    filtered: bool = False,
    exact: bool = False,
) -> Scope:
    """The documents that the places and years of a question point to.

    A place or year that no document is about does not narrow the search: it is reported.
    """
    chosen = list(documents)
    applied: dict[str, str | int] = {}
    missing_places: tuple[str, ...] = ()
    missing_years: tuple[int, ...] = ()
    known: list[str] = []
    if not exact:
        about = {bare_name(str(d.metadata["place"])) for d in documents if "place" in d.metadata}
        known = [place for place in question.places if place in about]
        if known:
            chosen = [d for d in chosen if bare_name(str(d.metadata.get("place", ""))) in known]
            applied["place"] = known[0]
        elif about:
            missing_places = question.places
        dated = [d for d in chosen if _years_of(d.metadata)]
        named = [d for d in dated if d.metadata.get("year") in question.report_years]
        if question.report_years and dated:
            given = {d.metadata.get("year") for d in dated}
            missing_years += tuple(year for year in question.report_years if year not in given)
        if named:
            if len(named) < len(dated):
                applied["year"] = question.report_years[0]
            chosen = named + [d for d in chosen if not _years_of(d.metadata)]
            dated = named
        if question.years and dated:
            fitting = [d for d in dated if _years_of(d.metadata) & set(question.years)]
            undated = [d for d in chosen if not _years_of(d.metadata)]
            if fitting:
                chosen = fitting + undated
                if len(fitting) < len(dated) and "year" not in applied:
                    applied["year"] = question.years[0]
            covered = set().union(*(_years_of(d.metadata) for d in dated))
            if not covered & set(question.years):  # 2021-2025: what is there of it may answer
                missing_years += question.years
        missing_years += _beyond(question, dated)
    narrowed = filtered or len(chosen) < len(documents)
    return Scope(
        document_ids=frozenset(d.document_id for d in chosen) if narrowed else None,
        documents=len(chosen),
        missing_places=missing_places,
        missing_years=missing_years,
        about=tuple(known),
        applied=applied,
    )


def _beyond(question: Question, dated: Sequence[DocumentSummary]) -> tuple[int, ...]:
    """Years that 明年 or 前年 mean, counted from the newest document, when none speaks of them."""
    anchored = [(anchor, _years_of(d.metadata)) for d in dated if (anchor := _anchor(d.metadata))]
    return tuple(
        max(anchor for anchor, _ in anchored) + offset
        for offset in question.relative_years
        if anchored and not any(anchor + offset in years for anchor, years in anchored)
    )


def _anchor(metadata: Mapping[str, str | int]) -> int | None:
    """The year that a document calls this year."""
    value = metadata.get("planning_year", metadata.get("year"))
    return value if isinstance(value, int) else None


def _years_of(metadata: Mapping[str, str | int]) -> set[int]:
    """The years a document speaks of: given in, reviewed, planned."""
    keys = ("year", "reporting_year", "planning_year")
    return {int(metadata[key]) for key in keys if isinstance(metadata.get(key), int)}


def _year_of(hit: Hit) -> int | None:
    """The year that a passage of a report speaks of, by the section it stands in."""
    key = {"review": "reporting_year", "plan": "planning_year"}.get(hit.passage.period or "")
    value = hit.metadata.get(key) if key else None
    return value if isinstance(value, int) else None


def _share(value: float | None, top: float) -> float:
    return value / top if value and top > 0 else 0.0


def _period_agreement(question: Question, hit: Hit) -> float:
    if question.period is None or hit.passage.period is None:
        return 0.0
    return 1.0 if question.period == hit.passage.period else -1.0


def _year_agreement(question: Question, hit: Hit) -> float:
    wanted = set(question.years)
    anchor = _anchor(hit.metadata)
    if anchor is not None:
        wanted |= {anchor + offset for offset in question.relative_years}
    if not wanted:
        return 0.0
    if any(str(year) in hit.passage.text for year in wanted):
        return 1.0
    year = _year_of(hit)
    if year is None:
        return 0.0
    if year not in wanted:
        return -1.0
    # Of a year that one report plans and the next one reviews, people ask what became of it.
    return _PLANNED if question.period is None and hit.passage.period == "plan" else 1.0
