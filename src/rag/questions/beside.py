"""A question's words in the language of what is read: Chinese, or English; pure.

A small model tells within one language whether a sentence answers much better than across two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.questions.lexicon import in_chinese
from rag.text import contains_han

if TYPE_CHECKING:
    from rag.schema import AnswerKind, Question

__all__ = ["words_beside"]

_FORMS = 1
"""Chinese words for each of the question's, at most: the first is what texts mostly write, and what
else they write makes others look right (新增就业参保 where 城镇新增就业 is meant)."""
_MOST = 24
"""Of all of them."""
_ASKS = (
    (re.compile(r"\bwho(?:m|se)?\b", re.I), "谁"),
    (re.compile(r"\bwhere\b", re.I), "哪里"),
    (re.compile(r"\bwhy\b", re.I), "为什么"),
    (re.compile(r"\bwhen\b", re.I), "什么时候"),
)
_ASKS_BY_KIND: dict[AnswerKind, str] = {
    "number": "多少",
    "date": "什么时候",
    "name": "哪个",
    "list": "哪些",
    "definition": "什么是",
    "yes_no": "是否",
}


def words_beside(question: Question, sentence: str) -> str:
    """What is put beside a question for a reader of ``sentence``: nothing in its own language.

    For Chinese the words that Chinese texts write for those of the question, and what it asks for;
    for other texts what a question in another language than English says in English.
    """
    if question.language == "zh":
        return ""
    if not contains_han(sentence):
        return question.gloss
    asked = question.gloss or question.rewritten
    found = list(question.places)
    for term in question.terms:
        forms = [form for form in question.alternatives.get(term, ()) if contains_han(form)]
        if not forms and term.isascii():
            forms = [*in_chinese(term, rare=False)[:1]]
        found += forms[:_FORMS]
    by_word = next((word for pattern, word in _ASKS if pattern.search(asked)), "")
    asks = by_word or _ASKS_BY_KIND.get(question.kind, "")
    return " ".join(filter(None, [*list(dict.fromkeys(found))[:_MOST], asks]))
