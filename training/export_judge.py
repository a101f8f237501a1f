"""Step 7: the judge's folder that ships: fewer pieces, int8 rows, a manifest.

Of the pretrained model's 250,000 pieces those stay that occur in the material, in 112 languages,
and all single characters. Rows of matrices are int8 with one scale each, as those of the table are.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.numpy import load_file

from rag.text import simplified
from training.asked import asked
from training.export import int8_rows, save_arrays, write_manifest
from training.material import CACHE, PROJECT, news_texts, read, report_texts
from training.pretrained import WIDTH, Pretrained, tokenizer_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["main"]

NAME = "answer-judge-5"
_OFTEN = 3
"""Times that a piece occurs, at least."""
_NEWS = 20_000
_FILES = ("model.safetensors", "tokenizer.json")


def _texts() -> Iterator[str]:
    for question in asked():
        yield from (question.question, question.passage, question.title)
    for record in read("qa_mrc_zh"):
        yield from (record["q"], record["a"])
    for number, text in enumerate(news_texts()):
        if number % 4 == 0 and number < 4 * _NEWS:
            yield text
    for folder in ("reports", "reports_en"):
        yield from (text for _, text in report_texts(folder))
    for record in read("parallel_tatoeba112_xx_en"):
        yield from (record["text"], record["en"])
    for record in read("parallel_tatoeba_zh_en"):
        yield from (record["zh"], record["en"])


def _kept(start: Pretrained) -> list[int]:
    """Numbers of the pieces that stay, in order; the special ones are the first four."""
    tokenizer = tokenizer_of(start.pieces, start.scores)
    counts: Counter[int] = Counter()
    batch: list[str] = []
    for text in _texts():
        batch.append(simplified(text))
        if len(batch) == 2000:
            for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                counts.update(encoding.ids)
            batch.clear()
    for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
        counts.update(encoding.ids)
    return [
        number
        for number, piece in enumerate(start.pieces)
        if number < 4 or len(piece.lstrip("▁")) <= 1 or counts[number] >= _OFTEN
    ]


def _rows(name: str, table: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[Any]]:
    rows, scales = int8_rows(table)
    return {name: rows, f"{name}.scale": scales}


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--folder", type=Path, default=PROJECT / "src/rag/judges/answer_judge")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    start = Pretrained.load()
    kept = _kept(start)
    pieces = [start.pieces[number] for number in kept]
    tokenizer_of(pieces, [start.scores[number] for number in kept]).save(
        str(folder / "tokenizer.json"), pretty=False
    )
    word = start.tensors["emb.word"].reshape(-1, WIDTH)[kept]
    arrays = _rows("word", word)
    for name, array in load_file(CACHE / "judge.safetensors").items():
        short = name.removeprefix("layers.")
        if array.ndim == 2 and min(array.shape) > 3 and name != "position":
            arrays |= _rows(short, array)
        else:
            arrays[short] = array
    save_arrays(arrays, folder / "model.safetensors")
    print(f"{len(kept):,} pieces;", write_manifest(folder, name=NAME, files=_FILES))


if __name__ == "__main__":
    main()
