"""``rag eval compare``: two settings, or two servers, side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag.api.app import create_app
from rag.cli import main
from rag.errors import InvalidInput
from rag_eval.compare_command import setting_changes
from tests.api_samples import serving

if TYPE_CHECKING:
    from rag.factory import Application

CASES = (
    '{"question": "2023年合肥的研发投入强度是多少？", "expected": ["3.91%"],'
    ' "evidence": ["研发投入强度达3.91%"]}\n'
    '{"question": "How many new energy vehicles did Hefei produce in 2023?",'
    ' "expected": ["74.6万辆", "74.6"], "evidence": ["新能源汽车产量"]}\n'
    '{"question": "芜湖市2023年地区生产总值增长多少？", "answerable": false}\n'
)


@pytest.fixture
def cases(workplace: Path, sample_index: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("RAG_DATA_DIR", str(sample_index))
    (workplace / "cases.jsonl").write_text(CASES, encoding="utf-8")
    return "cases.jsonl"


def test_two_settings_side_by_side(cases: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "compare", cases, "--a", "bm25-only", "--html", "page.html"]) == 0
    output = capsys.readouterr().out
    assert "cases.jsonl: 3 cases, top_k 5" in output
    assert "A  bm25-only: the index in" in output
    assert "B  default: the index in" in output
    assert "hit@1 " in output
    assert "paired randomisation" in output
    page = Path("page.html").read_text(encoding="utf-8")
    assert "against A bm25-only" in page


def test_a_setting_and_itself(cases: str, capsys: pytest.CaptureFixture[str]) -> None:
    sides = ["--a", "retrieval=dense", "--b", "dense-only"]
    assert main(["eval", "compare", cases, *sides, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["a"]["settings"] == "retrieval=dense"
    assert {each["p"] for each in record["metrics"].values()} == {1}
    assert record["only_a_passes"] == record["only_b_passes"] == []


def test_a_server_and_the_library_that_it_serves(
    cases: str, sample_application: Application, capsys: pytest.CaptureFixture[str]
) -> None:
    app = create_app(sample_application.settings, application=sample_application)
    with serving(app) as address:
        assert main(["eval", "compare", cases, "--a", address, "--b", "default", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["a"]["target"] == address
    assert {each["difference"] for each in record["metrics"].values()} == {0}


def test_another_index(cases: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    side = f"data_dir={tmp_path / 'none'},retrieval=dense"
    assert main(["eval", "compare", cases, "--a", "default", "--b", side]) == 1
    assert f"There is no index in {tmp_path / 'none'}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("bm25", "Found 'bm25', expected NAME=VALUE .* Did you mean 'bm25-only'"),
        ("retreival=dense", "There is no setting 'retreival'. Did you mean 'retrieval'"),
    ],
)
def test_a_side_that_is_not_known(side: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        setting_changes(side)


def test_a_value_that_cannot_be(cases: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "compare", cases, "--a", "retrieval=sparse"]) == 2
    assert "retrieval is 'sparse'. Expected one of: hybrid, dense, lexical" in (
        capsys.readouterr().err
    )


def test_the_word_run_may_be_left_out(cases: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "run", cases, "--json"]) == 0
    spelled_out = json.loads(capsys.readouterr().out)
    assert main(["eval", "--json", cases]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"] == spelled_out["metrics"]
