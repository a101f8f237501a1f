"""Step 3: the vectors. Arrays of token pairs to one vector per piece.

Start: latent semantic analysis of the training passages with everything that belongs to them
(their queries, translations, glosses), which places translations near each other before the first
step. Then contrastive training: in each batch every query must prefer its own passage to all
others, and every passage its own query (InfoNCE in both directions), at several dimensions at once
(Matryoshka). Only rows that a batch touches are updated.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from training.contrast import contrast
from training.material import CACHE

__all__ = ["Stage", "load_source", "main", "train"]

SEED = 20240102
DIMENSION = 512
NESTED = (64, 128, 256)
DROPOUT = 0.2
ADAM = (0.9, 0.999)
RANDOM_SHARE = 0.5
START_SIZE = 0.15

# What share of the training each source gets: Chinese questions over Chinese passages first, then
# English over Chinese, then everything else.
BROAD = {
    "news": 0.19,
    "broadcasts": 0.11,
    "reports": 0.08,
    "laws": 0.05,
    "wiki": 0.03,
    "headlines": 0.09,
    "questions": 0.05,
    "government": 0.03,
    "policies": 0.005,
    "sentences": 0.06,
    "contexts": 0.07,
    "dictionary": 0.09,
    "tatoeba": 0.04,
    "insurance": 0.03,
    "languages": 0.08,
    "reports_en": 0.03,
    "similar": 0.01,
}
# Then questions that people asked and text of their length, among more negatives.
ASKED = {
    "news": 0.24,
    "broadcasts": 0.08,
    "reports": 0.06,
    "laws": 0.04,
    "wiki": 0.07,
    "headlines": 0.10,
    "questions": 0.08,
    "government": 0.05,
    "policies": 0.01,
    "sentences": 0.05,
    "contexts": 0.08,
    "dictionary": 0.03,
    "tatoeba": 0.02,
    "insurance": 0.03,
    "languages": 0.05,
    "reports_en": 0.02,
    "similar": 0.01,
}
# Last what was written for training: how people ask, of reports and of pages.
_WRITTEN = 0.4
WRITTEN = {name: (1 - _WRITTEN) * share for name, share in ASKED.items()} | {"written": _WRITTEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the training: how many batches of how many pairs from which sources."""

    name: str
    mixture: dict[str, float]
    steps: int
    size: int
    rate: float
    cut: float
    """How often a passage is given without the words of its query, where the pair says which."""


