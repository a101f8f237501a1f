"""What a judge's logits change in the order of sentences, and what it is given to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rag.composers.judgement import by_judgement
from rag.composers.selection import Sentence
from rag.protocols import Reading
from rag.questions import understand
from rag.schema import Hit, Passage, Period, Quotation


class _Judge:
    """Gives the logit of the first text that a sentence holds; keeps what it was given."""

    def __init__(self, logits: dict[str, float]) -> None:
        self.logits_of = logits
        self.read: list[Reading] = []
        self.asked: dict[str, str] = {}

    def logits(self, question: str, readings: Sequence[Reading]) -> list[float]:
        self.read += readings
        self.asked |= {each.sentence: question for each in readings}
        return [
            next((logit for held, logit in self.logits_of.items() if held in each.sentence), 0.0)
            for each in readings
        ]


def _sentence(text: str, *, score: float, before: str = "", field: float = 0.0) -> Sentence:
    passage = Passage(
        passage_id=f"d-{text[:4]}",
        document_id="d",
        ordinal=0,
        start=0,
        end=len(before + text),
        text=before + text,
    )
    return Sentence(
        hit=Hit(passage=passage, rank=1, score=1.0, title="报告", source="r", metadata={}),
        start=len(before),
        end=len(before + text),
        text=text,
        matches=(),
        coverage=0.5,
        signals={"field": field},
        score=score,
    )


def _quote(sentence: Sentence) -> Quotation:
    """From the telling word on, wherever it stands."""
    start = sentence.start + max(0, sentence.text.find("甲"))
    return Quotation(passage_id="", document_id="d", start=start, end=start + 1, text="甲")


def _ranked(judge: _Judge, *sentences: Sentence, question: str = "甲有多少") -> list[Sentence]:
    return by_judgement(understand(question), sentences, judge, quote_of=_quote)


def test_a_sentence_that_the_judge_is_sure_of_comes_first() -> None:
    first, second = _sentence("乙有三个。", score=1.5), _sentence("甲有两个。", score=1.2)
    judge = _Judge({"甲": 4.0, "乙": -4.0})
    assert [each.text for each in _ranked(judge, first, second)] == ["甲有两个。", "乙有三个。"]
    assert [each.signals["judged"] for each in _ranked(judge, first, second)] == [4.0, -4.0]


def _of_report(text: str, period: Period) -> Sentence:
    sentence = _sentence(text, score=1.0)
    years = {"year": 2025, "reporting_year": 2024, "planning_year": 2025}
    passage = replace(sentence.hit.passage, period=period)
    return replace(sentence, hit=replace(sentence.hit, passage=passage, metadata=years))


@pytest.mark.parametrize(
    ("question", "of_review", "of_plan"),
    [
        ("2024年甲有多少", "去年甲有多少", "2024年甲有多少"),
        ("2025年甲的目标是多少", "2025年甲的目标是多少", "今年甲的目标是多少"),
        ("2025年甲有多少", "2025年甲有多少", "2025年甲有多少"),
        # Of other languages the years stay, and what is asked for stands beside in Chinese.
        (
            "2024年の甲はいくつですか",
            "2024年の甲はいくつですか 多少",
            "2024年の甲はいくつですか 多少",
        ),
    ],
)
def test_a_year_is_asked_about_as_the_report_speaks_of_it(
    question: str, of_review: str, of_plan: str
) -> None:
    judge = _Judge({})
    _ranked(
        judge, _of_report("甲三个。", "review"), _of_report("甲三个多。", "plan"), question=question
    )
    assert judge.asked == {"甲三个。": of_review, "甲三个多。": of_plan}


def test_sentences_far_behind_are_not_read_and_stay_behind() -> None:
    near, far = _sentence("乙有三个。", score=2.0), _sentence("甲有两个。", score=1.1)
    judge = _Judge({"甲": 6.0})
    assert _ranked(judge, near, far)[1] is far
    assert [each.sentence for each in judge.read] == ["乙有三个。"]


def test_no_more_than_six_are_read() -> None:
    sentences = [_sentence(f"{number}个甲。", score=1.0) for number in range(9)]
    judge = _Judge({})
    assert len(_ranked(judge, *sentences)) == 9
    assert len(judge.read) == 6


def test_logits_beyond_what_is_sure_count_no_more() -> None:
    (only,) = _ranked(_Judge({"甲": 40.0}), _sentence("甲有两个。", score=1.0))
    assert only.signals["judged"] == 6.0
    assert only.score == pytest.approx(4.0)


def test_across_languages_the_judge_counts_less_and_by_itself() -> None:
    (only,) = _ranked(
        _Judge({"甲": 6.0}), _sentence("甲有两个。", score=1.0), question="How many are there?"
    )
    assert only.signals["across"] == 1.0
    assert only.signals["judged_across"] == 6.0
    assert "judged" not in only.signals
    assert only.score == pytest.approx(2.4)


def test_across_languages_the_judge_reads_the_words_of_a_question_in_both() -> None:
    judge = _Judge({})
    _ranked(judge, _sentence("灯塔由甲设计。", score=1.0), question="Who designed the lighthouse?")
    asked = judge.asked["灯塔由甲设计。"]
    assert asked.startswith("Who designed the lighthouse?")
    assert "灯塔" in asked


def test_nothing_is_held_against_a_line_with_a_label() -> None:
    line = _sentence("部门：甲局", score=1.0, field=1.0)
    prose = _sentence("乙局管这件事。", score=1.0)
    first, second = _ranked(_Judge({"甲": -5.0, "乙": -5.0}), line, prose)
    assert (first.text, first.signals["judged"]) == ("部门：甲局", 0.0)
    assert second.signals["judged"] == -5.0


def test_a_short_sentence_is_read_whole_with_what_stands_before_it() -> None:
    judge = _Judge({})
    _ranked(judge, _sentence("甲有两个。", score=1.0, before="上文。"))
    assert judge.read == [Reading(sentence="甲有两个。", title="报告", before="上文。")]


@pytest.mark.parametrize("place", [0, 150, 300, 399])
def test_of_a_long_sentence_what_is_around_the_telling_clause_is_read(place: int) -> None:
    text = "乙" * place + "甲" + "乙" * (399 - place)
    judge = _Judge({})
    _ranked(judge, _sentence(text, score=1.0, before="上文。"))
    (read,) = judge.read
    assert "甲" in read.sentence
    assert len(read.sentence) == 150
    assert (read.before + read.sentence) in "上文。" + text
