"""The tables of everyday and English expressions."""

from __future__ import annotations

from importlib import resources

import pytest

from rag.questions import understand
from rag.questions.glossary import find_expressions, is_settled
from rag.questions.vocabulary import ENGLISH_STOPWORDS, STOPWORDS
from rag.text import fold

TABLES = ("glossary.tsv", "names.tsv", "glossary_colloquial.tsv", "glossary_english.tsv")


def rows(name: str) -> list[tuple[list[str], list[str]]]:
    text = resources.files("rag.questions").joinpath(name).read_text(encoding="utf-8")
    cells = [line.split("\t") for line in text.splitlines() if not line.startswith("#")]
    return [(asked.split("|"), written.split("|")) for asked, written in cells]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_folded_and_has_no_empty_cells(name: str) -> None:
    for asked, written in rows(name):
        for expression in (*asked, *written):
            assert expression.strip() == expression != ""
            assert fold(expression) == expression


def test_no_expression_stands_in_two_tables_or_is_a_word_that_says_nothing() -> None:
    seen: set[str] = set()
    for name in TABLES:
        own = {expression for asked, _ in rows(name) for expression in asked}
        assert not own & seen
        if name != TABLES[0]:
            assert not own & (STOPWORDS | ENGLISH_STOPWORDS)
        seen |= own


@pytest.mark.parametrize(
    ("question", "expression", "written"),
    [
        ("which carmakers are there?", "carmakers", "车企"),
        ("childcare allowances", "childcare allowances", "育儿补贴"),
        ("老外能待几个小时", "老外", "外国人"),
        ("which universities are there", "universities", "大学"),
    ],
)
def test_expressions_are_found_in_any_number(question: str, expression: str, written: str) -> None:
    found = {question[start:end]: forms for start, end, forms in find_expressions(fold(question))}
    assert written in found[expression]


def test_an_expression_is_of_whole_words() -> None:
    assert find_expressions("carmakership") == []
    assert all(end - start != 2 for start, end, _ in find_expressions("巢湖水质"))


def test_indicators_are_settled_and_everyday_words_are_not() -> None:
    assert is_settled("社零")
    assert not is_settled("老外")


def test_a_name_in_quotation_marks_is_one_thing() -> None:
    question = understand("“巢湖明月”是什么")
    weights = dict(zip(question.terms, question.weights, strict=True))
    assert weights["巢湖明月"] == max(weights.values()) > weights["巢湖"]
    assert "巢湖明月" in question.names


def test_what_a_report_is_called_is_not_what_is_asked_of_it() -> None:
    question = understand(
        "What GDP growth target for 2025 was set in Shanghai's government work report?"
    )
    assert not any("report" in term for term in question.terms)