STAGES = (
    Stage(name="broad", mixture=BROAD, steps=6000, size=2048, rate=0.02, cut=1.0),
    Stage(name="asked", mixture=ASKED, steps=2000, size=4096, rate=0.008, cut=0.6),
)
LAST = Stage(name="written", mixture=WRITTEN, steps=1300, size=2048, rate=0.005, cut=0.6)

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Lists of tokens, one after the other; row i is ``tokens[offsets[i]:offsets[i + 1]]``."""

    tokens: npt.NDArray[np.int32]
    offsets: Integers


@dataclass(frozen=True, slots=True)
class Source:
    """Queries, passages, and pairs: query, passage, start and end of the cut."""

    name: str
    queries: Rows
    passages: Rows
    pairs: npt.NDArray[np.int32]
    query_keys: Integers
    """Equal for equal queries."""


def load_source(path: Path) -> Source:
    """Read the arrays of one source."""
    with np.load(path) as arrays:
        queries = Rows(arrays["query_tokens"], arrays["query_offsets"])
        passages = Rows(arrays["passage_tokens"], arrays["passage_offsets"])
        pairs = arrays["pairs"]
    known: dict[bytes, int] = {}
    bounds = queries.offsets
    keys = [
        known.setdefault(queries.tokens[bounds[row] : bounds[row + 1]].tobytes(), len(known))
        for row in range(len(bounds) - 1)
    ]
    return Source(path.stem, queries, passages, pairs, np.array(keys, dtype=np.int64))


def gather(
    rows: Rows,
    wanted: Integers,
    *,
    cuts: Integers | None,
    dropout: float,
    chance: np.random.Generator,
) -> tuple[Integers, Integers]:
    """Tokens of the wanted rows, without cuts and dropped tokens, and each row's length.

    A row never becomes empty: rows of up to three tokens are kept whole.
    """
    starts = rows.offsets[wanted]
    lengths = rows.offsets[wanted + 1] - starts
    first = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    local = np.arange(lengths.sum()) - np.repeat(first, lengths)
    keep = np.ones(len(local), dtype=bool)
    if cuts is not None:
        inside = local >= np.repeat(cuts[:, 0], lengths)
        keep &= ~(inside & (local < np.repeat(cuts[:, 1], lengths)))
    if dropout:
        left = keep & (chance.random(len(local)) >= dropout)
        enough = (np.add.reduceat(left, first) > 0) & (lengths > 3)
        keep = np.where(np.repeat(enough, lengths), left, keep)
    tokens = rows.tokens[(local + np.repeat(starts, lengths))[keep]].astype(np.int64)
    return tokens, np.add.reduceat(keep.astype(np.int64), first)


class Batches:
    """Draws batches: mixed ones, and ones of a single source, whose negatives are harder."""

    def __init__(self, sources: list[Source], *, stage: Stage, chance: np.random.Generator) -> None:
        """Keep the sources with their shares."""
        self._sources = sources
        self._size = stage.size
        self._cut = stage.cut
        self._chance = chance
        shares = np.array([stage.mixture[source.name] for source in sources])
        self._shares = shares / shares.sum()

    def draw(self) -> tuple[tuple[Integers, Integers], tuple[Integers, Integers], torch.Tensor]:
        """Queries, passages (tokens and lengths each), and which off-diagonal cells are no
        negatives, because query or passage are the same.
        """
        chance = self._chance
        if chance.random() < 0.5:
            counts = chance.multinomial(self._size, self._shares)
        else:
            counts = np.zeros(len(self._sources), dtype=np.int64)
            counts[chance.choice(len(self._sources), p=self._shares)] = self._size
        queries, passages, query_keys, passage_keys = [], [], [], []
        for number, (source, count) in enumerate(zip(self._sources, counts, strict=True)):
            if not count:
                continue
            pairs = source.pairs[self._choose(len(source.pairs), int(count))].astype(np.int64)
            cuts = pairs[:, 2:] * (chance.random(len(pairs)) < self._cut)[:, None]
            queries.append(
                gather(source.queries, pairs[:, 0], cuts=None, dropout=DROPOUT, chance=chance)
            )
            passages.append(
                gather(source.passages, pairs[:, 1], cuts=cuts, dropout=DROPOUT, chance=chance)
            )
            query_keys.append(source.query_keys[pairs[:, 0]] + (number << 40))
            passage_keys.append(pairs[:, 1] + (number << 40))
        same = _equal_pairs(np.concatenate(query_keys)) | _equal_pairs(np.concatenate(passage_keys))
        same.fill_diagonal_(False)
        return _joined(queries), _joined(passages), same

    def _choose(self, available: int, count: int) -> Integers:
        """Half of the time blocks of neighbours, which are about nearly the same thing."""
        if self._chance.random() < 0.5 or available < 8 * count:
            return self._chance.integers(0, available, count)
        block = 16
        firsts = self._chance.integers(0, available - block, -(-count // block))
        return (firsts[:, None] + np.arange(block)).ravel()[:count]


def _joined(parts: list[tuple[Integers, Integers]]) -> tuple[Integers, Integers]:
    return np.concatenate([tokens for tokens, _ in parts]), np.concatenate([n for _, n in parts])


def _equal_pairs(keys: Integers) -> torch.Tensor:
    tensor = torch.from_numpy(keys)
    return tensor[:, None] == tensor[None, :]


def starting_vectors(
    sources: list[Source], *, pieces: int, chance: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Truncated singular vectors of the passage-by-piece matrix, plus chance for distinctness.

    Rows are scaled by inverse document frequency, so that an average of rows is already a usable
    projection of the passage's tf-idf vector.
    """
    from scipy import sparse

    blocks = []
    for source in sources:
        passages, queries, pairs = source.passages, source.queries, source.pairs
        count = len(passages.offsets) - 1
        row_of_token = np.repeat(np.arange(count), np.diff(passages.offsets))
        query_rows = np.empty(len(queries.offsets) - 1, dtype=np.int64)
        query_rows[pairs[:, 0]] = pairs[:, 1]
        row_of_query_token = np.repeat(query_rows, np.diff(queries.offsets))
        rows = np.concatenate((row_of_token, row_of_query_token))
        columns = np.concatenate((passages.tokens, queries.tokens))
        ones = np.ones(len(rows), dtype=np.float32)
        blocks.append(sparse.csr_matrix((ones, (rows, columns)), shape=(count, pieces)))
    matrix = sparse.vstack(blocks).tocsr()
    seen = np.bincount(matrix.indices, minlength=pieces)
    weight = np.log((matrix.shape[0] + 1) / (seen + 1)).astype(np.float32)
    matrix.data = np.log1p(matrix.data) * weight[matrix.indices]
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix = sparse.diags_array(1 / np.maximum(lengths, 1e-6), dtype=np.float32) @ matrix
    transposed = matrix.T.tocsr()
    basis = chance.standard_normal((pieces, DIMENSION + 16)).astype(np.float32)
    for _ in range(3):
        basis, _ = np.linalg.qr(transposed @ (matrix @ basis))
        basis = basis.astype(np.float32)
    projected = matrix @ basis
    values, rotation = np.linalg.eigh(projected.T @ projected)
    order = np.argsort(-values)[:DIMENSION]
    vectors = basis @ rotation[:, order].astype(np.float32)
    # Damping evens out the dimensions, or the first few would decide every comparison.
    vectors *= (values[order] ** -0.25).astype(np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    noise = chance.standard_normal(vectors.shape).astype(np.float32) / math.sqrt(DIMENSION)
    mixed = weight[:, None] * (vectors + RANDOM_SHARE * noise)
    return np.asarray(START_SIZE * mixed / np.sqrt((mixed**2).mean()), dtype=np.float32)


class Trainer:
    """One table of vectors, and Adam (Kingma and Ba 2015) over the rows that a batch touches."""

    def __init__(
        self,
        table: npt.NDArray[np.float32],
        *,
        rate: float,
        movable: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        """Take the starting vectors, and which of them may move: all, unless told."""
        self.table = torch.from_numpy(table)
        self._rate = rate
        self._mean = torch.zeros_like(self.table)
        self._square = torch.zeros_like(self.table)
        self._steps = 0
        self._place = np.zeros(len(table), dtype=np.int64)
        self._movable = None if movable is None else torch.from_numpy(movable)

    def step(
        self,
        queries: tuple[Integers, Integers],
        passages: tuple[Integers, Integers],
        same: torch.Tensor,
        *,
        rate: float,
        nested: int,
    ) -> float:
        """Take one step; return the loss at the full dimension."""
        tokens = np.concatenate((queries[0], passages[0]))
        lengths = np.concatenate((queries[1], passages[1]))
        used = np.zeros(len(self._place), dtype=bool)
        used[tokens] = True
        rows = np.flatnonzero(used)
        self._place[rows] = np.arange(len(rows))
        offsets = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        touched = torch.from_numpy(rows)
        part = self.table[touched].requires_grad_()
        averages = functional.embedding_bag(
            torch.from_numpy(self._place[tokens]), part, torch.from_numpy(offsets), mode="mean"
        )
        asked, given = averages.tensor_split([len(queries[1])])
        whole = contrast(asked, given, same)
        loss = whole + 0.4 * contrast(asked[:, :nested], given[:, :nested], same)
        (gradient,) = torch.autograd.grad(loss, part)
        self._update(touched, part.detach(), gradient, rate=self._rate * rate)
        return float(whole.detach())

    def _update(
        self, rows: torch.Tensor, part: torch.Tensor, gradient: torch.Tensor, *, rate: float
    ) -> None:
        """Move the touched rows; the others keep their place and their averages."""
        if self._movable is not None:
            chosen = self._movable[rows]
            rows, part, gradient = rows[chosen], part[chosen], gradient[chosen]
        self._steps += 1
        mean = self._mean[rows].lerp_(gradient, 1 - ADAM[0])
        square = self._square[rows].mul_(ADAM[1]).addcmul_(gradient, gradient, value=1 - ADAM[1])
        self._mean[rows], self._square[rows] = mean, square
        corrected = rate / (1 - ADAM[0] ** self._steps)
        scale = square.div_(1 - ADAM[1] ** self._steps).sqrt_().add_(1e-8)
        self.table[rows] = part.addcdiv_(mean, scale, value=-corrected)


def train(
    table: npt.NDArray[np.float32],
    sources: list[Source],
    stage: Stage,
    *,
    seed: int,
    movable: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.float32]:
    """The table after a stage."""
    chance = np.random.default_rng(seed)
    trainer = Trainer(table, rate=stage.rate, movable=movable)
    used = [source for source in sources if source.name in stage.mixture]
    batches = Batches(used, stage=stage, chance=chance)
    began = time.monotonic()
    average = 0.0
    for step in range(stage.steps):
        progress = step / stage.steps
        rate = min(1.0, (step + 1) / 50) * (0.03 + 0.97 * (1 + math.cos(math.pi * progress)) / 2)
        nested = NESTED[int(chance.integers(len(NESTED)))]
        loss = trainer.step(*batches.draw(), rate=rate, nested=nested)
        average = loss if step == 0 else 0.98 * average + 0.02 * loss
        if (step + 1) % 50 == 0:
            seconds = time.monotonic() - began
            print(f"{stage.name} {step + 1:6,}  loss {average:.3f}  {seconds:6.0f} s", flush=True)
    return np.asarray(trainer.table.numpy())


def main() -> None:
    """Write ``vectors.npy`` (float32) to the cache folder; a stage that is done is not repeated.

    The last stage starts from the mean of what the others end with, and the vectors are the mean
    of that and of what it ends with: a little better than either, both times (Wortsman and others
    2022: Model soups).
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, default=CACHE / "vectors.npy")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)

    sources = [load_source(CACHE / "arrays" / f"{name}.npz") for name in WRITTEN]
    pieces = Tokenizer.from_file(str(CACHE / "tokenizer.json")).get_vocab_size()
    done = CACHE / "start.npy"
    if not done.exists():
        np.save(done, starting_vectors(sources, pieces=pieces, chance=np.random.default_rng(SEED)))
    tables = []
    for number, stage in enumerate(STAGES):
        before, done = done, CACHE / f"{stage.name}.npy"
        if not done.exists():
            np.save(done, train(np.load(before), sources, stage, seed=SEED + number))
        tables.append(np.load(done))
    mean = np.mean(tables, axis=0)
    np.save(CACHE / "mean.npy", mean)
    done = CACHE / f"{LAST.name}.npy"
    if not done.exists():
        np.save(done, train(mean.copy(), sources, LAST, seed=SEED + len(STAGES)))
    np.save(arguments.output, (mean + np.load(done)) / 2)


if __name__ == "__main__":
    main()
