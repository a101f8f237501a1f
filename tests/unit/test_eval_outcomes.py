from __future__ import annotations

import pytest

from rag_eval.metrics import latency, measure, percentile, summarise
from rag_eval.outcomes import METRICS, Outcome, judge, judge_error
from rag_eval.runner import run_cases
from rag_eval.targets import QuotedSpan, Reply
from tests.evaluation_samples import TEXT, WrittenTarget, a_case, a_reply, cited

REFUSAL = a_reply("文档中没有。", answered=False, refusal_code="weak_evidence")
UNANSWERABLE = a_case("none", question="2022年增长多少？", answerable=False)


def _judged(reply: Reply, **choice: object) -> Outcome:
    case = a_case(**choice)  # type: ignore[arg-type]
    return judge(case, reply, document_text=WrittenTarget({}).document_text)


class TestAnswers:
    def test_a_right_answer_has_everything(self) -> None:
        outcome = _judged(a_reply())
        assert outcome.passed
        assert outcome.values == {
            "passed": 1,
            "hit@1": 1,
            "hit@5": 1,
            "mrr": 1,
            "recall@5": 1,
            "ndcg@5": 1,
            "character_f1": pytest.approx(2 * 1 / (9 + 1)),
            "correctness": 1,
            "answer_precision": 1,
            "citation_exactness": 1,
            "citation_recall": 1,
            "refusal_accuracy": 1,
            "answerable_refused": 0,
            "answer_length": len("「地区生产总值增长5.8%」"),
        }

    def test_the_figure_of_another_year_is_wrong(self) -> None:
        quote = "2024年地区生产总值增长6%左右"
        outcome = _judged(a_reply(f"「{quote}」[1]", citations=[cited(quote)]))
        assert outcome.reasons == ("missing: 5.8%",)
        assert outcome.values["correctness"] == outcome.values["answer_precision"] == 0
        assert outcome.values["citation_exactness"] == 1
        assert outcome.values["refusal_accuracy"] == 1

    def test_all_groups_are_needed_and_named(self) -> None:
        outcome = _judged(a_reply(), expected=(("5.8%",), ("74万辆", "七十四万辆")))
        assert outcome.reasons == ("missing: 74万辆 or 七十四万辆",)
        assert outcome.values["citation_recall"] == 0.5

    def test_a_fact_outside_the_quotes_is_not_cited(self) -> None:
        reply = a_reply(
            "2023年：5.8%，「新能源汽车产量74万辆」[1]", citations=[cited("新能源汽车产量74万辆")]
        )
        outcome = _judged(reply)
        assert outcome.values["correctness"] == 1
        assert outcome.values["citation_recall"] == 0
        assert outcome.reasons == ("stated without a quote: 5.8%",)

    def test_a_marker_is_no_figure(self) -> None:
        outcome = _judged(a_reply("「新能源汽车」[5]"), expected=(("5",),))
        assert outcome.values["correctness"] == 0

    def test_without_expected_facts_the_evidence_must_be_quoted(self) -> None:
        assert _judged(a_reply(), expected=()).values["correctness"] == 1
        wrong = _judged(a_reply("x[1]", citations=[cited("新能源汽车产量74万辆")]), expected=())
        assert wrong.reasons == ("quotes none of the evidence",)
        assert wrong.values["answer_precision"] == 0


class TestRefusals:
    def test_a_wrong_refusal(self) -> None:
        outcome = _judged(REFUSAL)
        assert outcome.reasons == ("refused (weak_evidence), but the documents hold the answer",)
        assert outcome.values["correctness"] == outcome.values["refusal_accuracy"] == 0
        assert outcome.values["refusal_precision"] == 0
        assert outcome.values["answerable_refused"] == 1
        assert "citation_exactness" not in outcome.values
        assert "answer_length" not in outcome.values

    def test_a_right_refusal(self) -> None:
        outcome = judge(UNANSWERABLE, REFUSAL, document_text=str)
        assert outcome.values == {
            "passed": 1,
            "refusal_accuracy": 1,
            "refusal_precision": 1,
            "refusal_recall": 1,
            "unanswerable_answered": 0,
        }

    def test_an_answer_to_what_has_none(self) -> None:
        outcome = judge(UNANSWERABLE, a_reply(), document_text=lambda _: TEXT)
        assert outcome.reasons == ("answered, but the documents do not hold the answer",)
        assert outcome.values["unanswerable_answered"] == 1
        assert outcome.values["answer_precision"] == outcome.values["refusal_recall"] == 0


