"""Text: normalisation, folding, sentences, clauses, terms."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import text

ANY_TEXT = st.text(max_size=300)
CHINESE = st.text(
    alphabet="合肥市2023年新能源汽车，。；：、！？“”（）0123456789.%万辆 \nabcABC", max_size=200
)


@given(ANY_TEXT)
def test_normalise_is_idempotent_and_leaves_no_surrogate(value: str) -> None:
    once = text.normalise(value)
    assert text.normalise(once) == once
    once.encode("utf-8")
    assert "\r" not in once


def test_normalise_leaves_what_a_reader_sees() -> None:
    visible = "Ⅲ类水质　５.8％\t“创新”\n① ﬁn — 漢字🙂"
    assert text.normalise(visible) == visible


def test_normalise_unifies_line_ends_and_drops_invisible_marks() -> None:
    assert text.normalise("\ufeffa\r\nb\rc\u2028d\u200b\x00e\ud800") == "a\nb\nc\nde\ufffd"


@pytest.mark.parametrize(
    ("one", "other"),
    [("漢字電腦", "汉字电脑"), ("ＧＤＰ", "gdp"), ("Ⅲ類", "iii类"), ("５.８％", "5.8%")],
)
def test_fold_makes_equal_what_means_the_same(one: str, other: str) -> None:
    assert text.fold(one) == text.fold(other)


@given(CHINESE)
def test_sentences_are_ordered_disjoint_and_complete(value: str) -> None:
    spans = text.sentences(value)
    assert all(end > start for start, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    kept = "".join(value[start:end] for start, end in spans)
    assert "".join(kept.split()) == "".join(value.split())


@given(CHINESE)
def test_clauses_cover_their_sentence(value: str) -> None:
    spans = text.clauses(value, 0, len(value))
    kept = "".join(value[start:end] for start, end in spans)
    assert "".join(kept.split()) == "".join(value.split())


def test_sentences_keep_figures_abbreviations_and_closing_quotes_whole() -> None:
    value = "投入强度3.91%。“一战成名。”新增5家！Dr. Smith agreed. GDP grew 5.8% in U.S. dollars."
    assert [value[a:b] for a, b in text.sentences(value)] == [
        "投入强度3.91%。",
        "“一战成名。”",
        "新增5家！",
        "Dr. Smith agreed.",
        "GDP grew 5.8% in U.S. dollars.",
    ]


def test_clauses_do_not_cut_inside_brackets_or_numbers() -> None:
    value = "成立（量子，科技）研究院，总数1,994户"
    assert [value[a:b] for a, b in text.clauses(value, 0, len(value))] == [
        "成立（量子，科技）研究院，",
        "总数1,994户",
    ]


def test_terms_hold_words_pairs_and_figures_with_units() -> None:
    found = text.terms("新能源汽车产量74万辆，增长5.8%，3300P")
    assert {"新能源", "能源", "74万辆", "74", "5.8%", "5.8", "3300p", "3300"} <= set(found)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("14.5万人次", ["14.5万人", "人次"]),
        ("5万", ["5万", "万"]),
        ("5万亿。", ["5万亿", "亿"]),
        ("5万kg", ["5万kg"]),
        ("1,994户，3300P算力", ["1994户", "户", "3300p", "算力"]),
        ("本市GDP增长5.8%\n好", ["本市", "gdp", "增长", "5.8%", "好"]),
    ],
)
def test_a_unit_also_takes_part_in_the_word_after_its_number(value: str, words: list[str]) -> None:
    assert text.words(value) == words


@given(ANY_TEXT)
def test_compatibility_forms_are_those_of_unicode(value: str) -> None:
    assert text._compatible(value) == unicodedata.normalize("NFKC", value)


def test_terms_are_the_same_for_traditional_and_simplified() -> None:
    assert text.terms("電動汽車產量") == text.terms("电动汽车产量")


def test_english_words_are_stemmed() -> None:
    assert text.terms("vehicles produced cities") == ["vehicl", "produc", "citi"]
    assert text.words("vehicles produced cities") == ["vehicles", "produced", "cities"]
    assert text.terms("exports grew paid children") == text.terms("export growing pays child")
    assert text.terms("founded in 1920") != text.terms("find in 1920")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("合肥GDP增长多少", "zh"),
        ("How much did GDP grow in Hefei?", "en"),
        ("日本はどうですか", "other"),
        ("한국의 경제 성장률은?", "other"),
        ("Каков рост ВВП?", "other"),
        ("？？？", "zh"),
        ("???", "other"),
    ],
)
def test_language(value: str, expected: str) -> None:
    assert text.language(value) == expected
