"""Any sentence-transformers model: prompts, dimensions, revisions, damaged folders."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rag.embedders.transformer import SentenceTransformerEmbedder
from rag.errors import InvalidInput, ModelUnavailable
from tests.embedder_samples import write_tiny_transformer

load = SentenceTransformerEmbedder.load


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_transformer(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prompts = {"query": "query: ", "passage": "passage: "}
    return write_tiny_transformer(tmp_path_factory.mktemp("prompted"), prompts=prompts)


@pytest.fixture
def copy(plain: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(plain, tmp_path / "model"))


def test_prompts_of_the_model_stand_before_queries_and_passages(
    plain: Path, prompted: Path
) -> None:
    bare, with_prompts = load(str(plain)), load(str(prompted))
    np.testing.assert_allclose(
        with_prompts.embed_query("合肥"), bare.embed_query("query: 合肥"), atol=1e-5
    )
    np.testing.assert_allclose(
        with_prompts.embed_passages(["合肥"]), bare.embed_passages(["passage: 合肥"]), atol=1e-5
    )


def test_prompts_can_be_given_and_taken_away(plain: Path, prompted: Path) -> None:
    bare = load(str(plain))
    given = load(str(plain), query_prompt="query: ", passage_prompt="passage: ")
    without = load(str(prompted), query_prompt="", passage_prompt="")
    np.testing.assert_allclose(
        given.embed_query("合肥"), bare.embed_query("query: 合肥"), atol=1e-5
    )
    np.testing.assert_allclose(without.embed_query("合肥"), bare.embed_query("合肥"), atol=1e-5)


def test_other_prompts_are_another_normaliser(plain: Path) -> None:
    names = {
        load(str(plain)).info.normaliser,
        load(str(plain), query_prompt="query: ").info.normaliser,
        load(str(plain), passage_prompt="query: ").info.normaliser,
    }
    assert len(names) == 3


def test_the_first_dimensions_can_be_kept(plain: Path) -> None:
    short = load(str(plain), dimension=8)
    assert short.info.dimension == 8
    whole = load(str(plain)).embed_query("合肥")[:8]
    np.testing.assert_allclose(short.embed_query("合肥"), whole / np.linalg.norm(whole), atol=1e-5)


@pytest.mark.parametrize("dimension", [0, 33])
def test_an_impossible_dimension_is_refused(plain: Path, dimension: int) -> None:
    with pytest.raises(InvalidInput, match=f"has 32 dimensions; {dimension} were asked for"):
        load(str(plain), dimension=dimension)


def test_the_revision_of_a_folder_is_its_content(plain: Path, copy: Path) -> None:
    assert load(str(copy)).info == load(str(plain)).info
    path = copy / "config_sentence_transformers.json"
    path.write_text(path.read_text() + "\n")
    assert load(str(copy)).info.revision != load(str(plain)).info.revision


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"neither modules\.json .* nor config\.json"):
        load(str(tmp_path))


def _without_weights(folder: Path) -> None:
    for path in folder.rglob("*.safetensors"):
        path.unlink()


def _without_tokeniser(folder: Path) -> None:
    for path in folder.rglob("tokenizer.json"):
        path.unlink()


def _with_damaged_weights(folder: Path) -> None:
    for path in folder.rglob("*.safetensors"):
        path.write_bytes(b"damaged")


def _with_damaged_configuration(folder: Path) -> None:
    (folder / "modules.json").write_text("[")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without_weights, r"incomplete: missing weights \(\*\.safetensors"),
        (_without_tokeniser, r"incomplete: missing a tokeniser \(tokenizer\.json"),
        (_with_damaged_weights, r"cannot be loaded: .*The folder is damaged"),
        (_with_damaged_configuration, r"cannot be loaded: .*The folder is damaged"),
    ],
)
def test_a_damaged_folder_is_refused(
    copy: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(copy)
    with pytest.raises(ModelUnavailable, match=message):
        load(str(copy))


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "~/nowhere", "a/b/c"])
def test_a_path_that_is_not_there_is_not_looked_for_elsewhere(name: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"There is no folder (.*nowhere|a/b/c)"):
        load(name)


def test_a_hub_model_that_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(
        ModelUnavailable, match="hf download example/absent-model --local-dir FOLDER"
    ):
        load("example/absent-model")
