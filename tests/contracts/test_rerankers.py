"""What every reranker keeps to: shared words, any cross-encoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.rerankers.cross_encoder import CrossEncoderReranker
from rag.rerankers.shared_words import SharedWordsReranker
from tests.embedder_samples import import_sentence_transformers, write_tiny_cross_encoder

if TYPE_CHECKING:
    from rag.protocols import Reranker

QUERY = "新能源汽车产量是多少？"
PASSAGES = [
    "新能源汽车产量74.6万辆，增长1.4倍。",
    "城镇新增就业19.2万人，居民消费价格上涨0.2%。",
    "The city opened two new subway lines last year.",
]
ODD_PASSAGES = ["", " ", "🙂🦆", "？！……", "a" * 20_000, "合肥" * 5_000]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import_sentence_transformers()
    return write_tiny_cross_encoder(tmp_path_factory.mktemp("cross-encoder"))


RERANKERS: dict[str, Callable[[pytest.FixtureRequest], Reranker]] = {
    "cross-encoder": lambda request: CrossEncoderReranker.load(
        str(request.getfixturevalue("folder"))
    ),
    "shared-words": lambda _: SharedWordsReranker(),
}


@pytest.fixture(scope="module", params=sorted(RERANKERS))
def reranker(request: pytest.FixtureRequest) -> Reranker:
    return RERANKERS[request.param](request)


def test_every_passage_gets_a_finite_score(reranker: Reranker) -> None:
    scores = reranker.scores(QUERY, PASSAGES)
    assert len(scores) == len(PASSAGES)
    assert all(isinstance(score, float) and math.isfinite(score) for score in scores)


def test_no_passages_get_no_scores(reranker: Reranker) -> None:
    assert list(reranker.scores(QUERY, [])) == []


def test_the_same_texts_get_the_same_scores(reranker: Reranker) -> None:
    assert list(reranker.scores(QUERY, PASSAGES)) == list(reranker.scores(QUERY, PASSAGES))


def test_a_score_does_not_depend_on_the_other_passages(reranker: Reranker) -> None:
    together = reranker.scores(QUERY, PASSAGES)
    turned = list(reranker.scores(QUERY, PASSAGES[::-1]))[::-1]
    assert turned == pytest.approx(together, abs=1e-5)
    for passage, score in zip(PASSAGES, together, strict=True):
        assert list(reranker.scores(QUERY, [passage])) == pytest.approx([score], abs=1e-5)


@pytest.mark.parametrize("query", [QUERY, "", "？", "a" * 20_000])
def test_odd_texts_get_finite_scores(reranker: Reranker, query: str) -> None:
    assert all(map(math.isfinite, reranker.scores(query, ODD_PASSAGES)))
