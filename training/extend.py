"""Step 4: more pieces, for words of other languages, and their vectors.

Of 112 languages training has some thousand sentences each: too few words are pieces of their own,
and "cuántos" is spelled. The lexicon that was written for training says what words of fifteen
languages mean in Chinese and English. They become pieces in place of some that no text needs; the
vectors of a word's pieces are to sum to the mean of what it means (least squares). Then questions
that are put into those languages word for word are asked. The vectors of pieces that Chinese and
English texts are made of stay as they are.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from tokenizers import Tokenizer

from rag.composers.quoting import units
from rag.questions.lexicon import CHINESE, LANGUAGES, forms_of, whole_words
from rag.text import contains_han
from training.asked import asked
from training.gloss import Glosser
from training.judging import is_held_out
from training.material import (
    CACHE,
    fold,
    news_texts,
    parallel_reports,
    read,
    report_texts,
)
from training.prepare import Recipe, Source
from training.train import Stage, load_source, train

__all__ = ["EXTENDED", "main"]

EXTENDED = CACHE / "extended"
SEED = 20240103
WORDS = 16_000
"""Pieces that are added."""
_FIRST = frozenset({"ar", "de", "el", "es", "hi", "ro", "ru", "th", "tr", "vi"})
_LATER = 0.6
"""What words of languages that have more of their own pieces, or fewer questions, count."""
_RARE, _UNNEEDED = 2, 3
"""Occurrences in English material, and in sentences of 112 languages and the lexicon, up to which a
piece gives way; and up to the first a new one may be in English words."""
_OWN = 5
"""Occurrences in English material up to which a piece is another language's."""
_MARGIN = 0.5
"""By how much a word's score exceeds that of the pieces that spelled it."""
_LEAST_SCORE = -16.0
_UNKNOWN = 0
"""The piece for what is no piece, which bytes leave nothing to; the tokeniser names it by place."""
_CHINESE_SHARE = 0.6
"""Of the Chinese words in what a word means; the rest is the English headword's."""
_HELD_BACK = 0.1
"""What holds vectors of pieces that were there where they were."""
_QUESTIONS = 8000
"""Questions that are put into each language."""
_STAGE = Stage(
    name="extended",
    mixture={"glossed": 0.6, "others": 0.1, "languages": 0.3},
    steps=600,
    size=2048,
    rate=0.005,
    cut=0.0,
)

_FIXED = re.compile("[\u3400-\u9fff\\d]")
_LATIN = re.compile("[A-Za-zÀ-ɏ]+")
_LETTER = re.compile(r"[^\W\d_]")

Table = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@cache
def english_texts() -> list[str]:
    """All English of the training material, and what its Chinese has in Latin letters."""
    texts = [record["en"] for record in parallel_reports(held_out=False)]
    texts += [text for _, text in report_texts("reports_en")]
    for name in ("parallel_tatoeba_zh_en", "parallel_insuranceqa_questions_zh_en"):
        texts += [record["en"] for record in read(name)]
    texts += ["; ".join(record["en"]) for record in read("dict_cedict_zh_en")]
    texts += [record["en"] for record in read("parallel_tatoeba112_xx_en")]
    texts += [" ".join(_LATIN.findall(text)) for text in news_texts()]
    texts += [" ".join(_LATIN.findall(record["a"])) for record in read("qa_mrc_zh")]
    return texts + [each.question for each in asked() if each.question.isascii()]


def other_texts() -> list[str]:
    """Sentences of 112 languages, and the forms of the lexicon."""
    texts = [record["text"] for record in read("parallel_tatoeba112_xx_en")]
    return texts + [form for _, _, forms in entries() for form in forms]


def entries() -> Iterable[tuple[str, str, list[str]]]:
    """Language, headword and forms of the whole lexicon, but for the Chinese part."""
    for language in LANGUAGES:
        for headword, forms in forms_of(language).items():
            yield language, headword, forms


def occurrences(tokenizer: Tokenizer, texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """How often each piece occurs in texts."""
    counts = np.zeros(tokenizer.get_vocab_size(), dtype=np.int64)
    for encoded in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False):
        np.add.at(counts, encoded.ids, 1)
    return counts


