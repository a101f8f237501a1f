"""How much of a question a stretch of text holds: term weights and soft matching of words.

A term of the question counts as held when the text has it, and in part when the text has a word
that means nearly the same. Meaning is the cosine between word vectors of a static embedding
model, so that everyday words find the report's words (湖水, 巢湖水质) and English finds Chinese.
This is late interaction (Khattab and Zaharia, ColBERT, SIGIR 2020: for each query term the best
match among the text's terms) over static word vectors, weighted by inverse document frequency.
"""

from __future__ import annotations

import math
import threading
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from rag.text import contains_han, fold, folded_words, stem, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from rag.protocols import Embedder
    from rag.schema import Question

    FloatArray = npt.NDArray[np.float32]
    Integers = npt.NDArray[np.int32]

__all__ = ["TermMatcher", "index_terms", "inverse_document_frequency", "weights_of"]

_WORDS_KEPT = 200_000
"""Words whose vectors are kept: about 200 MB at 256 dimensions."""
_TEXTS_KEPT = 30_000
"""Texts whose words are kept, some 2 kB each, and as many again that were used before them."""

_SAME, _UNRELATED = 0.60, 0.15
"""Cosines between word vectors at which two words count as the same, and as unrelated."""
_RAREST = 2
_RARE_ENOUGH = 4.0
"""In a large library, whatever less than one passage in fifty holds is as telling as anything: the
rarest words of a question are as often people's own as names."""
_NEAR_GLOSSARY = 0.7

_LESS_NEAR = 0.03
"""What every further written form of the glossary counts less than the one before it."""

_KINDRED = 0.4
"""What a word counts that shares half of a term's characters."""
_CONTAINED = 0.7
"""What a word of a few characters counts for a term that is one of them: 生猪 for 猪."""
_CHARACTERS = 6
"""Different characters of a word that are compared for that."""

_SOFT_CEILING = 0.85
"""A near-synonym never counts as much as the word itself."""


def inverse_document_frequency(frequency: int, total: int) -> float:
    """The smoothed inverse document frequency of BM25, at least 0.2 so that no term is nothing.

    A word that no passage holds counts like one that two hold: it may be another word for theirs.
    """
    counted = max(frequency, _RAREST)
    rarity = math.log(1.0 + (max(total, counted) - counted + 0.5) / (counted + 0.5))
    return max(0.2, min(rarity, _RARE_ENOUGH))


