"""Scope: which documents a question is about, as far as their metadata tell; pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag.plans import five_year_plans
from rag.questions import bare_name, province_of
from rag.questions.years import explicit_years

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rag.schema import DocumentSummary, Hit, Metadata, Question

__all__ = ["About", "Scope", "anchor_of", "by_metadata", "choose_scope", "plan_of", "spoken_years"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which documents a question is about, as far as their metadata tells.

    ``document_ids`` is None for the whole collection. ``missing_places`` and ``missing_years``
    are named by the question, but no document in the collection is about them.
    """

    document_ids: frozenset[str] | None
    documents: int
    filtered: bool = False
    """The asker restricted the documents, beside what the question says."""
    missing_places: tuple[str, ...] = ()
    missing_years: tuple[int, ...] = ()
    about: tuple[str, ...] = ()
    """Places named by the question that the documents searched are about."""
    newest: Mapping[str | None, int] = field(default_factory=dict)
    """The year that the newest document on each place calls this year."""
    applied: Mapping[str, str | int]
    """The restrictions that the question's own words led to, for the reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What metadata tell of a document's place and years."""

    place: str | None
    """Its bare name."""
    year: str | int | None
    """The year it was given in."""
    years: frozenset[int]
    """The years it speaks of: given in, reviewed, planned."""
    anchor: int | None
    """The year that it calls this year."""

    @classmethod
    def of(cls, metadata: Metadata) -> About:
        """What the metadata of one document tell."""
        place = metadata.get("place")
        keys = ("year", "reporting_year", "planning_year")
        return cls(
            place=None if place is None else bare_name(str(place)),
            year=metadata.get("year"),
            years=frozenset(value for key in keys if isinstance(value := metadata.get(key), int)),
            anchor=anchor_of(metadata),
        )


def by_metadata(documents: Sequence[DocumentSummary]) -> Mapping[About, tuple[str, ...]]:
    """Ids of documents by what their metadata tell: few kinds, however many documents."""
    groups: dict[About, list[str]] = {}
    for document in documents:
        groups.setdefault(About.of(document.metadata), []).append(document.document_id)
    return {about: tuple(ids) for about, ids in groups.items()}


def choose_scope(
    question: Question,
    documents: Mapping[About, Sequence[str]],
    *,
    filtered: bool = False,
    exact: bool = False,
) -> Scope:
    """The documents that the places and years of a question point to. See ``by_metadata``.

    A place or year that no document is about is reported. Such a year does not narrow the search;
    such a place does where documents are about its province: one of them may write of it.
    """
    chosen = list(documents)
    applied: dict[str, str | int] = {}
    missing_places: tuple[str, ...] = ()
    missing_years: tuple[int, ...] = ()
    known: list[str] = []
    if not exact:
        about = {d.place for d in documents if d.place is not None}
        known = [place for place in question.places if place in about]
        if known:
            chosen = [d for d in chosen if d.place in known]
            applied["place"] = known[0]
        elif about:
            missing_places = question.places
            around = [p for p in map(province_of, question.places) if p in about]
            if around:
                chosen = [d for d in chosen if d.place is None or d.place in around]
                applied["place"] = around[0]
        dated = [d for d in chosen if d.years]
        named = [d for d in dated if d.year in question.report_years]
        if question.report_years and dated:
            given = {d.year for d in dated}
            missing_years += tuple(year for year in question.report_years if year not in given)
        if named:
            if len(named) < len(dated):
                applied["year"] = question.report_years[0]
            chosen = named + [d for d in chosen if not d.years]
            dated = named
        if question.years and dated:
            fitting = [d for d in dated if d.years & set(question.years)]
            undated = [d for d in chosen if not d.years]
            if fitting:
                chosen = fitting + undated
                if len(fitting) < len(dated) and "year" not in applied:
                    applied["year"] = question.years[0]
            covered = set().union(*(d.years for d in dated))
            if not covered & set(question.years):  # 2021-2025: what is there of it may answer
                missing_years += question.years
        missing_years += _beyond(question, dated) + _yet_to_plan(question, dated)
    narrowed = filtered or len(chosen) < len(documents)
    return Scope(
        document_ids=frozenset(i for d in chosen for i in documents[d]) if narrowed else None,
        documents=sum(len(documents[d]) for d in chosen),
        filtered=filtered,
        missing_places=missing_places,
        missing_years=missing_years,
        about=tuple(known),
        newest={
            place: max(d.anchor for d in chosen if d.place == place and d.anchor is not None)
            for place in {d.place for d in chosen if d.anchor is not None}
        },
        applied=applied,
    )


def anchor_of(metadata: Metadata) -> int | None:
    """The year that a document calls this year."""
    value = metadata.get("planning_year", metadata.get("year"))
    return value if isinstance(value, int) else None


def _yet_to_plan(question: Question, dated: Sequence[About]) -> tuple[int, ...]:
    """The last years of five-year plans that begin after all that the documents speak of."""
    covered = set().union(*(d.years for d in dated))
    if question.years or not covered:
        return ()
    plans = five_year_plans(question.wording)
    return tuple(last for first, last in plans if first > max(covered))


def plan_of(hit: Hit) -> tuple[int, int] | None:
    """First and last year of the five years that a passage tells of, if it does: of a five-year
    plan, most often.

    The innermost heading that names a plan or a year decides: of one that looks back on a plan and
    ahead to the next, the passage is about one.
    """
    if hit.passage.period == "retrospect":
        last = hit.metadata.get("reporting_year")
        return (last - 4, last) if isinstance(last, int) else None
    for heading in reversed(hit.passage.section):
        if explicit_years(heading):
            return None
        if plans := five_year_plans(heading):
            return min(plans) if hit.passage.period == "review" else max(plans)
    return None


def spoken_years(hit: Hit) -> frozenset[int]:
    """The years that a passage of a report speaks of, by the section it stands in.

    A five-year plan is a plan for its last year: what is to be reached by then. What looks back on
    five years compares the last with the first.
    """
    if hit.passage.period == "retrospect":
        return frozenset(plan_of(hit) or ())
    key = {"review": "reporting_year", "plan": "planning_year"}.get(hit.passage.period or "")
    if key is None:
        return frozenset()
    value = hit.metadata.get(key)
    year = {value} if isinstance(value, int) else set()
    plans = [last for heading in hit.passage.section for _, last in five_year_plans(heading)]
    if (plan := plan_of(hit)) is not None and hit.passage.period == "plan":
        return frozenset({plan[1]})
    return frozenset(year | {last for last in plans if year and last >= max(year)})


def _beyond(question: Question, dated: Sequence[About]) -> tuple[int, ...]:
    """Years that 明年 or 前年 mean, counted from the newest document, when none speaks of them."""
    anchored = [(d.anchor, d.years) for d in dated if d.anchor]
    return tuple(
        max(anchor for anchor, _ in anchored) + offset
        for offset in question.relative_years
        if anchored and not any(anchor + offset in years for anchor, years in anchored)
    )