def wanted_words() -> list[str]:
    """Words that may become pieces, those of frequent headwords first."""
    value: dict[str, float] = defaultdict(float)
    for language in LANGUAGES:
        share = 1.0 if language in _FIRST else _LATER
        for number, forms in enumerate(forms_of(language).values()):
            for place, word in enumerate(whole_words(language, forms)):
                own = share / (200 + number) / (1 + 0.5 * place)
                value[word] = max(value[word], own)
    return sorted(value, key=lambda word: (-value[word], word))


def new_pieces(tokenizer: Tokenizer, scores: dict[str, float]) -> list[tuple[str, float]]:
    """Words that are spelled by several pieces, with a score above that of these.

    English words are to be read as before.
    """
    words = [word for word in wanted_words() if word not in scores]
    spelled = tokenizer.encode_batch_fast(words, add_special_tokens=False)
    by_id = {identity: scores[piece] for piece, identity in tokenizer.get_vocab().items()}
    added = []
    for word, encoded in zip(words, spelled, strict=True):
        if len(encoded.ids) > 1:
            spelling = sum(by_id[identity] for identity in encoded.ids)
            added.append((word, max(spelling + _MARGIN, _LEAST_SCORE)))
    first = added[: 2 * WORDS]
    counts = occurrences(with_pieces(tokenizer, first), english_texts())[len(scores) :]
    return [piece for piece, count in zip(first, counts, strict=True) if count <= _RARE][:WORDS]


def with_pieces(tokenizer: Tokenizer, added: Sequence[tuple[str, float]]) -> Tokenizer:
    """A tokeniser with more pieces, after its own."""
    content: dict[str, Any] = json.loads(tokenizer.to_str())
    content["model"]["vocab"] += added
    return Tokenizer.from_str(json.dumps(content, ensure_ascii=False))


def averages(tokenizer: Tokenizer, table: Table, texts: Sequence[str]) -> Table:
    """The mean vector of the pieces of each text."""
    encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return np.stack([table[each.ids].mean(axis=0) for each in encoded])


def meanings(tokenizer: Tokenizer, table: Table) -> dict[str, Table]:
    """What the pieces of each form are to sum to: the means of its Chinese words and English."""
    headwords = list(dict.fromkeys(headword for _, headword, _ in entries()))
    english = dict(zip(headwords, averages(tokenizer, table, headwords), strict=True))
    chinese = forms_of(CHINESE)
    for headword in headwords:
        if headword in chinese:
            translated = averages(tokenizer, table, chinese[headword][:3]).mean(axis=0)
            english[headword] = (
                _CHINESE_SHARE * translated + (1 - _CHINESE_SHARE) * english[headword]
            )
    found: dict[str, list[tuple[float, Table]]] = defaultdict(list)
    for _, headword, forms in entries():
        for place, form in enumerate(forms[:6]):
            found[fold(form)].append((1 / (1 + 0.3 * place), english[headword]))
    return {
        form: len(form.split())
        * np.average([each for _, each in told], axis=0, weights=[share for share, _ in told])
        for form, told in found.items()
    }


def fitted(tokenizer: Tokenizer, table: Table, movable: Mask) -> Table:
    """The table whose movable rows sum to what words mean, by conjugate gradients."""
    meant = meanings(tokenizer, table)
    encoded = tokenizer.encode_batch_fast(list(meant), add_special_tokens=False)
    rows = np.repeat(np.arange(len(encoded)), [len(each.ids) for each in encoded])
    columns = np.concatenate([each.ids for each in encoded])
    shape = (len(encoded), len(table))
    spelling = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    own = spelling[:, movable]
    left = np.stack(list(meant.values())) - spelling[:, ~movable] @ table[~movable]
    matrix = (own.T @ own) + _HELD_BACK * sparse.identity(int(movable.sum()))
    found = table[movable].astype(np.float64)
    rest = own.T @ left + _HELD_BACK * found - matrix @ found
    inverse = 1 / matrix.diagonal()[:, None]
    direction = inverse * rest
    size = (rest * direction).sum(axis=0)
    for _ in range(60):
        moved = matrix @ direction
        step = size / np.maximum((direction * moved).sum(axis=0), 1e-12)
        found += step * direction
        rest -= step * moved
        before, size = size, (rest * inverse * rest).sum(axis=0)
        direction = inverse * rest + size / np.maximum(before, 1e-12) * direction
    result = table.copy()
    result[movable] = found
    return result


