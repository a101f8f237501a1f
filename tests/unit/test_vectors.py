"""The vector index: exact where it says so, never changed in place, rebuilt when unusable."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import sieve, vectors
from rag.schema import EmbedderInfo
from rag.vectors import VectorIndex, decode_vectors, encode_vectors

if TYPE_CHECKING:
    import pytest

INFO = EmbedderInfo(name="model", revision="1", dimension=8, normaliser="n1")
FACTS: dict[str, Any] = {"seq": 7, "stamp": "s"}


def unit_rows(count: int, *, seed: int = 0, dimension: int = 8) -> npt.NDArray[np.float32]:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: npt.NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def index_of(count: int, *, seed: int = 0) -> tuple[VectorIndex, npt.NDArray[np.float32]]:
    rows = unit_rows(count, seed=seed)
    return VectorIndex.build(np.arange(1, count + 1), rows, dimension=8), rows


def nearest(keys: list[int], rows: npt.NDArray[np.float32], query: Any, limit: int) -> set[int]:
    order = np.argsort(-(rows @ query))[:limit]
    return {keys[position] for position in order}


def test_bytes_are_little_endian_float32_and_come_back() -> None:
    rows = unit_rows(3)
    encoded = encode_vectors(rows)
    assert encoded[0] == rows[0].astype("<f4").tobytes()
    assert np.array_equal(decode_vectors(encoded, dimension=8), rows)
    assert decode_vectors([], dimension=8).shape == (0, 8)


@settings(deadline=None, max_examples=40)
@given(
    first=st.integers(0, 60),
    then=st.integers(0, 20),
    removed=st.lists(st.tuples(st.integers(1, 80), st.integers(0, 9)), max_size=4),
    limit=st.integers(1, 70),
    restrict=st.booleans(),
)
def test_search_equals_comparing_with_every_vector(
    first: int, then: int, removed: list[tuple[int, int]], limit: int, restrict: bool
) -> None:
    rows = unit_rows(first + then + 1)
    query = rows[-1]
    ranges = [(start, start + width) for start, width in removed]
    keys = [
        key
        for key in range(1, first + then + 1)
        # What is added in the same change as a removal is not what is removed.
        if key > first or not any(low <= key <= high for low, high in ranges)
    ]
    index = VectorIndex.build(np.arange(1, first + 1), rows[:first], dimension=8).changed(
        added_keys=np.arange(first + 1, first + then + 1),
        added=rows[first : first + then],
        removed=ranges,
    )
    assert index.size == len(keys)
    if restrict:
        keys = [key for key in keys if key % 3 == 0]
    allowed = np.array([*range(3, 200, 3)]) if restrict else None
    expected = nearest(keys, rows[[key - 1 for key in keys]], query, limit)
    for variant in (index, index.consolidated()):
        found = set(variant.search(query, limit=limit, allowed=allowed).tolist())
        assert expected <= found <= set(keys)


def test_a_change_leaves_the_index_it_was_made_from_alone() -> None:
    index, rows = index_of(20)
    changed = index.changed(
        added_keys=np.array([21]), added=unit_rows(1, seed=5), removed=[(1, 10)]
    )
    assert (index.size, changed.size) == (20, 11)
    assert 1 in index.search(rows[0], limit=1).tolist()
    assert 1 not in changed.search(rows[0], limit=20).tolist()


def test_a_key_of_the_tail_can_be_removed_again() -> None:
    index, rows = index_of(3)
    grown = index.changed(added_keys=np.array([4, 5]), added=rows[:2], removed=[])
    shrunk = grown.changed(added_keys=np.array([6]), added=rows[2:3], removed=[(4, 4), (2, 2)])
    assert sorted(shrunk.search(rows[0], limit=10).tolist()) == [1, 3, 5, 6]


def test_all_that_tie_with_the_last_are_returned() -> None:
    rows = np.repeat(unit_rows(1), 200, axis=0)
    index = VectorIndex.build(np.arange(200), rows, dimension=8)
    assert len(index.search(rows[0], limit=3)) == 200


def test_a_large_index_uses_lists_and_a_restricted_search_of_it_is_exact(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(vectors, "IVF_THRESHOLD", 1_000)
    index, rows = index_of(6_000)
    index.save(tmp_path, embedder=INFO, facts=FACTS)
    loaded = VectorIndex.load(tmp_path, embedder=INFO)
    assert loaded is not None
    for variant in (index, loaded[0]):
        assert type(variant.base).__name__ == "IndexIVFFlat"
        changed = variant.changed(added_keys=np.array([6_001]), added=rows[:1], removed=[(1, 50)])
        allowed = np.arange(1, 6_001, 97)
        kept = [int(key) for key in allowed if key > 50]
        exact = nearest(kept, rows[[key - 1 for key in kept]], rows[0], 40)
        assert exact <= set(changed.search(rows[0], limit=40, allowed=allowed).tolist())
        found = changed.search(rows[0], limit=10).tolist()
        assert 6_001 in found
        assert min(found) > 50
        again = changed.consolidated()
        assert again.size == 5_951
        assert again.pending == 0
        assert 6_001 in again.search(rows[0], limit=1).tolist()


def test_a_sieve_finds_what_is_nearest_and_what_is_gone_stays_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sieve, "SIEVE_THRESHOLD", 1_000)
    index, rows = index_of(3_000)
    index.save(tmp_path, embedder=INFO, facts=FACTS)
    loaded = VectorIndex.load(tmp_path, embedder=INFO)
    assert loaded is not None
    for variant in (index, loaded[0]):
        assert variant.sieve is not None
        changed = variant.changed(added_keys=np.array([3_001]), added=rows[:1], removed=[(1, 50)])
        for number in range(60, 70):
            exact = nearest(list(range(1, 3_001)), rows, rows[number], 10)
            found = variant.search(rows[number], limit=10).tolist()
            assert len(exact & set(found)) >= 9
            assert number + 1 in found
            assert min(changed.search(rows[number], limit=10).tolist()) > 50
        assert 3_001 in changed.search(rows[0], limit=5).tolist()
        again = changed.consolidated()
        assert (again.size, again.pending) == (2_951, 0)
        assert 3_001 in again.search(rows[0], limit=1).tolist()


def test_a_sieve_gives_way_to_comparing_all_where_it_cannot_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sieve, "SIEVE_THRESHOLD", 100)
    rows = np.concatenate([np.repeat(unit_rows(1), 200, axis=0), unit_rows(300, seed=5)])
    index = VectorIndex.build(np.arange(500), rows, dimension=8)
    assert index.sieve is not None
    assert len(index.search(rows[0], limit=3)) == 200
    # Of the nearest, nearly all are gone.
    left = index.changed(
        added_keys=np.empty(0, dtype=np.int64), added=rows[:0], removed=[(0, 195), (200, 495)]
    )
    found = set(left.search(rows[0], limit=6).tolist())
    assert set(range(196, 200)) < found <= {*range(196, 200), *range(496, 500)}


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    index, rows = index_of(30)
    index.save(tmp_path, embedder=INFO, facts=FACTS)
    loaded = VectorIndex.load(tmp_path, embedder=INFO)
    assert loaded is not None
    assert (loaded[1]["seq"], loaded[1]["stamp"], loaded[0].size) == (7, "s", 30)
    assert set(loaded[0].search(rows[4], limit=1).tolist()) == {5}


def test_an_index_of_another_model_is_not_loaded(tmp_path: Path) -> None:
    index_of(3)[0].save(tmp_path, embedder=INFO, facts=FACTS)
    for field, value in (("name", "x"), ("revision", "2"), ("dimension", 9), ("normaliser", "n")):
        other = dataclasses.replace(INFO, **{field: value})  # type: ignore[arg-type]
        assert VectorIndex.load(tmp_path, embedder=other) is None


def test_a_tail_that_has_grown_is_overdue() -> None:
    index, _ = index_of(10)
    assert not index.changed(
        added_keys=np.arange(100, 200), added=unit_rows(100), removed=[]
    ).overdue
    assert index.changed(
        added_keys=np.arange(100, 4_100), added=unit_rows(4_000), removed=[]
    ).overdue
