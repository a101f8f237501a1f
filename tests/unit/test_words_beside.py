"""What stands beside a question for a judge that reads a sentence in another language."""

from __future__ import annotations

import pytest

from rag.questions import understand, words_beside

CHINESE, ENGLISH = "外卖骑手月均收入7200元。", "A single room costs 900 a month."


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (
            "What does a food-delivery rider in Sichuan earn per month?",
            ("四川", "外卖", "每月"),
        ),
        ("How many new urban jobs were created in Hefei?", ("合肥", "城镇新增就业", "多少")),
        ("Who designed the lighthouse?", ("灯塔", "谁")),
        ("Why was the bridge closed?", ("桥", "为什么")),
        ("Combien coûte une chambre simple ?", ("多少",)),
        ("Wie viele Menschen arbeiten im Hafen?", ("港", "多少")),
    ],
)
def test_chinese_words_stand_beside_questions_in_other_languages(
    question: str, words: tuple[str, ...]
) -> None:
    beside = words_beside(understand(question), CHINESE)
    assert all(word in beside for word in words)


def test_a_question_in_the_language_of_the_sentence_stands_alone() -> None:
    assert not words_beside(understand("外卖骑手每月挣多少钱？"), CHINESE)
    assert not words_beside(understand("What does a single room cost?"), ENGLISH)


def test_english_stands_beside_other_languages_for_english_sentences() -> None:
    question = understand("Wie viele Menschen arbeiten im Hafen?")
    assert words_beside(question, ENGLISH) == question.gloss
    assert "port" in question.gloss


def test_a_long_question_has_a_bounded_number_of_words_beside_it() -> None:
    question = understand("How many " + " ".join(f"ports and bridges {n}" for n in range(60)) + "?")
    assert len(words_beside(question, CHINESE).split()) <= 25
