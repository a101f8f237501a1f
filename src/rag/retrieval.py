"""Finding passages: two legs, and a ranker over plain, explainable signals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from operator import mul
from typing import TYPE_CHECKING

from rag.embedders.own import OwnModels
from rag.errors import InvalidInput
from rag.evidence import index_terms, weights_of
from rag.plans import five_year_plans
from rag.questions import names_place, with_written_names
from rag.scope import About, by_metadata, choose_scope, plan_of, spoken_years

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from rag.evidence import TermMatcher
    from rag.protocols import Candidate, Embedder, Engine, Reranker
    from rag.schema import DocumentSummary, Filters, Hit, Leg, Question
    from rag.scope import Scope

    FloatArray = npt.NDArray[np.float32]

__all__ = [
    "RANKING_WEIGHTS",
    "Retrieval",
    "Retriever",
    "rank",
    "score",
    "searched_collections",
]

_CANDIDATES = 60
"""Candidates asked of each leg."""

_READ_CLOSELY = 32
"""Fused candidates whose words are compared with the question's."""

_FUSED = 0.35
"""What the lexical score counts, as a share of the best, beside the cosine, in choosing them."""

_RERANKED = 20
"""Best passages that a reranker reads, where there is one."""

_RERANKER_WEIGHT = 1.0
"""What a reranker's judgement counts, as much as the cosine."""

_CONTEXT = 0.85
"""What a term counts that only a passage's headings and its document's title hold: two institutions
have the same page, and only its title says whose it is."""

_ECHO_READ, _ECHO_TIMES = 120, 4
"""Characters of a passage that may do no more than repeat its title and headings, and so many times
as many as those have: a longer one tells something, and need not be read for it."""

_IN_FIVE = 0.2
"""How well what was done in five years agrees with a question about one of them."""

_LAST_OF_FIVE = 0.8
"""How well it agrees with a question about the last of them, whose figure it often ends with."""

_LONG_OR_SHORT = 0.5
"""How well it agrees with a question about what was achieved, of no year."""

_PLANNED = 0.6
"""How well a plan for a year agrees with a question about that year, put neither way."""

