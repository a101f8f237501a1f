"""The judge that ships: the same as torch computes, and bound to the files it was made with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from rag.bundled import check_folder
from rag.errors import ModelUnavailable
from rag.judges.bundled import BundledJudge, judge_folder, sequence
from rag.protocols import Reading

METRO = "地铁1号线三期开通运营，2号线直达肥东县城，运营总里程突破200公里。"
SENTENCES = (
    METRO,
    "地区生产总值增长5.8%，规上工业增加值增长10%以上。",
    "新能源汽车产量74万辆、位居全国前5。",
    "The library opens at 8 a.m. and closes at 10 p.m.",
    "新增学位8.8万个。",
)
READINGS = [
    Reading(sentence=each, title="合肥市2024年政府工作报告", before="") for each in SENTENCES
]


@pytest.fixture(scope="module")
def judge() -> BundledJudge:
    return BundledJudge.load()


def test_the_folder_is_as_its_manifest_says() -> None:
    manifest = check_folder(judge_folder())
    assert set(manifest["files"]) == {"model.safetensors", "tokenizer.json"}


@pytest.mark.parametrize(
    ("question", "right"),
    [
        ("合肥地铁现在一共多少公里？", 0),
        ("2023年合肥地区生产总值增长了多少？", 1),
        ("新能源汽车年产多少辆？", 2),
        ("When does the library open?", 3),
    ],
)
def test_the_sentence_that_answers_is_before_the_others(
    judge: BundledJudge, question: str, right: int
) -> None:
    logits = judge.logits(question, READINGS)
    assert logits.index(max(logits)) == right


def test_where_nothing_answers_no_sentence_does(judge: BundledJudge) -> None:
    assert max(judge.logits("图书馆馆长是谁？", READINGS)) < 0


def test_a_sentence_is_judged_alike_whatever_stands_beside_it(judge: BundledJudge) -> None:
    question = "合肥地铁现在一共多少公里？"
    together = judge.logits(question, READINGS)
    alone = [judge.logits(question, [reading])[0] for reading in READINGS]
    assert together == pytest.approx(alone, abs=2e-3)
    assert judge.logits(question, READINGS[::-1]) == pytest.approx(together[::-1], abs=2e-3)
    assert judge.logits(question, []) == []


def test_traditional_characters_are_read_as_simplified_ones(judge: BundledJudge) -> None:
    question = "合肥地鐵現在一共多少公里？"
    assert judge.logits(question, READINGS) == judge.logits("合肥地铁现在一共多少公里？", READINGS)


@pytest.mark.parametrize("text", ["", " ", "。", "😀" * 50, "\u0000\ufffd", "字" * 100_000])
def test_odd_texts_get_a_number(judge: BundledJudge, text: str) -> None:
    odd = Reading(sentence=text, title=text, before=text)
    assert np.isfinite(judge.logits("多少？", [odd])).all()
    assert np.isfinite(judge.logits(text, READINGS[:1])).all()


def test_it_computes_what_torch_computes(judge: BundledJudge) -> None:
    import torch
    from tokenizers import Tokenizer

    arrays = load_file(judge_folder() / "model.safetensors")

    def tensor(name: str) -> torch.Tensor:
        rows = arrays[name].astype(np.float32)
        if f"{name}.scale" in arrays:
            rows = rows * arrays[f"{name}.scale"][:, None]
        return torch.from_numpy(rows)

    tokenizer = Tokenizer.from_file(str(judge_folder() / "tokenizer.json"))
    question = "How many kilometres does the metro have?"
    pieces, parts = sequence(
        lambda text: tokenizer.encode(text, add_special_tokens=False).ids, question, READINGS[0]
    )
    kinds = torch.tensor(parts)
    width = arrays["position"].shape[1]
    states = tensor("word")[pieces] + tensor("position")[: len(pieces)] + tensor("part")[kinds]

    def normed(states: torch.Tensor, name: str) -> torch.Tensor:
        weight, bias = tensor(f"{name}.weight"), tensor(f"{name}.bias")
        return torch.nn.functional.layer_norm(states, (width,), weight, bias, 1e-12)

    states = normed(states, "norm")[None]
    names = {
        "self_attn.in_proj_weight": "together.weight",
        "self_attn.in_proj_bias": "together.bias",
        **{
            f"{theirs}.{each}": f"{ours}.{each}"
            for theirs, ours in (
                ("self_attn.out_proj", "attended"),
                ("norm1", "attended_norm"),
                ("linear1", "inner"),
                ("linear2", "outer"),
                ("norm2", "outer_norm"),
            )
            for each in ("weight", "bias")
        },
    }
    for number in range(sum(name.endswith(".inner.weight") for name in arrays)):
        layer = torch.nn.TransformerEncoderLayer(
            width,
            width // 32,
            arrays[f"{number}.inner.weight"].shape[0],
            dropout=0.0,
            activation=lambda x: torch.nn.functional.gelu(x, approximate="tanh"),
            layer_norm_eps=1e-12,
            batch_first=True,
        ).eval()
        layer.load_state_dict(
            {theirs: tensor(f"{number}.{ours}") for theirs, ours in names.items()}
        )
        with torch.no_grad():
            states = layer(states)
    pooled = torch.cat([states[0, 0], states[0, kinds == 1].mean(0)])
    hidden = torch.tanh(tensor("hidden.weight") @ pooled + tensor("hidden.bias"))
    expected = tensor("logit.weight") @ hidden + tensor("logit.bias")
    assert judge.logits(question, READINGS[:1]) == pytest.approx(expected.tolist(), abs=2e-3)


def test_threads_can_share_it(judge: BundledJudge) -> None:
    question = "合肥地铁现在一共多少公里？"
    expected = judge.logits(question, READINGS)
    found: list[list[float]] = []
    threads = [
        threading.Thread(target=lambda: found.append(judge.logits(question, READINGS)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_it_runs_without_torch() -> None:
    code = (
        "import sys\n"
        "from rag.judges.bundled import BundledJudge\n"
        "from rag.protocols import Reading\n"
        "BundledJudge.load().logits('谁？', [Reading(sentence='我。', title='', before='')])\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(judge_folder(), tmp_path / "judge"))


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ModelUnavailable, match=r"tokenizer\.json is missing"):
        BundledJudge.load(copy)


def test_a_file_cut_short_is_named(copy: Path) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ModelUnavailable, match=r"model\.safetensors has [\d,]+ bytes"):
        BundledJudge.load(copy)


def test_weights_of_another_model_are_refused(copy: Path) -> None:
    from safetensors.numpy import save_file

    path = copy / "model.safetensors"
    save_file({"embeddings": np.zeros((7, 4), np.int8)}, path)
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"]["model.safetensors"]["bytes"] = path.stat().st_size
    (copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        BundledJudge.load(copy)
