"""The model that ships: complete, light, the same in three libraries, good at its work."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.bundled import check_folder
from rag.embedders.bundled import NESTED, BundledEmbedder, bundled_folder
from rag.errors import InvalidInput, InvalidSetting, ModelUnavailable
from rag.factory import open_embedder
from tests.embedder_samples import import_sentence_transformers

TEXTS = (
    "2023年，合肥地区生产总值12673.8亿元，增长5.8%；新能源汽车产量74.6万辆，增长1.4倍。",
    "全市空氣質量優良天數比例達83.8%，巢湖水質穩定在Ⅳ類。",
    "How many new-energy vehicles did Hefei produce in 2023?",
    "ＧＤＰ　１２３％ ㎡ Café Müller 🙂 𠮷 ﬁne",
    "Ελληνικά русский العربية हिन्दी ไทย 한국어 ひらがな Tiếng Việt",
    "？！",
    "城镇新增就业19.2万人。" * 200,
)
QUESTIONS = {
    "新能源车造了多少辆": "新能源汽车产量74.6万辆，增长1.4倍。",
    "How many new-energy vehicles were produced?": "新能源汽车产量74.6万辆，增长1.4倍。",
    "湖水干净吗": "巢湖全湖平均水质稳定在Ⅳ类，蓝藻水华面积下降。",
    "How clean is the water of the lake?": "巢湖全湖平均水质稳定在Ⅳ类，蓝藻水华面积下降。",
    "养老服务": "新建社区老年食堂和养老服务中心120个，困难老人家庭完成适老化改造。",
    "elderly care": "新建社区老年食堂和养老服务中心120个，困难老人家庭完成适老化改造。",
    "有多少人就业了": "城镇新增就业19.2万人，居民消费价格上涨0.2%。",
    "jobs and employment": "城镇新增就业19.2万人，居民消费价格上涨0.2%。",
    "軌道交通運營里程": "轨道交通4条线路开工建设，运营里程达到200公里。",
    "subway lines under construction": "轨道交通4条线路开工建设，运营里程达到200公里。",
    "粮食收成": "粮食总产量实现二十连丰，新建高标准农田30万亩。",
    "grain harvest": "粮食总产量实现二十连丰，新建高标准农田30万亩。",
}

IN_OTHER_LANGUAGES = {
    "¿Cuántos vehículos de nueva energía se fabricaron?": "新能源汽车产量74.6万辆，增长1.4倍。",
    "Ist das Wasser des Sees sauber?": "巢湖全湖平均水质稳定在Ⅳ类，蓝藻水华面积下降。",
    "Сколько рабочих мест было создано?": "城镇新增就业19.2万人，居民消费价格上涨0.2%。",
    "كم بلغ إنتاج الحبوب؟": "粮食总产量实现二十连丰，新建高标准农田30万亩。",
    "कितने किलोमीटर मेट्रो लाइन चल रही है?": "轨道交通4条线路开工建设，运营里程达到200公里。",
    "ผลผลิตธัญพืชเท่าไร": "粮食总产量实现二十连丰，新建高标准农田30万亩。",
    "Gölün suyu temiz mi?": "巢湖全湖平均水质稳定在Ⅳ类，蓝藻水华面积下降。",
    "Có bao nhiêu việc làm mới ở thành phố?": "城镇新增就业19.2万人，居民消费价格上涨0.2%。",
    "Πόσα νέα οχήματα παρήχθησαν;": "新能源汽车产量74.6万辆，增长1.4倍。",
    "Câți bătrâni primesc îngrijire?": QUESTIONS["养老服务"],
}


@pytest.fixture(scope="module")
def model() -> BundledEmbedder:
    return BundledEmbedder.load()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundled_folder(), tmp_path / "model"))


def test_the_folder_is_whole_and_light() -> None:
    manifest = check_folder(bundled_folder())
    sizes = [path.stat().st_size for path in bundled_folder().rglob("*") if path.is_file()]
    assert sum(sizes) <= 64_000_000
    assert {"model.safetensors", "modules.json", "tokenizer.json"} <= set(manifest["files"])


def test_the_information_comes_from_the_manifest(model: BundledEmbedder) -> None:
    manifest = check_folder(bundled_folder(), contents=False)
    assert (model.info.name, model.info.revision) == (manifest["name"], manifest["revision"])
    assert model.info.dimension == 512


def test_model2vec_gives_the_same_vectors(model: BundledEmbedder) -> None:
    from model2vec import StaticModel

    other = StaticModel.from_pretrained(bundled_folder(), max_length=None)
    np.testing.assert_allclose(model.embed_passages(TEXTS), other.encode(TEXTS), atol=1e-4)


@pytest.mark.parametrize("dimension", [*NESTED, 512])
def test_the_first_dimensions_can_be_used_alone(model: BundledEmbedder, dimension: int) -> None:
    few = model.first(dimension)
    cut = model.embed_passages(TEXTS)[:, :dimension]
    cut /= np.linalg.norm(cut, axis=1, keepdims=True)
    np.testing.assert_allclose(few.embed_passages(TEXTS), cut, atol=1e-6)
    assert few.info == replace(model.info, dimension=dimension)


@pytest.mark.parametrize("dimension", [0, 100, 1024])
def test_other_dimensions_cannot(model: BundledEmbedder, dimension: int) -> None:
    with pytest.raises(ValueError, match=f"^{dimension} is neither"):
        model.first(dimension)


def test_sentence_transformers_gives_the_same_vectors(model: BundledEmbedder) -> None:
    import_sentence_transformers()
    from sentence_transformers import SentenceTransformer

    other = SentenceTransformer(str(bundled_folder()), device="cpu")
    encoded = other.encode(list(TEXTS), show_progress_bar=False)
    np.testing.assert_allclose(model.embed_passages(TEXTS), encoded, atol=1e-4)


def test_loading_and_asking_needs_no_heavy_library() -> None:
    program = (
        "import sys\n"
        "from rag.embedders.bundled import BundledEmbedder\n"
        "BundledEmbedder.load().embed_query('合肥')\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'model2vec'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize(("question", "passage"), QUESTIONS.items(), ids=QUESTIONS.keys())
def test_a_question_finds_its_passage(model: BundledEmbedder, question: str, passage: str) -> None:
    passages = sorted(set(QUESTIONS.values()))
    scores = model.embed_passages(passages) @ model.embed_query(question)
    assert passages[int(np.argmax(scores))] == passage


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("電動汽車產業鏈與臺灣、廣東經濟總量", "电动汽车产业链与台湾、广东经济总量"),
        ("ＧＤＰ增长５．８％", "gdp增长5.8%"),
        ("HEFEI Municipal Government", "hefei municipal government"),
        ("水质Ⅲ类", "水质III类"),
        ("Cafe\u0301", "café"),
        ("产值12,673亿元", "产值12 , 673亿元"),
    ],
    ids=["traditional", "full-width", "case", "roman", "composed", "spaces"],
)  # fmt: skip
def test_other_ways_to_write_the_same_are_nearly_the_same(
    model: BundledEmbedder, one: str, other: str
) -> None:
    assert float(model.embed_query(one) @ model.embed_query(other)) > 0.999


@pytest.mark.parametrize(
    ("asked", "right", "wrong"),
    [
        ("2024年预期目标", "2024年地区生产总值增长6%左右", "2023年地区生产总值增长6%左右"),
        ("增长5.8%", "规模以上工业增加值增长5.8%", "规模以上工业增加值增长8.5%"),
        ("19.2万人", "城镇新增就业19.2万人", "城镇新增就业12.9万人"),
        ("12673亿元", "生产总值12,673亿元", "生产总值12,376亿元"),
        ("report of 2021", "2021年政府工作报告", "2012年政府工作报告"),
    ],
    ids=["years", "percent", "decimals", "thousands", "english year"],
)
def test_numbers_stay_apart(model: BundledEmbedder, asked: str, right: str, wrong: str) -> None:
    scores = model.embed_passages([right, wrong]) @ model.embed_query(asked)
    assert scores[0] > scores[1] + 0.01


def test_no_character_falls_through(model: BundledEmbedder) -> None:
    """A character changes the vector of what it stands in, whatever script it comes from."""
    plain = model.embed_query("合肥")
    ranges = ((0x21, 0x7F), (0xA1, 0x250), (0x370, 0x500), (0x3041, 0x30FF), (0x4E00, 0x9FFF, 97))
    rare = "𠮷🦆🧿ↀ﷽𒀀ꙮ％€†️⃣"
    for character in [*(chr(code) for each in ranges for code in range(*each)), *rare]:
        if character in "\u00ad" or not character.isprintable():
            continue
        vector = model.embed_query(f"合肥{character}")
        assert float(vector @ plain) < 0.9999, f"U+{ord(character):04X}"


def test_nothing_is_cut_off_within_a_long_passage(model: BundledEmbedder) -> None:
    start = "城镇新增就业人数继续增加。" * 300
    assert float(model.embed_query(start) @ model.embed_query(start + "巢湖水质" * 20)) < 0.9999


@pytest.mark.parametrize("dimension", [64, 128])
def test_the_first_dimensions_rank_alone(model: BundledEmbedder, dimension: int) -> None:
    passages = sorted(set(QUESTIONS.values()))
    vectors = model.embed_passages(passages)[:, :dimension]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    right = sum(
        passages[int(np.argmax(vectors @ model.embed_query(question)[:dimension]))] == passage
        for question, passage in QUESTIONS.items()
    )
    assert right >= len(QUESTIONS) - 2


def test_questions_in_ten_languages_find_chinese_passages(model: BundledEmbedder) -> None:
    passages = sorted(set(IN_OTHER_LANGUAGES.values()))
    vectors = model.embed_passages(passages)
    right = sum(
        passages[int(np.argmax(vectors @ model.embed_query(question)))] == passage
        for question, passage in IN_OTHER_LANGUAGES.items()
    )
    assert right >= len(IN_OTHER_LANGUAGES) - 2


def test_the_tokeniser_has_the_piece_that_it_names_unknown() -> None:
    content = json.loads((bundled_folder() / "tokenizer.json").read_text(encoding="utf-8"))
    pieces = [piece for piece, _ in content["model"]["vocab"]]
    assert pieces[content["model"]["unk_id"]] == "<unk>"
    assert len(pieces) == len(set(pieces))


def test_threads_share_a_model(model: BundledEmbedder) -> None:
    expected = model.embed_passages(TEXTS)
    with ThreadPoolExecutor(8) as threads:
        for vectors in threads.map(model.embed_passages, [TEXTS] * 64):
            np.testing.assert_array_equal(vectors, expected)


def _remove(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _shorten(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\0" * 10)


def _remove_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def _garble_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def _empty_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")


def _garble_tokenizer(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_bytes(b"x" * path.stat().st_size)


def _garble_table(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(b"\xff" * path.stat().st_size)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_remove, r"tokenizer\.json is missing"),
        (_shorten, r"model\.safetensors has 10 bytes; [\d,]+ were expected"),
        (_remove_manifest, r"there is no manifest\.json in"),
        (_garble_manifest, r"manifest\.json cannot be read"),
        (_empty_manifest, r"does not list a name, a revision and files"),
        (_garble_tokenizer, r"tokenizer\.json cannot be read"),
        (_garble_table, r"model\.safetensors cannot be read"),
    ],
)
def test_damage_is_named_with_what_to_do(
    copy: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(copy)
    with pytest.raises(ModelUnavailable, match=message + "[^$]*Install the product again"):
        BundledEmbedder.load(copy)


def test_a_changed_byte_is_found_when_contents_are_checked(copy: Path) -> None:
    path = copy / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    check_folder(copy, contents=False)
    with pytest.raises(ModelUnavailable, match=r"model\.safetensors is damaged: its hash differs"):
        check_folder(copy)


def _change_table(folder: Path, rows: np.ndarray, scales: np.ndarray) -> None:
    from safetensors.numpy import save_file

    save_file({"embeddings": rows, "weights": scales}, folder / "model.safetensors")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["model.safetensors"]["bytes"] = (folder / "model.safetensors").stat().st_size
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_a_table_of_another_kind_is_refused(copy: Path) -> None:
    _change_table(copy, np.zeros((7, 4), np.float32), np.ones(7, np.float32))
    with pytest.raises(ModelUnavailable, match=r"float32\[7, 4\].*int8\[pieces, dimension\]"):
        BundledEmbedder.load(copy)


def test_a_table_that_does_not_fit_the_tokeniser_is_refused(copy: Path) -> None:
    _change_table(copy, np.zeros((7, 4), np.int8), np.ones(7, np.float32))
    with pytest.raises(ModelUnavailable, match=r"has [\d,]+ pieces, its table 7 rows"):
        BundledEmbedder.load(copy)


def test_a_model_of_zeros_never_gives_a_vector(copy: Path) -> None:
    pieces = json.loads((copy / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    _change_table(copy, np.zeros((len(pieces), 8), np.int8), np.ones(len(pieces), np.float32))
    broken = BundledEmbedder.load(copy)
    with pytest.raises(ModelUnavailable, match=r"vector without direction.*text 1 of 1"):
        broken.embed_query("合肥")


def test_a_text_of_a_million_characters_is_read_at_its_start(model: BundledEmbedder) -> None:
    start = "新能源汽车产量" * 3_000
    np.testing.assert_array_equal(
        model.embed_query(start), model.embed_query(start + "粮食" * 500_000)
    )
    with pytest.raises(InvalidInput, match="empty"):
        model.embed_query(" " * 1_000_000)


def test_the_setting_names_the_dimensions() -> None:
    assert open_embedder("bundled:128").info.dimension == 128
    assert open_embedder("bundled").info.dimension == 512
    with pytest.raises(InvalidSetting, match="'bundled:300'"):
        open_embedder("bundled:300")