def glossed() -> Iterable[tuple[str, str]]:
    """Questions put into each language word for word, with the passages that answer them."""
    chance = random.Random(SEED)
    glosser = Glosser(chance=chance)
    written = []
    for each in asked():
        if each.answers and not is_held_out(each.title):
            sentences = (each.passage[start:end] for start, end in units(each.passage))
            answering = [s for s in sentences if any(answer in s for answer in each.answers)]
            whole = chance.random() < 0.6 or not answering
            text = f"{each.title} {each.passage}" if whole else answering[0]
            written.append((each.question, text))
    encyclopaedic = [(record["q"], record["a"][:600]) for record in read("qa_mrc_zh")]
    headlines = [(record["q"], record["a"][:500]) for record in read("qa_title_xinwenlianbo")]
    for language in LANGUAGES:
        for share, pool in ((2, written), (3, encyclopaedic), (6, headlines)):
            for question, text in chance.choices(pool, k=_QUESTIONS // share):
                if question.isascii() or contains_han(question):
                    yield glosser.gloss(question, language), text


def others() -> Iterable[tuple[str, str]]:
    """Questions that were written in other languages."""
    for each in asked():
        foreign = not each.question.isascii() and not contains_han(each.question)
        if each.answers and foreign and not is_held_out(each.title):
            yield each.question, each.passage


def extended_tokenizer(path: Path) -> tuple[Tokenizer, npt.NDArray[np.int64], Mask]:
    """The tokeniser with more words; the row of each of its pieces in the table before, -1 for
    new ones; and which pieces are none of Chinese or English.
    """
    tokenizer = Tokenizer.from_file(str(path))
    content: dict[str, Any] = json.loads(tokenizer.to_str())
    pieces = content["model"]["vocab"]
    size = len(pieces)
    added = new_pieces(tokenizer, dict(pieces))
    pieces += added
    both = with_pieces(tokenizer, added)
    english, other = occurrences(both, english_texts()), occurrences(both, other_texts())
    lettered = np.array(
        [bool(_LETTER.search(piece)) and not _FIXED.search(piece) for piece, _ in pieces]
    )
    own = lettered & (english <= _OWN)
    long = np.array([len(piece) > 1 for piece, _ in pieces])
    gone = lettered & long & (english <= _RARE) & (other <= _UNNEEDED)
    gone[size:], own[size:] = False, True
    gone[_UNKNOWN] = own[_UNKNOWN] = False
    kept = np.flatnonzero(~gone)
    content["model"]["vocab"] = [pieces[number] for number in kept]
    rows = np.where(kept < size, kept, -1)
    print(f"{len(added):,} words added, {int(gone.sum()):,} pieces gone, {len(kept):,} in all")
    return Tokenizer.from_str(json.dumps(content, ensure_ascii=False)), rows, own[kept]


def main() -> None:
    """Write ``extended/tokenizer.json`` and ``extended/vectors.npy`` to the cache folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    EXTENDED.mkdir(parents=True, exist_ok=True)
    before: Table = np.load(CACHE / "vectors.npy").astype(np.float32)
    tokenizer, rows, movable = extended_tokenizer(CACHE / "tokenizer.json")
    tokenizer.save(str(EXTENDED / "tokenizer.json"))
    table = np.where((rows >= 0)[:, None], before[rows], np.float32(0))
    table = fitted(tokenizer, table, movable)
    np.save(EXTENDED / "fitted.npy", table)

    sources = []
    for name, fill in (
        ("glossed", lambda source: source.add_texts(glossed())),
        ("others", lambda source: source.add_texts(others())),
        ("languages", Recipe(tokenizer).languages),
    ):
        source = Source(tokenizer)
        fill(source)
        pairs, passages = source.save(EXTENDED / f"{name}.npz")
        print(f"{name:12} {pairs:9,} pairs, {passages:9,} passages", flush=True)
        sources.append(load_source(EXTENDED / f"{name}.npz"))
    table = train(table, sources, _STAGE, seed=SEED, movable=movable)
    np.save(EXTENDED / "vectors.npy", table)


if __name__ == "__main__":
    main()