class TestRetrieval:
    OTHER = "新能源汽车产量74万辆"

    @pytest.mark.parametrize(
        ("rank", "hit_1", "hit_5", "mrr"),
        [(1, 1, 1, 1), (2, 0, 1, 0.5), (5, 0, 1, 0.2), (6, 0, 0, 1 / 6), (None, 0, 0, 0)],
    )
    def test_the_first_passage_with_evidence_counts(
        self, rank: int | None, hit_1: float, hit_5: float, mrr: float
    ) -> None:
        passages = [self.OTHER] * 7
        if rank is not None:
            passages[rank - 1] = TEXT
        outcome = _judged(a_reply(passages=passages))
        assert outcome.rank == rank
        assert [outcome.values[name] for name in ("hit@1", "hit@5", "mrr")] == [hit_1, hit_5, mrr]
        assert outcome.values["recall@5"] == hit_5
        assert outcome.passed, "an answer is right wherever its passage ranks"

    def test_recall_is_the_share_of_the_quotes(self) -> None:
        evidence = ("地区生产总值增长5.8%", "别处的话，这里没有")
        outcome = _judged(a_reply(), evidence=evidence)
        assert (outcome.values["recall@5"], outcome.values["hit@1"]) == (0.5, 1)

    def test_missing_evidence_explains_a_failure(self) -> None:
        refusal = a_reply("没有。", answered=False, passages=[self.OTHER])
        assert _judged(refusal).reasons[-1] == "no evidence among the first 5 passages"

    def test_nothing_is_retrieved_for_what_has_no_evidence(self) -> None:
        assert "hit@1" not in judge(UNANSWERABLE, REFUSAL, document_text=str).values


class TestCitations:
    def _faults(self, *citations: QuotedSpan, answer: str = "「增长5.8%」[1]") -> tuple[str, ...]:
        outcome = _judged(a_reply(answer, citations=citations))
        assert outcome.values["citation_exactness"] == float(outcome.passed)
        return outcome.reasons

    def test_a_quote_that_is_not_where_it_says(self) -> None:
        moved = QuotedSpan(marker=1, document_id="d1", quote="增长5.8%", start=7, end=13)
        (fault,) = self._faults(moved)
        assert (
            fault == "citation [1] is not verbatim: quotes '增长5.8%', the document has '长5.8%，'"
        )

    def test_a_changed_quote(self) -> None:
        changed = QuotedSpan(marker=1, document_id="d1", quote="增长 5.8%", start=6, end=12)
        (fault,) = self._faults(changed)
        assert "is not verbatim" in fault

    @pytest.mark.parametrize(("start", "end"), [(-6, -1), (500, 506), (6, 6)])
    def test_a_place_outside_the_text(self, start: int, end: int) -> None:
        quote = TEXT[start:end] if start < 0 else ""
        citation = QuotedSpan(marker=1, document_id="d1", quote=quote, start=start, end=end)
        assert any("is not verbatim" in fault for fault in self._faults(citation))

    def test_an_unknown_document(self) -> None:
        faults = self._faults(cited("增长5.8%", document_id="d2"))
        assert faults == ("citation [1]: no document d2",)

    def test_a_marker_without_a_citation(self) -> None:
        (fault,) = self._faults(cited("增长5.8%"), answer="「增长5.8%」[1][2]")
        assert fault == "markers in the answer [1, 2] are not those cited [1]"

    def test_a_citation_without_a_marker(self) -> None:
        (fault,) = self._faults(cited("增长5.8%"), cited("产量74万辆", marker=2))
        assert fault == "markers in the answer [1] are not those cited [1, 2]"

    def test_a_marker_twice(self) -> None:
        (fault,) = self._faults(cited("增长5.8%"), cited("产量74万辆"))
        assert fault == "markers of citations are not unique: [1, 1]"

    def test_no_citation_at_all(self) -> None:
        outcome = _judged(a_reply("增长5.8%", citations=[]))
        assert outcome.reasons == ("stated without a quote: 5.8%", "answered without a citation")
        assert outcome.values["citation_exactness"] == 0


