"""When to say no, and how to say why: a code for programs, a sentence that helps a person."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.errors import DocumentNotFound
from rag.grounding import ANSWER_BAR
from rag.plans import five_year_plans
from rag.questions.places import english_name, province_of
from rag.retrieval import searched_collections
from rag.schema import Refusal
from rag.scope import plan_of
from rag.text import contains_han, fold, stem, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.protocols import Engine
    from rag.retrieval import Retrieval
    from rag.schema import Draft, Hit, Language, Question, RefusalCode

__all__ = ["refusal_for", "unwritten"]

_DOCUMENTS_READ = 8
_CHARACTERS_READ = 500_000
"""Documents, and their characters together, that are read whole for a word; where there are more,
the passages of all that are searched are counted."""

_MESSAGES: dict[RefusalCode, tuple[str, str]] = {
    "no_documents": (
        "资料库里没有可供检索的文档。请先添加文档，或放宽筛选条件。",
        "There is no document to search here. Add documents, or loosen the filters.",
    ),
    "no_evidence": (
        "文档中没有找到{about}的内容，无法回答。",
        "The documents say nothing about {about}, so there is no answer.",
    ),
    "weak_evidence": (
        "文档中没有直接回答这个问题的内容。下面是最接近的段落，供参考。",
        "Nothing in the documents answers this directly. The nearest passages are shown.",
    ),
    "other_place": (
        "资料库里没有关于{about}的文档，无法回答。",
        "No document here is about {about}, so there is no answer.",
    ),
    "other_year": (
        "文档中没有{about}年的相关内容，无法回答。",
        "The documents do not cover {about}, so there is no answer.",
    ),
    "not_a_question": (
        "我只根据资料库里的文档回答问题。请问一个文档内容方面的问题。",
        "I answer questions from the documents in this library only. Please ask about them.",
    ),
}

_NONE_MATCHES = (
    "没有文档符合筛选条件，无法回答。请放宽筛选条件。",
    "No document matches the filters, so there is no answer. Loosen the filters.",
)
_NOT_THAT_YEAR = (
    "最接近的内容说的不是{about}年，没有直接回答这个问题的内容。下面是最接近的段落，供参考。",
    "What comes nearest is not about {about}; nothing answers this. See the nearest passages.",
)
_FILTERED = (
    "这里只查找了符合筛选条件的文档；放宽筛选条件可以查找其他文档。",
    " Only documents that match the filters were searched; loosen them to search others.",
)
"""Follows what is said of a place or a year, which other documents may be about."""

_FOREIGN = (
    "Nothing about {about} was found in the documents, so there is no answer."
    " Questions in Chinese or English are understood best."
)
"""Said to who asks in another language, whose words the documents may have in theirs."""


def refusal_for(retrieval: Retrieval, draft: Draft, confidence: float) -> Refusal | None:
    """Why this question gets no answer, or None when it gets one.

    The evidence excuses what the metadata lacks: a place or year that no document is about may
    still be named in the very sentence that answers.
    """
    question, scope = retrieval.question, retrieval.scope
    language = question.language
    if question.small_talk:
        return _refusal("not_a_question", language)
    if scope.documents == 0:
        refusal = _refusal("no_documents", language)
        return replace(refusal, message=_in(language, _NONE_MATCHES)) if scope.filtered else refusal
    if draft.unanswered and draft.sentences and confidence >= ANSWER_BAR:
        return None  # what the other parts lack has been found and is said
    evidence = " ".join(q.text for sentence in draft.sentences for q in sentence.quotations)
    places = [
        place
        for place in scope.missing_places
        if place not in evidence and english_name(place) not in evidence
    ]
    if confidence < ANSWER_BAR and _are_written_around(places, retrieval):
        places = []  # something else is missing
    if places:
        named = places if language == "zh" else [english_name(place) for place in places]
        return _refusal(
            "other_place", language, about=_joined(named, language), filtered=scope.filtered
        )
    quoted = {q.passage_id for sentence in draft.sentences for q in sentence.quotations}
    cited = [hit for hit in retrieval.hits if hit.passage.passage_id in quoted]
    told = map(plan_of, cited)
    spoken = {plan[1] for plan in (*told, *five_year_plans(evidence)) if plan is not None}
    years = [
        str(year)
        for year in scope.missing_years
        if str(year) not in evidence and year not in spoken
    ]
    if years:
        return _refusal(
            "other_year", language, about=_joined(years, language), filtered=scope.filtered
        )
    unread = language == "other" and not question.gloss and not _shares_word(question, cited)
    if confidence >= ANSWER_BAR and draft.sentences and not unread:
        return None
    if draft.missing:
        about = _joined([f"“{_as_typed(term, question)}”" for term in draft.missing[:3]], language)
        if language == "other":
            return Refusal(code="no_evidence", message=_FOREIGN.format(about=about))
        return _refusal("no_evidence", language, about=about)
    if question.years and draft.signals.get("wrong_year"):
        about = _joined([str(year) for year in question.years], language)
        message = _in(language, _NOT_THAT_YEAR).format(about=about)
        return Refusal(code="weak_evidence", message=message)
    return _refusal("weak_evidence", language)


def _shares_word(question: Question, cited: Sequence[Hit]) -> bool:
    """Whether passages write a word of a question whose language nothing here reads."""
    told = {stem(word) for hit in cited for word in words(fold(f"{hit.title} {hit.passage.text}"))}
    return any(stem(word) in told for term in question.terms for word in words(term))


def _as_typed(term: str, question: Question) -> str:
    """A term as the question has it, where it was put into English word for word."""
    typed = fold(question.text)
    forms = question.alternatives.get(term, ()) if question.gloss else ()
    return next((form for form in forms if form in typed), term)


def _are_written_around(places: Sequence[str], retrieval: Retrieval) -> bool:
    """Whether the documents of their province, which were searched for them, write of places."""
    told = " ".join(hit.passage.text for hit in retrieval.hits)
    searched = retrieval.scope.applied.get("place")
    return searched is not None and all(
        province_of(place) == searched and (place in told or english_name(place) in told)
        for place in places
    )


def unwritten(
    terms: Sequence[str], retrieval: Retrieval, *, engine: Engine, collection: str
) -> tuple[str, ...]:
    """Those of a question's terms that nothing searched writes, near or far, in any form.

    The words of a term may stand apart: only what is nowhere is not written. Of a word that has no
    form in the language of the passages it cannot be told.
    """
    alternatives = retrieval.question.alternatives
    if any(contains_han(hit.passage.text) for hit in retrieval.hits):
        terms = [
            term for term in terms if any(map(contains_han, (term, *alternatives.get(term, ()))))
        ]
    forms = {
        term: [[stem(word) for word in words(form)] for form in (term, *alternatives.get(term, ()))]
        for term in terms
    }
    known = {word for each in forms.values() for form in each for word in form}
    texts = _texts(retrieval.scope.document_ids, engine) if known else []
    if texts is None:
        collections = searched_collections(engine, collection)
        counted = [engine.document_frequencies(known, collection=each)[0] for each in collections]
        written = {word for word in known if any(counts.get(word) for counts in counted)}
    else:
        written = {word for word in known if any(word in text for text in texts)}
    return tuple(term for term, each in forms.items() if not any(written >= {*f} for f in each))


def _texts(document_ids: frozenset[str] | None, engine: Engine) -> list[str] | None:
    """The folded texts of documents; None where they are too many or too long to be read."""
    if document_ids is None or len(document_ids) > _DOCUMENTS_READ:
        return None
    texts: list[str] = []
    for document_id in document_ids:
        with suppress(DocumentNotFound):  # it has been deleted since it was searched
            texts.append(engine.document(document_id).text)
    if sum(map(len, texts)) > _CHARACTERS_READ:
        return None
    return [fold(text) for text in texts]


def _refusal(
    code: RefusalCode, language: Language, *, about: str = "", filtered: bool = False
) -> Refusal:
    message = _in(language, _MESSAGES[code]).format(about=about)
    return Refusal(code=code, message=message + filtered * _in(language, _FILTERED))


def _in(language: Language, texts: tuple[str, str]) -> str:
    chinese, english = texts
    return chinese if language == "zh" else english


def _joined(names: list[str], language: Language) -> str:
    return ("、" if language == "zh" else ", ").join(names)
