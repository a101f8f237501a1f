"""Step 7: the judge's folder that ships: fewer pieces, int8 rows, a manifest.

Of the pretrained model's 250,000 pieces those stay that occur in the material, in 112 languages,
and all single characters. Rows of matrices are int8 with one scale each, as those of the table are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from rag.text import simplified
from training.asked import asked
from training.material import CACHE, PROJECT, news_texts, read, report_texts
from training.pretrained import WIDTH, Pretrained, tokenizer_of

__all__ = ["main"]

NAME = "answer-judge-4"
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


def _rows(name: str, table: np.ndarray) -> dict[str, np.ndarray]:
    scales = np.maximum(np.abs(table).max(axis=1), 1e-9) / 127
    rows = np.clip(np.rint(table / scales[:, None]), -127, 127).astype(np.int8)
    return {name: rows, f"{name}.scale": scales.astype(np.float32)}


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
    save_file(arrays, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)  # the library makes it private to its owner
    files = {}
    for name in _FILES:
        data = (folder / name).read_bytes()
        files[name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    revision = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:12]
    manifest = {"name": NAME, "revision": revision, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    total = sum(each["bytes"] for each in files.values())
    print(f"{NAME}, revision {revision}: {len(kept):,} pieces, {total / 1e6:.1f} MB in {folder}")


if __name__ == "__main__":
    main()