class TermMatcher:
    """Matches a question's terms with the words of texts. Keeps what it has learned of both.

    Safe to share between threads.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._known = _Known(embedder)

    def matches(
        self,
        question: Question,
        texts: Sequence[str],
        *,
        contexts: Sequence[str] = (),
        context_weight: float = 0.5,
    ) -> FloatArray:
        """How well each text holds each term of the question.

        ``contexts`` (one a text, or none at all) are headings and titles: what only they hold
        counts ``context_weight``.
        Returns float32 of shape (len(texts), len(question.terms)) in 0..1.
        """
        import numpy as np

        terms = question.terms
        if not terms or not texts:
            return np.zeros((len(texts), len(terms)), dtype=np.float32)
        if self._known.is_full:
            self._known = _Known(self._embedder)
        known = self._known
        variants = [(term, *question.alternatives.get(term, ())) for term in terms]
        # Another text has the words of an expression apart: allowances for childcare.
        parts = {column: term.split() for column, term in enumerate(terms) if " " in term}
        words_apart = [(word,) for each in parts.values() for word in each]
        asked = known.read([*variants, *words_apart])
        read = known.read_texts([*texts, *contexts])
        told, around = read[: len(texts)], read[len(texts) :]
        used, places = _distinct(np.concatenate([ids for ids, _ in (*told, *around)]))
        similarity = known.similarity(asked, used)
        best = _best_of_each(similarity, places, [len(ids) for ids, _ in (*told, *around)])
        first = len(terms)
        for column, each in parts.items():
            together = best[:, first : first + len(each)].mean(axis=1)
            best[:, column] = np.maximum(best[:, column], _SOFT_CEILING * together)
            first += len(each)
        best = best[:, : len(terms)]
        result = best[: len(texts)]
        for row, (_, folded) in enumerate(told):
            for column, forms in enumerate(variants):
                # The segmenter cuts the same word differently in another sentence.
                for place, form in enumerate(forms):
                    if len(form) > 1 and form in folded:
                        result[row, column] = max(result[row, column], _standing(place))
                        break
        if contexts:
            result = np.maximum(result, context_weight * best[len(texts) :])
        return result


class _Known:
    """Words by number, with what comparing them needs; texts by the numbers of their words."""

    def __init__(self, embedder: Embedder) -> None:
        import numpy as np

        self._embedder = embedder
        self._lock = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._stems: dict[str, int] = {}
        self._texts: dict[str, tuple[Integers, str]] = {}
        self._older: dict[str, tuple[Integers, str]] = {}
        # Rows of words; longer than needed, replaced by longer ones, never changed below ``size``.
        self._vectors: FloatArray = np.zeros((0, embedder.info.dimension), dtype=np.float32)
        self._stem_of: Integers = np.zeros(0, dtype=np.int32)
        self._characters: Integers = np.zeros((0, _CHARACTERS), dtype=np.int32)
        self._has_digit = np.zeros(0, dtype=bool)
        self._is_letter = np.zeros(0, dtype=bool)

    @property
    def is_full(self) -> bool:
        return len(self._numbers) > _WORDS_KEPT

    def read_texts(self, texts: Sequence[str]) -> list[tuple[Integers, str]]:
        """The numbers of each text's words, but for single letters, and the text folded."""
        if len(self._texts) > _TEXTS_KEPT:
            self._texts, self._older = {}, self._texts
        # Other threads may forget texts meanwhile: what is needed here is held here.
        kept, older = self._texts, self._older
        held = {text: kept.get(text) or older.get(text) for text in texts}
        unread = [text for text, known in held.items() if known is None]
        if unread:
            import numpy as np

            folded = [fold(text) for text in unread]
            found = [folded_words(text) for text in folded]
            # The words of all texts are learned together: embedding a few costs as much as many.
            numbers = self._number(list(chain.from_iterable(found)))
            ends = np.cumsum([len(each) for each in found])
            for text, plain, own in zip(unread, folded, np.split(numbers, ends[:-1]), strict=True):
                held[text] = own[~self._is_letter[own]], plain
        complete = {text: known for text, known in held.items() if known is not None}
        kept.update(complete)
        return [complete[text] for text in texts]

    def read(self, variants: Sequence[Sequence[str]]) -> list[list[int]]:
        """The numbers of each term's forms."""
        numbers = iter(self._number([form for forms in variants for form in forms]).tolist())
        return [[next(numbers) for _ in forms] for forms in variants]

    def similarity(self, asked: Sequence[Sequence[int]], used: Integers) -> FloatArray:
        """How well each word stands for each term: float32 of shape (terms, words)."""
        import numpy as np

        result = np.zeros((len(asked), len(used)), dtype=np.float32)
        if not len(used):
            return result
        forms = np.array([number for numbers in asked for number in numbers])
        cosines = self._vectors[forms] @ self._vectors[used].T
        soft = np.clip((cosines - _UNRELATED) / (_SAME - _UNRELATED), 0.0, 1.0) * _SOFT_CEILING
        # 5.8% and 5.9% are near in meaning and different in truth.
        figure = self._has_digit[forms][:, None] | self._has_digit[used][None, :]
        kindred = self._kindred(forms, used)
        soft = np.where(figure & ~kindred, 0.0, soft)
        single = (self._characters[forms] > 0).sum(axis=1, keepdims=True) == 1
        least = np.where(single, _CONTAINED, _KINDRED)
        soft = np.where(kindred, np.maximum(soft, least), soft)
        soft[self._stem_of[forms][:, None] == self._stem_of[used][None, :]] = 1.0
        first = 0
        for row, numbers in enumerate(asked):
            # Where the glossary gives the written words, one that is merely near is trusted less.
            trust = 1.0 if len(numbers) == 1 else _NEAR_GLOSSARY
            standing = np.array([[_standing(place)] for place in range(len(numbers))])
            result[row] = trust * (standing * soft[first : first + len(numbers)]).max(axis=0)
            first += len(numbers)
        return result

    def _kindred(self, forms: Integers, used: Integers) -> npt.NDArray[np.bool_]:
        """Chinese words built from the same characters: 签证 and 免签, 学校 and 中小学."""
        import numpy as np

        asked, characters = self._characters[forms], self._characters[used]
        sizes = (asked > 0).sum(axis=1)
        # The characters asked for by number, from 1; all others are 0, which is not counted.
        wanted = np.unique(asked[asked > 0])
        numbers = np.zeros(int(max(asked.max(), characters.max())) + 1, dtype=np.intp)
        numbers[wanted] = np.arange(1, len(wanted) + 1)
        own, others = (_held(numbers[each], len(wanted)) for each in (asked, characters))
        shared = own @ others.T
        kindred: npt.NDArray[np.bool_] = (2 * shared >= sizes[:, None]) & (sizes > 0)[:, None]
        return kindred & (characters[:, 0] > 0)

    def _number(self, found: Sequence[str]) -> Integers:
        import numpy as np

        numbers = np.fromiter(map(self._numbers.get, found, repeat(-1)), np.int32, len(found))
        if missing := np.flatnonzero(numbers < 0).tolist():
            with self._lock:
                new = dict.fromkeys(found[place] for place in missing)
                self._learn([word for word in new if word not in self._numbers])
            numbers[missing] = [self._numbers[found[place]] for place in missing]
        return numbers

    def _learn(self, missing: list[str]) -> None:
        if not missing:
            return
        size = len(self._numbers)
        needed = size + len(missing)
        vectors = self._embedder.embed_passages(missing)
        if needed > len(self._vectors):
            room = 2 * needed
            self._vectors = _grown(self._vectors, room)
            self._stem_of = _grown(self._stem_of, room)
            self._characters = _grown(self._characters, room)
            self._has_digit = _grown(self._has_digit, room)
            self._is_letter = _grown(self._is_letter, room)
        self._vectors[size:needed] = vectors
        for number, word in enumerate(missing, start=size):
            root = stem(word)
            self._stem_of[number] = self._stems.setdefault(root, len(self._stems))
            self._has_digit[number] = any(map(str.isdigit, word))
            is_han = contains_han(word)
            self._is_letter[number] = len(word) == 1 and not (is_han or word.isdigit())
            if is_han:
                own = [ord(character) for character in dict.fromkeys(word)][:_CHARACTERS]
                self._characters[number, : len(own)] = own
        # Last: a word that has a number has all its rows.
        self._numbers.update(zip(missing, range(size, needed), strict=True))


