from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_eval.matching import holds_fact, holds_quote, missing_facts, without_markers


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("增长5.8%", "5.8%"),
        ("增长５．８％", "5.8%"),
        ("GDP5.8%", "5.8%"),
        ("净增 1,994 户", "1994户"),
        ("净增1994户", "1,994户"),
        ("获评全国枫桥式公安派出所", "“枫桥式公安派出所”"),
        ("the best route", "BEST"),
        ("水质Ⅲ类", "III类"),
        ("第十七届人民\n代表大会", "第十七届人民代表大会"),
        ("增长6%左右，规模", "6%"),
        ("实现2023,增长", "2023"),
    ],
)
def test_typography_does_not_count(text: str, fact: str) -> None:
    assert holds_fact(text, fact)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("增长15.8%", "5.8%"),
        ("增长5.8%", "8%"),
        ("增长5.85%", "5.8"),
        ("增长5.8%", "5"),
        ("第13位", "第1"),
        ("1,994户", "994户"),
        ("174万辆", "74万辆"),
        ("水质Ⅲ类", "Ⅱ类"),
        ("the bestiary", "BEST"),
        ("增长5.8%", "5.9%"),
        ("增长5.8%", " "),
        ("1949年", "949"),
    ],
)
def test_another_figure_or_word_is_another_fact(text: str, fact: str) -> None:
    assert not holds_fact(text, fact)


def test_a_full_width_comma_lists_numbers() -> None:
    assert holds_fact("分别为100，200个", "100")


@given(st.text(), st.text(alphabet="甲乙丙丁5.8%万 辆", min_size=1).filter(str.strip))
def test_a_fact_between_spaces_is_found_in_any_text(text: str, fact: str) -> None:
    if fact.strip()[0] in ".%" or fact.strip()[-1] in ".":
        return
    assert holds_fact(f"{text} 甲 {fact} 乙", fact)


def test_every_group_needs_one_alternative() -> None:
    assert missing_facts("儿童、创伤", [("儿童",), ("中医", "创伤")]) == ()
    assert missing_facts("儿童", [("儿童",), ("中医", "创伤")]) == (("中医", "创伤"),)


def test_markers_are_no_part_of_the_answer() -> None:
    assert without_markers("「增长5.8%」[1][12]") == "「增长5.8%」"
    assert holds_fact(without_markers("14[1]"), "14")


class TestQuotes:
    QUOTE = "新增国家高新技术企业1994户"

    def test_whole(self) -> None:
        assert holds_quote(f"前面。{self.QUOTE}，后面。", self.QUOTE)

    def test_across_a_line_end(self) -> None:
        assert holds_quote("新增国家高新\n技术企业1994户", self.QUOTE)

    def test_the_larger_part_where_the_passage_was_cut(self) -> None:
        assert holds_quote("前面。新增国家高新技术企业", self.QUOTE)
        assert holds_quote("高新技术企业1994户。后面", self.QUOTE)

    def test_not_the_smaller_part(self) -> None:
        assert not holds_quote("前面。新增国家高新", self.QUOTE)
        assert not holds_quote("1994户。后面", self.QUOTE)

    def test_not_the_larger_part_in_the_middle(self) -> None:
        assert not holds_quote("前面。新增国家高新技术企业1995户。", self.QUOTE)

    def test_a_short_quote_is_found_whole_or_not_at_all(self) -> None:
        assert not holds_quote("长丰成为", "长丰成为全国")
        assert holds_quote("长丰成为全国", "长丰成为全国")

    def test_an_empty_quote_is_in_nothing(self) -> None:
        assert not holds_quote("文本", "“”")
