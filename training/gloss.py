"""Questions in Chinese or English put into other languages word for word, by the lexicon."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence

from rag.questions.lexicon import CHINESE, LANGUAGES, forms_of
from rag.text import contains_han, stem, words
from training.material import fold

__all__ = ["Glosser"]

_ALL = re.compile(r"[\d.%a-z]+")
_QUESTION_WORDS = ("how many", "how much", "how long", "how old", "in which year")
_FUNCTION_WORDS = ("the", "of", "in", "what", "which", "is", "was", "for")
_FUNCTION = 0.3
_KEPT = 0.7
"""How often a Chinese question gets a function word, and an unknown English word is kept."""
_FEWEST = 2
"""Words that a gloss translates at least."""
_FIRST = 0.9
"""The rate at which later forms are taken less often."""


class Glosser:
    """Puts questions into words of another language, chosen among their forms by chance."""

    def __init__(self, *, chance: random.Random) -> None:
        """Index the headwords by their English stems and by their Chinese words."""
        self._chance = chance
        self._by_stem: dict[str, str] = {}
        self._by_chinese: dict[str, list[str]] = defaultdict(list)
        for language in LANGUAGES:
            for headword in forms_of(language):
                self._by_stem.setdefault(headword, headword)
                self._by_stem.setdefault(stem(headword), headword)
        for headword, chinese in forms_of(CHINESE).items():
            for word in chinese[:3]:
                self._by_chinese[word].append(headword)

    def gloss(self, question: str, language: str) -> str:
        """The question in words of a language; empty where too few of its words are known."""
        if contains_han(question):
            found, known = self._from_chinese(question, language)
        else:
            found, known = self._from_english(question, language)
        return " ".join(found) if known >= _FEWEST else ""

    def _from_english(self, question: str, language: str) -> tuple[list[str], int]:
        forms = forms_of(language)
        text = " ".join(words(question.casefold()))
        for phrase in _QUESTION_WORDS:
            text = text.replace(phrase, phrase.replace(" ", "_"))
        found, known = [], 0
        for word in text.split():
            plain = word.replace("_", " ")
            headword = self._by_stem.get(plain) or self._by_stem.get(stem(plain), "")
            if headword in forms:
                found.append(self._one_of(forms[headword]))
                known += 1
            elif self._chance.random() < _KEPT:
                found.append(plain)
        return found, known

    def _from_chinese(self, question: str, language: str) -> tuple[list[str], int]:
        import rjieba

        forms = forms_of(language)
        found, known = [], 0
        for word in rjieba.cut(fold(question)):
            headwords = [each for each in self._by_chinese.get(word, ()) if each in forms]
            if headwords:
                found.append(self._one_of(forms[self._chance.choice(headwords)]))
                known += 1
            elif _ALL.fullmatch(word):
                found.append(word)
        for word in _FUNCTION_WORDS:  # which Chinese does without
            if word in forms and self._chance.random() < _FUNCTION:
                place = self._chance.randrange(len(found) + 1)
                found.insert(place, self._one_of(forms[word]))
        return found, known

    def _one_of(self, forms: Sequence[str]) -> str:
        return forms[min(len(forms) - 1, int(self._chance.expovariate(_FIRST)))]