def _standing(place: int) -> float:
    """What a written form counts by its place among those of the glossary, the nearest first."""
    return 1.0 - _LESS_NEAR * place


def _grown(rows: Any, room: int) -> Any:
    """An array of any type with more rows, the first of them as they are."""
    import numpy as np

    longer = np.zeros((room, *rows.shape[1:]), dtype=rows.dtype)
    longer[: len(rows)] = rows
    return longer


def _distinct(numbers: Integers) -> tuple[Integers, npt.NDArray[np.int64]]:
    """Each of the numbers once, in order, and the places of all of them among these.

    As numpy.unique does, which sorts; numbers of words are small.
    """
    import numpy as np

    present = np.zeros(int(numbers.max(initial=0)) + 1, dtype=np.bool_)
    present[numbers] = True
    distinct = np.flatnonzero(present)
    return distinct.astype(np.int32), (np.cumsum(present) - 1)[numbers]


def _held(numbers: npt.NDArray[np.intp], count: int) -> FloatArray:
    """Which of the numbers 1 to ``count`` each row holds: float32 of shape (rows, count)."""
    import numpy as np

    held = np.zeros((len(numbers), count + 1), dtype=np.float32)
    held[np.arange(len(numbers))[:, None], numbers] = 1.0
    return held[:, 1:]


def _best_of_each(
    similarity: FloatArray, places: npt.NDArray[np.int64], lengths: Sequence[int]
) -> FloatArray:
    """The best word of each text for each term; 0 where a text has no words."""
    import numpy as np

    result = np.zeros((len(lengths), len(similarity)), dtype=np.float32)
    filled = [row for row, length in enumerate(lengths) if length]
    if filled:
        starts = np.cumsum([0, *lengths])[filled]
        result[filled] = np.maximum.reduceat(similarity[:, places], starts, axis=1).T
    return result


def weights_of(question: Question, frequencies: Mapping[str, int], total: int) -> tuple[float, ...]:
    """The question's term weights times each term's rarity among ``total`` passages.

    ``frequencies`` counts passages by stem.

    A term that no passage holds and that is written in another script than the passages (an
    English word over Chinese text) says nothing by its absence and gets a middling rarity.
    """
    rarest = inverse_document_frequency(0, max(1, total))
    result = []
    for term, weight in zip(question.terms, question.weights, strict=True):
        forms = (term, *question.alternatives.get(term, ()))
        frequency = max(_frequency(form, frequencies) for form in forms)
        if frequency == 0 and not contains_han(term):
            rarity = 0.6 * rarest
        else:
            rarity = inverse_document_frequency(frequency, max(1, total))
        result.append(weight * rarity)
    return tuple(result)


def index_terms(question: Question) -> tuple[str, ...]:
    """The stems whose frequencies ``weights_of`` needs."""
    forms = [
        form for term in question.terms for form in (term, *question.alternatives.get(term, ()))
    ]
    return tuple(dict.fromkeys(stem(word) for form in forms for word in words(form)))


def _frequency(form: str, frequencies: Mapping[str, int]) -> int:
    """Passages with a form of one or more words: at most those with its rarest word."""
    return min((frequencies.get(stem(word), 0) for word in words(form)), default=0)
