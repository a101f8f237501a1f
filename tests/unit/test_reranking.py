"""A reranker in retrieval, and what is said when one cannot be had."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.errors import MissingDependency, ModelUnavailable
from rag.factory import open_application, open_reranker
from rag.rerankers.cross_encoder import CrossEncoderReranker
from rag.rerankers.shared_words import SharedWordsReranker
from rag.settings import Settings
from tests.embedder_samples import import_sentence_transformers, write_tiny_cross_encoder

if TYPE_CHECKING:
    from rag.protocols import Reranker

TEXT = "# 年度报告\n\n" + "\n\n".join(
    f"## 第{number}节\n\n本市第{number}区建设公园{number}个，投资{number}亿元。"
    for number in range(1, 41)
)
QUESTION = "本市建设了多少个公园？"


class LastFirst:
    """Prefers the passages that stand last in the document."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def scores(self, query: str, passages: Sequence[str]) -> Sequence[float]:  # noqa: ARG002
        self.read = list(passages)
        return [float(each.rpartition("公园")[2].partition("个")[0]) for each in passages]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("reranked") / "index"
    with open_application(Settings(data_dir=data_dir, embedder="ranking-fake")) as application:
        application.library.add_bytes(TEXT.encode(), name="报告.md")
    return data_dir


def _found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, reranker: Reranker | None
) -> list[tuple[str, float, dict[str, float]]]:
    monkeypatch.setattr("rag.factory.open_reranker", lambda _: reranker)
    settings = Settings(data_dir=folder, embedder="ranking-fake")
    with open_application(settings) as application:
        hits = application.assistant.search(QUESTION, top_k=30).hits
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
        return [(hit.passage.text, hit.score, dict(hit.signals)) for hit in hits]


def test_a_reranker_reorders_the_best_and_its_judgement_is_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = _found(folder, monkeypatch, None)
    last_first = LastFirst()
    judged = _found(folder, monkeypatch, last_first)
    assert len(last_first.read) == 20
    assert all(each.startswith("年度报告 ") and "\n" in each for each in last_first.read)
    assert {text for text, _, _ in judged} == {text for text, _, _ in plain}
    shares = [signals["reranker"] for _, _, signals in judged[:20]]
    assert (shares[0], min(shares)) == (1.0, 0.0)
    assert all("reranker" not in signals for _, _, signals in [*plain, *judged[20:]])
    before = {text: (score, signals) for text, score, signals in plain}
    for text, score, signals in judged:
        share = signals.pop("reranker", 0.0)
        assert score == pytest.approx(before[text][0] + share)
        assert signals == before[text][1]  # what confidence is judged by stays as it is


def test_a_reranker_that_cannot_tell_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Even:
        def scores(self, query: str, passages: Sequence[str]) -> Sequence[float]:  # noqa: ARG002
            return [0.5] * len(passages)

    plain = _found(folder, monkeypatch, None)
    even = _found(folder, monkeypatch, Even())
    assert [text for text, _, _ in even] == [text for text, _, _ in plain]


def test_names_in_the_settings() -> None:
    assert open_reranker("none") is None
    assert isinstance(open_reranker("shared-words"), SharedWordsReranker)


def test_a_reranker_without_sentence_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    expected = r"reranker some/model needs sentence-transformers.*pip install sentence-transformers"
    with pytest.raises(MissingDependency, match=expected):
        open_reranker("some/model")


def test_a_reranker_that_the_hub_does_not_give(monkeypatch: pytest.MonkeyPatch) -> None:
    import_sentence_transformers()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    expected = (
        r"reranker some/model cannot be loaded: .*hf download some/model.*RAG_RERANKER=FOLDER"
    )
    with pytest.raises(ModelUnavailable, match=expected):
        open_reranker("some/model")


def test_folders_that_are_no_reranker(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"There is no folder .*a reranker from"):
        open_reranker(str(tmp_path / "absent"))
    with pytest.raises(ModelUnavailable, match="is no reranker: it has neither"):
        open_reranker(str(tmp_path))
    import_sentence_transformers()
    several = write_tiny_cross_encoder(tmp_path / "several", labels=3)
    with pytest.raises(ModelUnavailable, match="gives 3 scores for a pair of texts"):
        open_reranker(str(several))
    (several / "model.safetensors").unlink()
    with pytest.raises(ModelUnavailable, match="is incomplete: missing weights"):
        open_reranker(str(several))


def test_scores_that_are_no_numbers_are_an_error(tmp_path: Path) -> None:
    import_sentence_transformers()
    from safetensors.torch import load_file, save_file

    model = write_tiny_cross_encoder(tmp_path / "model")
    weights = load_file(model / "model.safetensors")
    weights["classifier.bias"][:] = float("nan")
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelUnavailable, match="gave scores that are no numbers"):
        CrossEncoderReranker.load(str(model)).scores("合肥", ["合肥市"])
