from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from model2vec import StaticModel
from safetensors.numpy import load_file, save_file

from rag.embedders.bundled import bundled_folder
from rag.embedders.static import StaticVectors
from rag.errors import ModelUnavailable

TEXTS = [
    "合肥市2023年地区生产总值增长5.8%，规上工业增加值增长10%以上。",
    "What was Hefei's GDP growth in 2023?",
    "龘\U0002a6d6 🌟 zzz\u0301 \uffff",
    "12673 二千 Ⅷ ①",
    "a",
]


@pytest.fixture(scope="module")
def vectors() -> StaticVectors:
    return StaticVectors.load(bundled_folder())


@pytest.fixture(scope="module")
def reference() -> StaticModel:
    return StaticModel.from_pretrained(bundled_folder(), max_length=None)


def _reference(model: StaticModel, texts: list[str]) -> np.ndarray:
    encoded = np.asarray(model.encode(texts, max_length=None), dtype=np.float32)
    lengths = np.linalg.norm(encoded, axis=1, keepdims=True)
    return np.asarray(encoded / np.maximum(lengths, 1e-32), dtype=np.float32)


def test_vectors_are_those_of_model2vec(vectors: StaticVectors, reference: StaticModel) -> None:
    assert vectors.dimension == reference.dim
    np.testing.assert_allclose(vectors.encode(TEXTS), _reference(reference, TEXTS), atol=1e-6)


@given(text=st.text(min_size=1, max_size=60))
def test_vectors_are_those_of_model2vec_for_any_text(
    vectors: StaticVectors, reference: StaticModel, text: str
) -> None:
    np.testing.assert_allclose(vectors.encode([text]), _reference(reference, [text]), atol=1e-6)


def test_a_text_has_one_vector_in_whatever_company(vectors: StaticVectors) -> None:
    together = vectors.encode(TEXTS)
    alone = np.concatenate([vectors.encode([text]) for text in TEXTS])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-6)
    assert vectors.encode([]).shape == (0, vectors.dimension)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundled_folder(), tmp_path / "model"))


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("content", [None, b"", b'{"cut": '], ids=["missing", "empty", "cut"])
def test_a_damaged_file_is_named(copy: Path, name: str, content: bytes | None) -> None:
    (copy / name).unlink()
    if content is not None:
        (copy / name).write_bytes(content)
    with pytest.raises(ModelUnavailable, match=r"cannot be read: .+"):
        StaticVectors.load(copy)


def test_files_that_do_not_fit_together_are_refused(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    rows = len(tensors["embeddings"])
    tensors["embeddings"] = np.ascontiguousarray(tensors["embeddings"][:-1])
    save_file(tensors, copy / "model.safetensors")
    with pytest.raises(ModelUnavailable, match=rf"Expected 'embeddings' .* {rows:,} tokens"):
        StaticVectors.load(copy)


def test_the_name_of_the_unknown_token_is_read_where_the_tokenizer_says_it(
    vectors: StaticVectors,
) -> None:
    described = json.loads((bundled_folder() / "tokenizer.json").read_text(encoding="utf-8"))
    assert vectors._unknown == described["model"]["unk_id"]
