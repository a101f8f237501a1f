"""Where a reply's passages hold the evidence of a case, and what that is worth (ir-measures)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rag_eval.case import Place
from rag_eval.matching import holds_quote, same_words, words_within

if TYPE_CHECKING:
    from rag_eval.case import Case, Evidence
    from rag_eval.targets import FoundPassage

__all__ = ["CUTOFFS", "holds_evidence", "ranking_values", "ranks_of", "recall_at"]

CUTOFFS = (5, 10)
"""Ranks down to which recall and nDCG are counted, where as many passages were asked for."""


def holds_evidence(passage: FoundPassage, evidence: Evidence) -> bool:
    """Whether a passage contains a quote, or stands in a place."""
    if not isinstance(evidence, Place):
        return holds_quote(passage.text, evidence)
    names = (passage.source, passage.source.rpartition("/")[2], passage.title)
    if not any(same_words(name, evidence.document) for name in names):
        return False
    return not evidence.section or words_within(" ".join(passage.section), evidence.section)


def ranks_of(case: Case, passages: Sequence[FoundPassage]) -> tuple[int | None, ...]:
    """For each piece of a case's evidence, the rank of the first passage that holds it."""
    return tuple(
        next(
            (rank for rank, each in enumerate(passages, start=1) if holds_evidence(each, evidence)),
            None,
        )
        for evidence in case.evidence
    )


def ranking_values(ranks: Sequence[int | None], *, top_k: int) -> dict[str, float]:
    """Retrieval metrics by name, for a case that has evidence.

    Relevant are the passages at ``ranks``, and one more for each piece of evidence that no
    passage holds; several pieces in one passage count once. Nothing is said about cutoffs beyond
    ``top_k``, the number of passages asked for.
    """
    import ir_measures

    measures = _measures(top_k)
    results = ir_measures.iter_calc(list(measures), *_as_run(ranks))
    values = {measures[result.measure]: float(result.value) for result in results}
    return {name: values[name] for name in measures.values()}


def recall_at(ranks: Sequence[int | None], cutoff: int) -> float:
    """Recall down to a rank, as ``ranking_values`` counts it, for a curve over all ranks."""
    found = {rank for rank in ranks if rank is not None}
    relevant = len(found) + sum(rank is None for rank in ranks)
    return sum(rank <= cutoff for rank in found) / relevant


@lru_cache
def _measures(top_k: int) -> dict[Any, str]:
    from ir_measures import RR, R, Success, nDCG

    cutoffs = [cutoff for cutoff in CUTOFFS if cutoff == CUTOFFS[0] or cutoff <= top_k]
    return (
        {Success @ 1: "hit@1"}
        | {Success @ cutoff: f"hit@{cutoff}" for cutoff in cutoffs}
        | {RR: "mrr"}
        | {R @ cutoff: f"recall@{cutoff}" for cutoff in cutoffs}
        | {nDCG @ cutoff: f"ndcg@{cutoff}" for cutoff in cutoffs}
    )


def _as_run(
    ranks: Sequence[int | None],
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, float]]]:
    """Relevance judgements and a ranking, as ir-measures takes them."""
    found = {rank for rank in ranks if rank is not None}
    judged = {f"passage {rank}": 1 for rank in found}
    judged |= {f"unfound {number}": 1 for number, rank in enumerate(ranks) if rank is None}
    ranking = {f"passage {rank}": -float(rank) for rank in range(1, max(found, default=1) + 1)}
    return {"case": judged}, {"case": ranking}