class TestRunner:
    def test_the_first_question_is_asked_once_more_before_timing(self) -> None:
        target = WrittenTarget({"2023年地区生产总值增长多少？": a_reply()})
        seen: list[tuple[str, int, int]] = []
        outcomes = run_cases(
            [a_case("one"), a_case("two")],
            target,
            collection="mine",
            top_k=3,
            progress=lambda outcome, done, total: seen.append((outcome.case.case_id, done, total)),
        )
        assert [outcome.case.case_id for outcome in outcomes] == ["one", "two"]
        assert target.asked == [("2023年地区生产总值增长多少？", "mine", 3)] * 3
        assert seen == [("one", 1, 2), ("two", 2, 2)]

    def test_a_question_that_is_rejected_is_an_outcome(self) -> None:
        (outcome,) = run_cases([a_case(question="?")], WrittenTarget({}))
        assert outcome.reply is None
        assert outcome.reasons == ("error: Unknown filter 'colour'.",)
        assert outcome.values["correctness"] == outcome.values["hit@5"] == 0

    def test_an_error_is_worth_nothing_where_a_refusal_was_right(self) -> None:
        outcome = judge_error(UNANSWERABLE, "too long")
        assert outcome.values == {"passed": 0, "refusal_accuracy": 0, "refusal_recall": 0}


class TestMetrics:
    def test_the_mean_and_its_interval(self) -> None:
        measured = measure([1.0] * 90 + [0.0] * 10)
        assert measured.value == pytest.approx(0.9)
        assert measured.cases == 100
        # The normal approximation gives 0.9 ± 1.96 * 0.03.
        assert measured.low == pytest.approx(0.84, abs=0.02)
        assert measured.high == pytest.approx(0.96, abs=0.02)

    def test_the_same_values_give_the_same_interval(self) -> None:
        values = [0.0, 1.0, 0.5, 1.0]
        assert measure(values) == measure(values)

    def test_fewer_cases_say_less(self) -> None:
        few, many = measure([1.0, 0.0] * 5), measure([1.0, 0.0] * 500)
        assert few.high - few.low > 5 * (many.high - many.low)

    def test_percentiles_are_values_that_occurred(self) -> None:
        values = [float(value) for value in range(100, 0, -1)]
        assert [percentile(values, share) for share in (50, 95, 99, 100)] == [50, 95, 99, 100]
        assert percentile([1.0, 2.0, 3.0], 50) == 2
        assert percentile([7.0], 50) == percentile([7.0], 99) == 7
        assert latency([]) is None

    def test_groups_hold_their_own_cases(self) -> None:
        cases = [
            a_case("a", tags=("name", "date")),
            a_case("b", tags=("name",), split="test"),
            UNANSWERABLE,
        ]
        replies = [a_reply(), REFUSAL, REFUSAL]
        summary = summarise(
            [
                judge(case, reply, document_text=lambda _: TEXT)
                for case, reply in zip(cases, replies, strict=True)
            ]
        )
        assert summary.cases == 3
        assert summary.overall["correctness"].value == 0.5
        assert summary.overall["refusal_precision"].value == 0.5
        assert summary.by_tag["name"]["correctness"].value == 0.5
        assert summary.by_tag["date"]["correctness"].value == 1
        assert summary.by_split["test"]["correctness"].value == 0
        assert summary.by_language["zh"]["passed"].cases == 3
        assert list(summary.overall) == [name for name in METRICS if name in summary.overall]
        assert summary.latency is not None
        assert summary.latency.p50.value == 10
        assert summary.latency.p95.low <= summary.latency.p95.value <= summary.latency.p95.high
