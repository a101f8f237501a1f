"""What every embedder keeps to: the ranking fake, the bundled model, any transformer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.embedders.bundled import BundledEmbedder
from rag.embedders.ranking_fake import RankingFakeEmbedder
from rag.embedders.transformer import SentenceTransformerEmbedder
from rag.errors import InvalidInput
from rag.text import normalise
from tests.embedder_samples import write_tiny_transformer

if TYPE_CHECKING:
    from rag.protocols import Embedder

PASSAGES = (
    "新能源汽车产量74.6万辆，增长1.4倍。",
    "城镇新增就业19.2万人，居民消费价格上涨0.2%。",
    "巢湖水质稳定在Ⅳ类，空气优良天数比例提高。",
    "The city opened two new subway lines last year.",
)
ODD_TEXTS = {
    "astral characters": "𠮷野家🙂🦆",
    "byte order mark": "\ufeff合肥",
    "control characters": "合\x00肥\x1b[31m市\x7f",
    "emoji alone": "🦆",
    "line ends": "一\r\n二\u2028三",
    "lone surrogate": "合肥\ud800市\udfff",
    "many scripts": "Ελληνικά русский العربية हिन्दी ไทย 한국어 ひらがな",
    "million characters": "合肥新能源汽车" * 150_000,
    "one letter": "a",
    "private use": "\ue000\uf8ff",
    "punctuation alone": "？！……",
    "surrogate alone": "\ud83d",
    "zero-width joiner": "\u200d",
}
BLANK_TEXTS = {
    "empty": "",
    "ideographic spaces": "\u3000\u3000",
    "invisible": "\ufeff\u200b\u200e",
    "line feeds": "\n\r\n\t",
    "null characters": "\x00\x00",
    "spaces": "   ",
}


@pytest.fixture(scope="session")
def transformer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_transformer(tmp_path_factory.mktemp("tiny"))


def _bundled(_: pytest.FixtureRequest) -> Embedder:
    return BundledEmbedder.load()


def _few_dimensions(_: pytest.FixtureRequest) -> Embedder:
    return BundledEmbedder.load().first(128)


def _ranking_fake(_: pytest.FixtureRequest) -> Embedder:
    return RankingFakeEmbedder()


def _transformer(request: pytest.FixtureRequest) -> Embedder:
    return SentenceTransformerEmbedder.load(str(request.getfixturevalue("transformer_folder")))


EMBEDDERS: dict[str, Callable[[pytest.FixtureRequest], Embedder]] = {
    "bundled": _bundled,
    "bundled, few dimensions": _few_dimensions,
    "ranking-fake": _ranking_fake,
    "transformer": _transformer,
}


@pytest.fixture(scope="module", params=sorted(EMBEDDERS))
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return EMBEDDERS[request.param](request)


def assert_unit(vectors: np.ndarray) -> None:
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1.0, atol=1e-5)


def test_passages_become_unit_rows_of_the_stated_dimension(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(PASSAGES)
    assert vectors.shape == (len(PASSAGES), embedder.info.dimension)
    assert_unit(vectors)


def test_a_query_becomes_one_unit_vector(embedder: Embedder) -> None:
    vector = embedder.embed_query("新能源汽车产量是多少？")
    assert vector.shape == (embedder.info.dimension,)
    assert_unit(vector)


def test_no_passages_become_no_rows(embedder: Embedder) -> None:
    vectors = embedder.embed_passages([])
    assert vectors.shape == (0, embedder.info.dimension)
    assert vectors.dtype == np.float32


def test_information_names_the_model_and_does_not_change(embedder: Embedder) -> None:
    before = embedder.info
    embedder.embed_passages(PASSAGES)
    assert embedder.info == before
    assert before.name
    assert before.revision
    assert before.normaliser
    assert before.dimension > 0


def test_the_same_text_gives_the_same_vector(embedder: Embedder) -> None:
    first = embedder.embed_passages(PASSAGES)
    np.testing.assert_array_equal(first, embedder.embed_passages(PASSAGES))


def test_a_vector_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    together = embedder.embed_passages(PASSAGES)
    for position, passage in enumerate(PASSAGES):
        alone = embedder.embed_passages([passage])[0]
        np.testing.assert_allclose(alone, together[position], atol=1e-5)
    turned = embedder.embed_passages(PASSAGES[::-1])
    np.testing.assert_allclose(turned[::-1], together, atol=1e-5)


def test_the_passage_that_a_query_repeats_is_nearest(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(PASSAGES)
    for position, passage in enumerate(PASSAGES):
        assert int(np.argmax(vectors @ embedder.embed_query(passage))) == position


def test_surrounding_white_space_changes_nothing(embedder: Embedder) -> None:
    plain = embedder.embed_query("新能源汽车产量")
    np.testing.assert_array_equal(plain, embedder.embed_query(" \n新能源汽车产量\u3000"))


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS.keys())
def test_odd_text_has_a_direction(embedder: Embedder, text: str) -> None:
    assert_unit(embedder.embed_query(text))
    assert_unit(embedder.embed_passages([text, PASSAGES[0]]))


@pytest.mark.parametrize("text", BLANK_TEXTS.values(), ids=BLANK_TEXTS.keys())
def test_blank_text_is_refused(embedder: Embedder, text: str) -> None:
    with pytest.raises(InvalidInput, match="Text 1 of 1 to embed is empty"):
        embedder.embed_query(text)
    with pytest.raises(InvalidInput, match="Text 2 of 3 to embed is empty"):
        embedder.embed_passages([PASSAGES[0], text, PASSAGES[1]])


def test_one_string_is_no_list_of_passages(embedder: Embedder) -> None:
    with pytest.raises(InvalidInput, match="put it in a list"):
        embedder.embed_passages("合肥")


@given(text=st.text(min_size=1, max_size=40))
@settings(max_examples=80, deadline=None)
def test_any_text_is_embedded_or_refused(embedder: Embedder, text: str) -> None:
    if normalise(text).strip():
        assert_unit(embedder.embed_query(text))
    else:
        with pytest.raises(InvalidInput, match="empty"):
            embedder.embed_query(text)
