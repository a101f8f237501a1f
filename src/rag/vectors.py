"""Nearest passages by vector: FAISS indexes derived from the catalog.

An index is an unchanging *base*, saved on disk, and what happened since: a small *tail* of new
vectors, and the keys of vectors that are gone. A change makes a new ``VectorIndex`` that shares the
base, so a search never sees an index being changed. When the tail has grown, a new base is built.

Small indexes are searched exhaustively; in larger ones an unrestricted search goes through a sieve
(``rag.sieve``); from ``IVF_THRESHOLD`` vectors on, it visits a part of an inverted file. A filtered
search is always exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.durable import Generation, Unusable, Workshop, load_generation, publish_generation
from rag.sieve import SAME_SCORE, Sieve

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from rag.schema import EmbedderInfo

    FloatArray = npt.NDArray[np.float32]
    KeyArray = npt.NDArray[np.int64]

__all__ = ["IVF_THRESHOLD", "VectorIndex", "decode_vectors", "encode_vectors"]

IVF_THRESHOLD = 500_000
"""Vectors from which an inverted file is searched. Measured with 256 dimensions in one thread: an
exhaustive search of 400,000 vectors takes 20 ms; an inverted file 4 ms at an eighth of its lists,
25 s of training, and misses some of what is near."""

_FILE_NAME = "vectors.faiss"
_CODES_NAME = "codes.faiss"
_TAIL_MINIMUM = 2_048
_TAIL_SHARE = 0.1
_SLACK = 32


def encode_vectors(vectors: FloatArray) -> list[bytes]:
    """Rows of an array of shape (n, dimension) as little-endian float32 bytes."""
    import numpy as np

    return [row.tobytes() for row in np.ascontiguousarray(vectors, dtype="<f4")]


def decode_vectors(rows: Iterable[bytes], *, dimension: int) -> FloatArray:
    """The reverse: float32 of shape (n, dimension)."""
    import numpy as np

    return np.frombuffer(b"".join(rows), dtype="<f4").astype(np.float32).reshape(-1, dimension)


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorIndex:
    """A searchable set of keyed vectors at one position of a collection's history. Immutable."""

    dimension: int
    base: Any
    """A faiss index with the catalog's passage keys as ids."""
    base_keys: KeyArray
    """The base's keys, sorted."""
    tail: Any
    tail_vectors: FloatArray
    tail_keys: KeyArray
    dead: KeyArray
    """Keys in the base that are no longer alive, sorted."""
    sieve: Sieve | None
    """Short codes of the base's vectors, where there are many."""

    @classmethod
    def build(cls, keys: KeyArray, vectors: FloatArray, *, dimension: int) -> VectorIndex:
        """An index over ``vectors`` (float32, shape (n, dimension)) without a tail."""
        import numpy as np

        base = _make_base(keys, vectors, dimension=dimension)
        return cls(
            dimension=dimension,
            base=base,
            sieve=Sieve.make(base, keys, vectors),
            base_keys=np.sort(keys),
            tail=_make_flat(keys[:0], vectors[:0], dimension=dimension),
            tail_vectors=vectors[:0],
            tail_keys=keys[:0],
            dead=keys[:0],
        )

    @classmethod
    def load(
        cls, root: Path, *, embedder: EmbedderInfo
    ) -> tuple[VectorIndex, dict[str, Any]] | None:
        """The index saved under ``root`` and its facts; None when there is none that can be used.

        Anything wrong with it is logged, not raised: it can be built again from the catalog.
        """

        def read(generation: Generation) -> tuple[VectorIndex, dict[str, Any]]:
            facts = dict(generation.facts)
            if facts.get("model") != _model_facts(embedder):
                raise Unusable(f"{generation.folder} was made for another model")
            return cls._read(generation.folder, facts, dimension=embedder.dimension), facts

        return load_generation(root, read)

    @classmethod
    def _read(cls, folder: Path, facts: dict[str, Any], *, dimension: int) -> VectorIndex:
        import numpy as np

        faiss = _faiss()
        try:
            base = faiss.read_index(str(folder / _FILE_NAME))
            codes = folder / _CODES_NAME
            sieve = None
            if codes.is_file():
                sieve = Sieve.over(base, _keys_of(base), codes=faiss.read_index(str(codes)))
        except RuntimeError as error:
            raise Unusable(f"{folder} cannot be read ({error})") from error
        if base.d != dimension or base.ntotal != facts.get("vectors"):
            raise Unusable(f"{folder} does not hold what its manifest says")
        keys = np.sort(_keys_of(base))
        empty = np.empty((0, dimension), dtype=np.float32)
        return cls(
            dimension=dimension,
            base=base,
            sieve=sieve,
            base_keys=keys,
            tail=_make_flat(keys[:0], empty, dimension=dimension),
            tail_vectors=empty,
            tail_keys=keys[:0],
            dead=keys[:0],
        )

    def save(self, root: Path, *, embedder: EmbedderInfo, facts: dict[str, Any]) -> None:
        """Publish the base under ``root``. Only for an index without a tail. Raises OSError."""
        faiss = _faiss()

        workshop = Workshop(root)
        try:
            try:
                faiss.write_index(self.base, str(workshop.folder / _FILE_NAME))
                if self.sieve is not None:
                    faiss.write_index(self.sieve.codes, str(workshop.folder / _CODES_NAME))
            except RuntimeError as error:  # how faiss reports a full disk
                raise OSError(str(error)) from error
            publish_generation(
                workshop,
                {
                    **facts,
                    "model": _model_facts(embedder),
                    "vectors": int(self.base.ntotal),
                    "faiss": faiss.__version__,
                },
            )
        finally:
            workshop.close()

    @property
    def size(self) -> int:
        """How many vectors can be found."""
        return len(self.base_keys) - len(self.dead) + len(self.tail_keys)

    @property
    def pending(self) -> int:
        """How many vectors came or went since the base was built."""
        return len(self.tail_keys) + len(self.dead)

    @property
    def overdue(self) -> bool:
        """Whether so much has changed that a new base should be built."""
        return self.pending > max(_TAIL_MINIMUM, _TAIL_SHARE * len(self.base_keys))

    def changed(
        self, *, added_keys: KeyArray, added: FloatArray, removed: Iterable[tuple[int, int]]
    ) -> VectorIndex:
        """A new index with vectors added and ranges of keys (both ends included) removed."""
        import numpy as np

        ranges = np.array(sorted(removed), dtype=np.int64).reshape(-1, 2)
        gone = _within(self.base_keys, ranges)
        kept = ~_within(self.tail_keys, ranges)
        tail_keys = np.concatenate([self.tail_keys[kept], added_keys])
        tail_vectors = np.concatenate([self.tail_vectors[kept], added])
        return replace(
            self,
            tail=_make_flat(tail_keys, tail_vectors, dimension=self.dimension),
            tail_vectors=tail_vectors,
            tail_keys=tail_keys,
            dead=np.union1d(self.dead, self.base_keys[gone]),
        )

    def consolidated(self) -> VectorIndex:
        """The same vectors in a new base, without a tail."""
        import numpy as np

        keys, vectors = _keys_of(self.base), _vectors_of(self.base)
        alive = ~np.isin(keys, self.dead)
        return VectorIndex.build(
            np.concatenate([keys[alive], self.tail_keys]),
            np.concatenate([vectors[alive], self.tail_vectors]),
            dimension=self.dimension,
        )

    def search(
        self, vector: FloatArray, *, limit: int, allowed: KeyArray | None = None
    ) -> KeyArray:
        """Keys of at least the ``limit`` nearest vectors (fewer when there are fewer), unordered.

        ``allowed`` restricts the search to these keys. There may be more than ``limit``: all that
        are as near as the last one, so that the caller can break ties as it likes.
        """
        import numpy as np

        faiss = _faiss()
        # One query is fastest in one thread; the setting holds for the calling thread only.
        faiss.omp_set_num_threads(1)
        query = np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1)
        found = []
        sieved = None
        if self.sieve is not None and allowed is None:
            sieved = self.sieve.search(query, limit=limit, dead=self.dead)
        if sieved is not None:
            found.append(sieved)
        for index, dead in ((self.base, self.dead), (self.tail, self.dead[:0])):
            if index.ntotal == 0 or (index is self.base and sieved is not None):
                continue
            selector = _selector(allowed, dead)
            wanted = limit + _SLACK
            while True:
                wanted = min(wanted, int(index.ntotal))
                scores, keys = index.search(
                    query, wanted, params=_parameters(index, selector, allowed is not None)
                )
                scores, keys = scores[0][keys[0] >= 0], keys[0][keys[0] >= 0]
                tied = len(keys) > limit and scores[limit - 1] - scores[-1] < SAME_SCORE
                if len(keys) < wanted or wanted == index.ntotal or not tied:
                    break
                wanted *= 2
            if len(keys) > limit:
                keys = keys[scores >= scores[limit - 1] - SAME_SCORE]
            found.append(keys)
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _faiss() -> Any:
    # Untyped on purpose: the stubs that come with faiss lack much of what it offers.
    import faiss

    return faiss