RANKING_WEIGHTS: Mapping[str, float] = {
    "dense": 1.1,  # cosine of question and passage
    "lexical": 0.15,  # BM25-like score as a share of the best candidate's
    "coverage": 0.9,  # weighted share of the question's terms that the passage holds, softly
    "period": 0.13,  # review or plan, as the question wants: 1, 0 unknown, -1 the other
    "year": 0.3,  # the year asked for is the passage's, or is written in it: 1, 0, -1
    "echo": -0.4,  # share of its characters that only repeat the title or the headings
}
"""What each signal of a passage counts. A passage's score is the weighted sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """Ranked passages, the question with its terms weighed, and the scope searched."""

    question: Question
    hits: tuple[Hit, ...]
    scope: Scope


class Retriever:
    """Finds the passages of one or several collections that bear on a question.

    ``leg`` leaves out the other leg and all else that ranks: what one alone finds, to compare with.
    ``reranker`` reads the best passages once more, together with the question.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        embedder: Embedder,
        matcher: TermMatcher,
        leg: Leg | None = None,
        reranker: Reranker | None = None,
        models: OwnModels | None = None,
    ) -> None:
        self._engine = engine
        self._models = models or OwnModels(embedder)
        self._matcher = matcher
        self._leg = leg
        self._reranker = None if leg is not None else reranker
        self._weights: Mapping[str, float] = RANKING_WEIGHTS if leg is None else {leg: 1.0}
        if self._reranker is not None:
            self._weights = {**self._weights, "reranker": _RERANKER_WEIGHT}
        self._listed: dict[
            str, tuple[Sequence[DocumentSummary], Mapping[About, Sequence[str]]]
        ] = {}

    @property
    def weights(self) -> Mapping[str, float]:
        """What each signal of a passage counts."""
        return self._weights

    def retrieve(
        self,
        question: Question,
        *,
        collection: str,
        filters: Filters,
        limit: int,
        exact: bool = False,
    ) -> Retrieval:
        """The best ``limit`` passages, best first. Raises CollectionNotFound, InvalidInput.

        ``collection`` may name several, see ``searched_collections``: their passages are ranked
        together. ``exact`` searches all documents that the filters allow, whatever places or
        years the question names.
        """
        collections = searched_collections(self._engine, collection)
        documents = self._by_metadata(collections, filters)
        scope = choose_scope(question, documents, filtered=bool(filters), exact=exact)
        frequencies, total = self._frequencies(index_terms(question), collections)
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
        vectors: dict[str | None, FloatArray] = {}
        candidates: tuple[Candidate, ...] = ()
        for each in collections:
            settings = self._engine.settings_of(each)
            if settings.embedder not in vectors:
                vectors[settings.embedder] = self._models.of(settings).embed_query(wording)
            candidates += self._engine.candidates(
                wording,
                vectors[settings.embedder],
                collection=each,
                limit=_CANDIDATES,
                document_ids=scope.document_ids,
            )
        if self._leg is not None:
            candidates = _proposed_by(self._leg, candidates)
        question, hits = self._ranked(question, candidates, newest=scope.newest, limit=limit)
        return Retrieval(question=question, hits=hits, scope=scope)

    def places(self, *, collection: str, filters: Filters) -> tuple[str, ...]:
        """Bare names of the places that the documents searched are about, in order.

        Raises CollectionNotFound.
        """
        documents = self._by_metadata(searched_collections(self._engine, collection), filters)
        return tuple(sorted({about.place for about in documents if about.place is not None}))

    def _by_metadata(
        self, collections: Sequence[str], filters: Filters
    ) -> Mapping[About, Sequence[str]]:
        found = [self._documents_by_metadata(each, filters) for each in collections]
        if len(found) == 1:
            return found[0]
        kinds = dict.fromkeys(about for documents in found for about in documents)
        return {
            about: [i for documents in found for i in documents.get(about, ())] for about in kinds
        }

    def _documents_by_metadata(
        self, collection: str, filters: Filters
    ) -> Mapping[About, Sequence[str]]:
        documents = self._engine.documents(collection=collection, filters=filters)
        # An engine gives the same listing until it changes: it is read once.
        listed, groups = self._listed.get(collection, (None, {}))
        if listed is not documents:
            groups = by_metadata(documents)
            self._listed[collection] = documents, groups
        return groups

    def _frequencies(
        self, terms: Sequence[str], collections: Sequence[str]
    ) -> tuple[Mapping[str, int], int]:
        """In how many passages of all collections each term occurs, and how many there are."""
        counted = [
            self._engine.document_frequencies(terms, collection=each) for each in collections
        ]
        together: Counter[str] = Counter()
        for counts, _ in counted:
            together.update(counts)
        return together, sum(total for _, total in counted)

    def _ranked(
        self,
        question: Question,
        candidates: Sequence[Candidate],
        *,
        newest: Mapping[str | None, int],
        limit: int,
    ) -> tuple[Question, tuple[Hit, ...]]:
        """The best candidates, and the question with what its names are written as in them."""
        top_lexical = max((candidate.lexical or 0.0 for candidate in candidates), default=0.0)
        first = sorted(
            candidates,
            key=lambda candidate: (
                -(candidate.dense or 0.0) - _FUSED * _share(candidate.lexical, top_lexical),
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
            context_weight=_CONTEXT,
        )
        weight_sum = sum(question.weights)
        planned = frozenset(last for _, last in five_year_plans(question.wording))
        signalled = []
        for hit, candidate, row in zip(hits, kept, matches.tolist(), strict=True):
            held = sum(map(mul, question.weights, row))
            signals = {
                "dense": candidate.dense or 0.0,
                "lexical": _share(candidate.lexical, top_lexical),
                "coverage": held / weight_sum if weight_sum else 0.0,
                "period": _period_agreement(question, hit),
                "year": _year_agreement(question, hit, newest=newest, planned=planned),
                "echo": _echo(hit),
            }
            signalled.append(replace(hit, score=score(signals, self._weights), signals=signals))
        if self._reranker is None:
            return question, rank(signalled, limit=limit)
        return question, _reranked(self._reranker, question, rank(signalled))[:limit]


def searched_collections(engine: Engine, collection: str) -> tuple[str, ...]:
    """The collections that a name means: one, several with commas between, or ``*`` for all.

    Whether there are such collections, the engine says. Raises InvalidInput for no name at all.
    """
    if collection.strip() == "*":
        return tuple(each.name for each in engine.collections())
    names = tuple(dict.fromkeys(filter(None, map(str.strip, collection.split(",")))))
    if not names:
        raise InvalidInput(
            f"The collection is {collection!r}. Expected its name, several names with commas"
            " between, or * for all."
        )
    return names


def _reranked(reranker: Reranker, question: Question, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """Hits with the reranker's judgement of the best of them, which also tell its signal.

    Its scores have a scale of their own: they count by their place between the lowest and the
    highest. They are added to the other signals, which know what no passage's words tell (the year
    and the period of its document), and which stay as they are for judging the evidence.
    """
    best, others = hits[:_RERANKED], hits[_RERANKED:]
    read = [
        "\n".join([" ".join((hit.title, *hit.passage.section)), hit.passage.text]) for hit in best
    ]
    given = reranker.scores(question.rewritten, read)
    lowest, highest = min(given, default=0.0), max(given, default=0.0)
    judged = []
    for hit, value in zip(best, given, strict=True):
        share = _share(value - lowest, highest - lowest)
        signals = {**hit.signals, "reranker": share}
        judged.append(replace(hit, score=hit.score + _RERANKER_WEIGHT * share, signals=signals))
    return rank([*judged, *others])


def _wording(question: Question) -> str:
    """The question with the words that documents write for its own."""
    most = 3 if question.gloss else 2  # of which its own words are the first
    written = [form for forms in question.alternatives.values() for form in forms[:most]]
    return " ".join(
        [question.searched, *(form for form in written if form not in question.searched)]
    )


def _proposed_by(leg: Leg, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """What one leg proposes, without what the other says of it."""
    if leg == "dense":
        return tuple(replace(each, lexical=None) for each in candidates if each.dense is not None)
    return tuple(replace(each, dense=None) for each in candidates if each.lexical is not None)


def score(signals: Mapping[str, float], weights: Mapping[str, float] = RANKING_WEIGHTS) -> float:
    """The weighted sum of a passage's signals."""
    return sum(weight * signals.get(name, 0.0) for name, weight in weights.items())


def rank(hits: Iterable[Hit], *, limit: int | None = None) -> tuple[Hit, ...]:
    """The ``limit`` best hits, or all, best first, ties by passage id, the same words only once.

    The result does not depend on the order given.
    """
    ordered = sorted(hits, key=lambda hit: (-hit.score, hit.passage.passage_id))
    seen: set[str] = set()
    kept: list[Hit] = []
    for hit in ordered:
        if len(kept) == limit:
            break
        if hit.passage.text not in seen:
            seen.add(hit.passage.text)
            kept.append(replace(hit, rank=len(kept) + 1))
    return tuple(kept)


def _share(value: float | None, top: float) -> float:
    return value / top if value and top > 0 else 0.0


def _echo(hit: Hit) -> float:
    """Share of a passage's pairs of characters that stand in its title or headings.

    What a page begins with, its own name above all, is near to every question that names it.
    """
    text = hit.passage.text
    named = " ".join((hit.title, *hit.passage.section))
    if len(text) > max(_ECHO_READ, _ECHO_TIMES * len(named)):
        return 0.0
    own, known = _pairs(text), {*_pairs(named)}
    return sum(pair in known for pair in own) / len(own) if own else 0.0


def _pairs(text: str) -> list[str]:
    told = "".join(filter(str.isalnum, text.lower()))
    return [told[place : place + 2] for place in range(len(told) - 1)]


def _period_agreement(question: Question, hit: Hit) -> float:
    wanted = question.period or question.tends
    if wanted is None or hit.passage.period is None:
        return 0.0
    if wanted == hit.passage.period:
        return 1.0
    return _LONG_OR_SHORT if {wanted, hit.passage.period} == {"review", "retrospect"} else -1.0


def _year_agreement(
    question: Question, hit: Hit, *, newest: Mapping[str | None, int], planned: frozenset[int]
) -> float:
    """Whether the passage is of the year asked for: named, or last year of the newest document on
    its place, or the last of a five-year plan (``planned``).
    """
    wanted = set(question.years)
    anchor = newest.get(About.of(hit.metadata).place)
    if anchor is not None:
        wanted |= {anchor + offset for offset in question.relative_years}
    text = hit.passage.text
    if not wanted and planned:
        if planned & {last for _, last in five_year_plans(text)}:
            return 1.0
        wanted |= planned
    if not wanted:
        return 0.0
    if hit.passage.period == "retrospect" and wanted != planned:
        first, last = plan_of(hit) or (0, 0)
        if last in wanted or any(str(year) in text for year in wanted):
            return _LAST_OF_FIVE
        return _IN_FIVE if any(first <= year <= last for year in wanted) else -1.0
    spoken = spoken_years(hit)
    if spoken & wanted:
        # Of a year that one report plans and the next one reviews, people ask what became of it.
        return _PLANNED if question.period is None and hit.passage.period == "plan" else 1.0
    if any(str(year) in text for year in wanted):
        return 1.0
    return -1.0 if spoken else 0.0
