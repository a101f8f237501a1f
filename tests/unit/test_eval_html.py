"""The HTML report's parts that need no browser, and why metrics have their values."""

from __future__ import annotations

import re

import pytest

from rag_eval.explanations import explain, explain_mean
from rag_eval.html_report import html_report
from rag_eval.metrics import area_under_risk, risk_coverage, summarise
from rag_eval.outcomes import METRICS, Outcome, judge, judge_error
from rag_eval.plots import plots_of
from rag_eval.report import Evaluation
from tests.evaluation_samples import TEXT, a_case, a_reply, cited

REFUSAL = a_reply("文档中没有。", answered=False, refusal_code="weak_evidence")
WRONG = a_reply("「新能源汽车产量74万辆」[1]", citations=[cited("新能源汽车产量74万辆")])
NONE = a_case("none", question="2022年呢？", answerable=False)


def _judged(*pairs: tuple[object, object]) -> tuple[Outcome, ...]:
    return tuple(
        judge(case, reply, document_text=lambda _: TEXT)  # type: ignore[arg-type]
        for case, reply in pairs
    )


def _evaluation(outcomes: tuple[Outcome, ...]) -> Evaluation:
    return Evaluation(
        case_file="mine.jsonl",
        target="the index",
        collection="default",
        split="all",
        tags=(),
        top_k=5,
        outcomes=outcomes,
        summary=summarise(outcomes),
    )


SOME = _judged(
    (a_case("right", tags=("<i>",)), a_reply()),
    (a_case("wrong"), WRONG),
    (a_case("refused"), REFUSAL),
    (NONE, REFUSAL),
)


class TestReasons:
    def test_every_value_has_a_reason(self) -> None:
        for outcome in (*SOME, judge_error(a_case(), "too long")):
            reasons = explain(outcome)
            assert set(reasons) == set(outcome.values)
            assert all(reasons.values())

    @pytest.mark.parametrize(
        ("number", "name", "reason"),
        [
            (0, "hit@1", "first evidence at rank 1"),
            (0, "citation_exactness", "1 of 1 quotations are verbatim"),
            (0, "correctness", "every expected fact is there"),
            (1, "correctness", "missing: 5.8%"),
            (1, "citation_recall", "not in a quotation: 5.8%"),
            (2, "correctness", "refused where there is an answer"),
            (2, "refusal_accuracy", "refused (weak_evidence), but there is an answer"),
            (3, "refusal_recall", "refused (weak_evidence), and there is no answer"),
        ],
    )
    def test_it_says_what_was_found(self, number: int, name: str, reason: str) -> None:
        assert explain(SOME[number])[name] == reason

    def test_a_mean_names_the_cases_that_fall_short(self) -> None:
        assert explain_mean("correctness", SOME) == "2 of 3 cases fall short: wrong, refused"
        assert explain_mean("answerable_refused", SOME) == "1 of 3 cases fall short: refused"
        assert explain_mean("hit@1", SOME) == "all 3 cases are as they should be"
        assert explain_mean("aurc", SOME) == "1 wrong answers: wrong"


class TestRisk:
    def test_the_surest_answers_come_first(self) -> None:
        import dataclasses

        sure, doubtful = (
            dataclasses.replace(reply, confidence=confidence)
            for reply, confidence in ((a_reply(), 0.9), (WRONG, 0.6))
        )
        outcomes = _judged((a_case("a"), doubtful), (a_case("b"), sure), (NONE, REFUSAL))
        assert risk_coverage(outcomes) == ((1 / 3, 0), (2 / 3, 0.5))
        area = area_under_risk([(0.6, 0), (0.9, 1)])
        assert area is not None
        assert (area.value, area.cases) == (0.25, 2)
        assert 0 <= area.low <= 0.25 <= area.high <= 1
        assert summarise(outcomes).overall["aurc"] == area
        assert not METRICS["aurc"].higher_is_better

    def test_no_answer_has_no_risk(self) -> None:
        outcomes = _judged((NONE, REFUSAL))
        assert area_under_risk([]) is None
        assert risk_coverage(outcomes) == ()
        assert "aurc" not in summarise(outcomes).overall


class TestPage:
    def test_it_needs_nothing_from_elsewhere(self) -> None:
        page = html_report(_evaluation(SOME))
        assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", page)
        assert not re.search(r"@import|url\(", page)
        assert "default-src 'none'" in page

    def test_equal_runs_give_equal_pages(self) -> None:
        assert html_report(_evaluation(SOME)) == html_report(_evaluation(SOME))

    def test_words_are_escaped(self) -> None:
        page = html_report(_evaluation(SOME))
        assert "<i>" not in re.sub(r"<i (?:class|style)", "", page)
        assert "&lt;i&gt;" in page
        assert "\\u003ci\\u003e" in page

    def test_a_run_with_nothing_to_plot(self) -> None:
        errors = (judge_error(NONE, "too long"),)
        assert plots_of(errors, top_k=1) == ()
        assert "0</strong>" in html_report(_evaluation(errors))

    def test_plots_are_numbers_and_fixed_words(self) -> None:
        plots = plots_of(SOME, top_k=5)
        assert [plot.title for plot in plots] == [
            "Recall@k",
            "Risk and coverage",
            "Confidence",
            "Latency",
        ]
        assert not any(re.search(r"\bnan\b|\binf\b|<i>|地区", plot.svg) for plot in plots)
