"""Synthetic queries from a passage's own tokens (inverse cloze), and their variations.

A clause or sentence of the passage becomes the query; as a rule it is cut out of the passage, so
that the model learns what belongs together and not only what is equal. Variations make it look
like what people type: keywords, a question word in place of the figure, English through the
dictionary.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from training.material import fold, read

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["ClozeMaker", "Query", "windows"]

_SENTENCE = re.compile(r"[^。！？!?；;\n]+[。！？!?；;]?")
_ENGLISH_SENTENCE = re.compile(r"[^.!?;\n]+(?:[.!?;](?=\s|$)|\n|$|[.!?;])")
_BRACKETS = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NO_GLOSS = ("CL:", "abbr. ", "also ", "old variant", "see ", "surname", "used in", "variant of")

_CHINESE_QUESTIONS = (
    "是多少", "是什么", "有哪些", "如何", "怎么", "为什么", "在哪里", "什么时候", "是谁", "哪一年",
    "多少", "吗", "有多少", "达到多少", "怎样", "什么是", "请问", "是哪个", "哪些", "谁", "什么",
)  # fmt: skip
_ENGLISH_QUESTIONS = (
    "what is", "what are", "how many", "how much", "which", "who", "when did", "where is", "why",
    "how does", "what was", "in which year", "tell me about", "is there", "what does",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """Tokens of a query and which span of the passage to leave out (none where both are 0)."""

    tokens: list[int]
    cut_start: int = 0
    cut_end: int = 0


def windows(text: str, *, chance: random.Random, english: bool = False) -> list[str]:
    """Cut a text at sentence ends into neighbouring parts of passage size, without overlap."""
    parts, part = [], ""
    size = chance.choice((120, 240, 360))
    if english:
        size *= 3
    for sentence in (_ENGLISH_SENTENCE if english else _SENTENCE).findall(text):
        part += sentence
        if len(part) >= size:
            parts.append(part.strip())
            part = ""
    if len(part) >= size // 3:
        parts.append(part.strip())
    return parts


class ClozeMaker:
    """Makes queries from passages' tokens."""

    def __init__(self, tokenizer: Tokenizer, *, chance: random.Random) -> None:
        """Look up the tokens that end clauses, the question words and the dictionary."""
        self._chance = chance
        vocabulary = tokenizer.get_vocab()
        self._clause_ends = {vocabulary[piece] for piece in ",;:!?。."}
        self._sentence_ends = {vocabulary[piece] for piece in ";!?。."}
        self._numbers = {
            token for piece, token in vocabulary.items() if piece.removeprefix(".").isdecimal()
        }

        def encoded(texts: Sequence[str]) -> list[list[int]]:
            return [each.ids for each in tokenizer.encode_batch_fast(list(texts))]

        self._questions = (encoded(_CHINESE_QUESTIONS), encoded(_ENGLISH_QUESTIONS))
        self._glosses: dict[int, list[list[int]]] = {}
        for record in read("dict_cedict_zh_en"):
            token = vocabulary.get(fold(record["zh"]))
            usable = [gloss for gloss in record["en"] if not gloss.startswith(_NO_GLOSS)]
            cleaned = [_BRACKETS.sub("", gloss).removeprefix("to ").strip() for gloss in usable]
            short = [gloss for gloss in cleaned if gloss and len(gloss.split()) <= 5]
            if token is not None and short:
                self._glosses.setdefault(token, []).extend(encoded(short[:2]))
        self._single = {token for piece, token in vocabulary.items() if len(piece) == 1}

    def queries(
        self, passage: Sequence[int], *, count: int, start: int = 0, english: bool = False
    ) -> list[Query]:
        """Make up to ``count`` queries from ``passage[start:]``."""
        clauses = self._spans(passage, self._clause_ends, start)
        sentences = self._spans(passage, self._sentence_ends, start)
        made = []
        for _ in range(count):
            spans = clauses if self._chance.random() < 0.65 else sentences
            spans = [span for span in spans if 3 <= span[1] - span[0] <= 48]
            if not spans:
                continue
            first, last = self._chance.choice(spans)
            tokens = self._varied(list(passage[first:last]), english=english)
            if self._chance.random() < 0.15:  # what is asked is often named in another sentence
                tokens = self._keywords(passage[slice(*self._chance.choice(spans))]) + tokens
            kept = len(passage) - start - (last - first)
            if kept >= 12 and self._chance.random() < 0.6:
                made.append(Query(tokens, first, last))
            else:
                made.append(Query(tokens))
        return made

    @staticmethod
    def _spans(passage: Sequence[int], ends: set[int], start: int) -> list[tuple[int, int]]:
        spans, first = [], start
        for position in range(start, len(passage)):
            if passage[position] in ends:
                spans.append((first, position))
                first = position + 1
        spans.append((first, len(passage)))
        return spans

    def _varied(self, tokens: list[int], *, english: bool) -> list[int]:
        chance = self._chance
        draw = chance.random()
        if draw < 0.15:
            return self._keywords(tokens)
        if draw < 0.45:
            return self._asked(tokens, english=english)
        if draw < 0.72 and not english:
            translated = self._translated(tokens)
            if len(translated) >= 3:
                return self._asked(translated, english=True) if draw < 0.6 else translated
        return tokens

    def _keywords(self, tokens: Sequence[int]) -> list[int]:
        count = min(len(tokens), self._chance.randint(2, 5))
        kept = sorted(self._chance.sample(range(len(tokens)), count))
        return [tokens[position] for position in kept]

    def _asked(self, tokens: list[int], *, english: bool) -> list[int]:
        """Leave out what a question asks for: the figure, or else a few words."""
        question = self._chance.choice(self._questions[english])
        numbers = [place for place, token in enumerate(tokens) if token in self._numbers]
        if len(tokens) > 4 and (numbers or len(tokens) > 8):
            size = 1 if numbers else self._chance.randint(1, 3)
            place = self._chance.choice(numbers or range(len(tokens) - size))
            tokens = tokens[:place] + tokens[place + size :]
        return question + tokens if english else tokens + question

    def _translated(self, tokens: list[int]) -> list[int]:
        out: list[int] = []
        for token in tokens:
            if token in self._numbers:
                out.append(token)
            elif token in self._glosses and (
                token not in self._single or self._chance.random() < 0.3
            ):
                out.extend(self._chance.choice(self._glosses[token]))
        return out
