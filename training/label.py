"""Step 3: what the teacher thinks. Raw texts to arrays of pairs with the teacher's vectors.

The pairs are sampled from the sources that people wrote, and from the vocabulary itself, so that
pieces too rare for the texts are compared too. From the vectors follows how near every query of a
batch is to every passage of it, which is what the student learns (``train.py``).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from training.material import CACHE, read
from training.prepare import Source
from training.teacher import Teacher

__all__ = ["main"]

SEED = 20240103
LONGEST_QUERY = 64
LONGEST_PASSAGE = 160

Pairs = list[tuple[str, str]]


def sources(tokenizer: Tokenizer) -> Iterator[tuple[str, Pairs]]:
    """Pairs of texts, source by source."""
    chance = random.Random(SEED)

    def some(pairs: Iterable[tuple[str, str]], most: int) -> Pairs:
        kept = [(first, second) for first, second in pairs if first.strip() and second.strip()]
        return chance.sample(kept, min(most, len(kept)))

    def titles() -> Iterator[tuple[str, str]]:
        for name in ("qa_title_xinwenlianbo", "qa_title_crud_noisy"):
            yield from ((record["q"], record["a"][:240]) for record in read(name))

    def glosses() -> Iterator[tuple[str, str]]:
        for record in read("dict_cedict_zh_en"):
            yield "; ".join(record["en"][:3])[:120], record["zh"]

    def similar() -> Iterator[tuple[str, str]]:
        for name in ("pairs_stsb_zh", "pairs_stsb_en"):
            yield from ((record["s1"], record["s2"]) for record in read(name))

    yield "questions", some(((each["q"], each["a"][:300]) for each in read("qa_mrc_zh")), 10**6)
    yield "government", some(((each["q"], each["a"][:300]) for each in read("qa_ncp_gov")), 10**6)
    yield "pieces", [(piece, piece) for piece in vocabulary(tokenizer)]
    records = read("parallel_insuranceqa_questions_zh_en")
    yield "insurance", some(((each["en"], each["zh"]) for each in records), 10**6)
    yield "headlines", some(titles(), 8_000)
    yield "similar", some(similar(), 10_000)
    records = read("parallel_tatoeba_zh_en")
    yield "tatoeba", some(((each["en"], each["zh"]) for each in records), 12_000)
    records = read("parallel_tatoeba112_xx_en")
    yield "languages", some(((each["text"], each["en"]) for each in records), 30_000)
    yield "dictionary", some(glosses(), 30_000)


def vocabulary(tokenizer: Tokenizer) -> list[str]:
    """Every piece that is read as itself when it stands alone."""
    pieces = (piece.replace("▁", "") for piece in tokenizer.get_vocab())
    alone = sorted({piece for piece in pieces if piece.strip() and not piece.startswith("<0x")})
    encodings = tokenizer.encode_batch_fast(alone, add_special_tokens=False)
    return [piece for piece, each in zip(alone, encodings, strict=True) if len(each.ids) == 1]


def main() -> None:
    """Write ``labels/<source>.npz`` to the cache folder; a source that is there is kept."""
    torch.set_num_threads(2)
    folder = CACHE / "labels"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(CACHE / "tokenizer.json"))
    teacher = Teacher()
    for name, pairs in sources(tokenizer):
        path = folder / f"{name}.npz"
        if path.exists():
            continue
        began = time.monotonic()
        sides = []
        known: dict[tuple[str, str], npt.NDArray[np.float16]] = {}
        for side, longest in ((0, LONGEST_QUERY), (1, LONGEST_PASSAGE)):
            # Words and sentences of like kind are all queries to the teacher.
            asks = side == 0 or name not in ("questions", "government", "headlines")
            prefix = "query" if asks else "passage"
            texts = dict.fromkeys(pair[side] for pair in pairs)
            new = [text for text in texts if (prefix, text) not in known]
            vectors = teacher.embed(new, prefix=prefix, longest=longest)
            known.update(zip(((prefix, text) for text in new), vectors, strict=True))
            sides.append(np.stack([known[prefix, pair[side]] for pair in pairs]))
        source = Source(tokenizer)
        source.add_texts(pairs)
        source.save(path, query_vectors=sides[0], passage_vectors=sides[1])
        seconds = time.monotonic() - began
        print(f"{name:12} {len(pairs):9,} pairs  {seconds:6.0f} s", flush=True)


if __name__ == "__main__":
    main()