def _model_facts(embedder: EmbedderInfo) -> dict[str, Any]:
    return {
        "name": embedder.name,
        "revision": embedder.revision,
        "dimension": embedder.dimension,
        "normaliser": embedder.normaliser,
    }


def _make_flat(keys: KeyArray, vectors: FloatArray, *, dimension: int) -> Any:
    faiss = _faiss()

    index = faiss.IndexIDMap(faiss.IndexFlatIP(dimension))
    if len(keys):
        index.add_with_ids(vectors, keys)
    return index


def _make_base(keys: KeyArray, vectors: FloatArray, *, dimension: int) -> Any:
    if len(keys) < IVF_THRESHOLD:
        return _make_flat(keys, vectors, dimension=dimension)
    faiss = _faiss()

    lists = int(4 * len(keys) ** 0.5)
    index = faiss.IndexIVFFlat(
        faiss.IndexFlatIP(dimension), dimension, lists, faiss.METRIC_INNER_PRODUCT
    )
    index.cp.seed = 1
    index.train(vectors)
    index.add_with_ids(vectors, keys)
    index.nprobe = max(16, lists // 8)
    return index


def _within(keys: KeyArray, ranges: KeyArray) -> npt.NDArray[np.bool_]:
    """Which keys lie in one of the sorted ranges (shape (n, 2), both ends included)."""
    import numpy as np

    if not len(ranges):
        return np.zeros(len(keys), dtype=np.bool_)
    candidate = np.searchsorted(ranges[:, 0], keys, side="right") - 1
    furthest = np.maximum.accumulate(ranges[:, 1])
    within: npt.NDArray[np.bool_] = (candidate >= 0) & (keys <= furthest[candidate])
    return within


def _lists(base: Any) -> list[tuple[int, int]]:
    """Number and length of an inverted file's lists, without the empty ones."""
    sizes = ((number, base.invlists.list_size(number)) for number in range(base.nlist))
    return [(number, size) for number, size in sizes if size]


def _keys_of(base: Any) -> KeyArray:
    """The keys of a base, in the order in which it holds them."""
    import numpy as np

    faiss = _faiss()
    if not isinstance(base, faiss.IndexIVF):
        stored: KeyArray = faiss.vector_to_array(base.id_map)
        return stored
    keys = [np.empty(0, dtype=np.int64)]
    for number, size in _lists(base):
        keys.append(faiss.rev_swig_ptr(base.invlists.get_ids(number), size).copy())
    return np.concatenate(keys)


def _vectors_of(base: Any) -> FloatArray:
    """The vectors of a base, in the order in which it holds them."""
    import numpy as np

    faiss = _faiss()
    if not isinstance(base, faiss.IndexIVF):
        stored: FloatArray = faiss.downcast_index(base.index).reconstruct_n(0, base.ntotal)
        return stored
    vectors = [np.empty((0, base.d), dtype=np.float32)]
    for number, size in _lists(base):
        codes = faiss.rev_swig_ptr(base.invlists.get_codes(number), size * base.code_size)
        vectors.append(codes.view(np.float32).reshape(size, base.d).copy())
    return np.concatenate(vectors)


def _selector(allowed: KeyArray | None, dead: KeyArray) -> Any:
    import numpy as np

    faiss = _faiss()
    if allowed is None:
        return faiss.IDSelectorNot(faiss.IDSelectorBatch(dead)) if len(dead) else None
    # A bit a key: looking one up costs the same however many are allowed.
    bits = np.zeros(int(allowed.max(initial=0)) + 1, dtype=np.bool_)
    bits[allowed] = True
    bits[dead[dead < len(bits)]] = False
    return faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little"))


def _parameters(index: Any, selector: Any, filtered: bool) -> Any:
    faiss = _faiss()

    if isinstance(index, faiss.IndexIVF):
        # The nearest lists may hold none of the allowed keys: a filtered search visits them all.
        return faiss.SearchParametersIVF(
            sel=selector, nprobe=index.nlist if filtered else index.nprobe
        )
    return faiss.SearchParameters(sel=selector) if selector is not None else None
