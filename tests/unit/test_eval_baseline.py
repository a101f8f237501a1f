from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from rag.errors import InvalidInput, Unavailable
from rag_eval.baseline import (
    baseline_of,
    compare,
    load_baseline,
    must_pass_failures,
    save_baseline,
)
from rag_eval.ci_reports import junit_report, markdown_report
from rag_eval.metrics import summarise
from rag_eval.outcomes import METRICS, Outcome, judge
from rag_eval.report import Evaluation, json_report, text_report
from tests.evaluation_samples import TEXT, a_case, a_reply, cited

if TYPE_CHECKING:
    from rag_eval.targets import Reply

REFUSAL = a_reply("文档中没有。", answered=False, refusal_code="weak_evidence")
TEN = [a_case(f"case-{number}", tags=("name",)) for number in range(10)]


def _outcomes(replies: dict[str, Reply] | None = None, *, obligatory: str = "") -> list[Outcome]:
    """Ten right answers, except where another reply is named."""
    return [
        judge(
            replace(case, must_pass=case.case_id == obligatory),
            (replies or {}).get(case.case_id, a_reply()),
            document_text=lambda _: TEXT,
        )
        for case in TEN
    ]


def _evaluation(outcomes: list[Outcome], *, before: list[Outcome] | None = None) -> Evaluation:
    return Evaluation(
        case_file="mine.jsonl",
        target="a server",
        collection="default",
        split="all",
        tags=(),
        top_k=5,
        outcomes=tuple(outcomes),
        summary=summarise(outcomes),
        comparison=None if before is None else compare(baseline_of(before), outcomes),
    )


def _suite(evaluation: Evaluation) -> ET.Element:
    return ET.fromstring(junit_report(evaluation).encode())  # noqa: S314 (our own XML)


class TestFile:
    def test_what_is_written_is_read(self, tmp_path: Path) -> None:
        baseline = baseline_of(_outcomes({"case-1": REFUSAL}))
        path = tmp_path / "folder" / "baseline.json"
        save_baseline(path, baseline)
        assert load_baseline(path) == baseline
        assert [each.name for each in path.parent.iterdir()] == ["baseline.json"]

    def test_one_case_a_line(self, tmp_path: Path) -> None:
        path = tmp_path / "baseline.json"
        save_baseline(path, baseline_of(_outcomes()))
        lines = path.read_text(encoding="utf-8").splitlines()
        assert sum('"case-' in line for line in lines) == 10
        assert "latency" not in path.read_text(encoding="utf-8")

    def test_nothing_but_tolerances_to_write(self, tmp_path: Path) -> None:
        path = tmp_path / "baseline.json"
        save_baseline(path, baseline_of([], tolerances={}))
        assert json.loads(path.read_text(encoding="utf-8")) == {
            "format": 1,
            "tolerances": {},
            "cases": {},
        }

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(Unavailable, match="cannot be written"):
            save_baseline(tmp_path / "file" / "baseline.json", baseline_of([]))

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match=r"There is no baseline .*--update-baseline"):
            load_baseline(tmp_path / "baseline.json")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "cannot be read"),
            ("[]", "is no baseline"),
            ("{}", "is no baseline: KeyError, 'format'"),
            ('{"format": 2, "tolerances": {}, "cases": {}}', "its format is 2"),
            ('{"format": 1, "tolerances": [], "cases": {}}', "not both objects"),
            ('{"format": 1, "tolerances": {"hit": 0}, "cases": {}}', "there is no metric 'hit'"),
            ('{"format": 1, "tolerances": {"mrr": -1}, "cases": {}}', "tolerance of mrr is -1"),
            ('{"format": 1, "tolerances": {}, "cases": {"a": {"passed": 1}}}', "is no baseline"),
            (
                (
                    '{"format": 1, "tolerances": {}, "cases": {"a": '
                    '{"passed": 1, "rank": null, "values": {}, "reasons": []}}}'
                ),
                "have a wrong type",
            ),
        ],
    )
    def test_a_file_that_is_no_baseline(self, tmp_path: Path, content: str, message: str) -> None:
        path = tmp_path / "baseline.json"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InvalidInput, match=message):
            load_baseline(path)


class TestComparison:
    def test_the_same_run_is_no_change(self) -> None:
        comparison = compare(baseline_of(_outcomes()), _outcomes())
        assert (comparison.regressions, comparison.changes, comparison.compared) == ((), (), 10)

    def test_a_fall_beyond_the_tolerance(self) -> None:
        comparison = compare(baseline_of(_outcomes()), _outcomes({"case-3": REFUSAL}))
        assert {change.name for change in comparison.regressions} == {
            "passed",
            "correctness",
            "refusal_accuracy",
            "answerable_refused",
        }
        (change,) = comparison.changes
        assert (change.case_id, change.kind) == ("case-3", "worse")
        assert change.before.answer == "「地区生产总值增长5.8%」[1]"
        assert change.after.answer == "文档中没有。"

    def test_a_fall_as_large_as_the_tolerance_is_allowed(self) -> None:
        before = baseline_of(_outcomes(), tolerances=dict.fromkeys(METRICS, 0.1))
        assert compare(before, _outcomes({"case-3": REFUSAL})).regressions == ()
        two = {"case-3": REFUSAL, "case-4": REFUSAL}
        assert compare(before, _outcomes(two)).regressions != ()

    def test_a_metric_without_a_tolerance_is_free_to_fall(self) -> None:
        before = baseline_of(_outcomes(), tolerances={"mrr": 0.0})
        assert compare(before, _outcomes({"case-3": REFUSAL})).regressions == ()

    def test_getting_better_is_no_regression(self) -> None:
        comparison = compare(baseline_of(_outcomes({"case-3": REFUSAL})), _outcomes())
        assert comparison.regressions == ()
        assert [change.kind for change in comparison.changes] == ["better"]

    def test_another_right_answer_is_shown_and_allowed(self) -> None:
        longer = a_reply("2023年，「地区生产总值增长5.8%」[1]")
        comparison = compare(baseline_of(_outcomes()), _outcomes({"case-3": longer}))
        assert comparison.regressions == ()
        assert [change.kind for change in comparison.changes] == ["different"]

    def test_new_and_reworded_cases_are_not_compared(self) -> None:
        before = baseline_of(_outcomes()[:8])
        outcomes = _outcomes({"case-8": REFUSAL, "case-9": REFUSAL, "case-0": REFUSAL})
        reworded = replace(outcomes[0], case=replace(outcomes[0].case, question="又问一次？"))
        comparison = compare(before, [reworded, *outcomes[1:]])
        assert comparison.added == ("case-0", "case-8", "case-9")
        assert (comparison.compared, comparison.regressions) == (7, ())

    def test_cases_left_out_are_named(self) -> None:
        comparison = compare(baseline_of(_outcomes()), _outcomes()[:9])
        assert comparison.not_run == ("case-9",)

    def test_nothing_in_common(self) -> None:
        with pytest.raises(InvalidInput, match="None of the 10 cases is in the baseline"):
            compare(baseline_of([]), _outcomes())

    def test_must_pass(self) -> None:
        outcomes = _outcomes({"case-3": REFUSAL, "case-4": REFUSAL}, obligatory="case-3")
        assert [each.case.case_id for each in must_pass_failures(outcomes)] == ["case-3"]
        assert not _evaluation(outcomes).gate_open
        assert _evaluation(_outcomes(obligatory="case-3")).gate_open
        assert _evaluation(_outcomes({"case-3": REFUSAL})).gate_open


class TestRisk:
    def test_the_area_is_compared_where_confidence_was_kept(self) -> None:
        wrong = a_reply("「新能源汽车产量74万辆」[1]", citations=[cited("新能源汽车产量74万辆")])
        outcomes = _outcomes({"case-3": wrong})
        (change,) = [
            each
            for each in compare(baseline_of(_outcomes()), outcomes).metrics
            if each.name == "aurc"
        ]
        assert change.before == 0 < change.after
        assert change.worse_by == change.after
        assert not change.regressed, "it is not gated unless the file says so"

    def test_a_baseline_of_before_has_neither_confidence_nor_passages(self, tmp_path: Path) -> None:
        path = tmp_path / "baseline.json"
        save_baseline(path, baseline_of(_outcomes()))
        raw = json.loads(path.read_text(encoding="utf-8"))
        for record in raw["cases"].values():
            del record["confidence"], record["passages"]
        path.write_text(json.dumps(raw), encoding="utf-8")
        comparison = compare(load_baseline(path), _outcomes())
        assert "aurc" not in {change.name for change in comparison.metrics}
        assert comparison.changes == ()


class TestReports:
    BEFORE = _outcomes({"case-5": REFUSAL, "case-7": REFUSAL})
    AFTER = _outcomes({"case-3": REFUSAL, "case-5": REFUSAL})

    def test_text_says_what_got_worse(self) -> None:
        text = text_report(_evaluation(self.AFTER, before=_outcomes({"case-5": REFUSAL})))
        assert "mine.jsonl: 10 cases, 10 answerable" in text
        assert "WORSE case-3: 2023年地区生产总值增长多少？" in text
        assert "before: evidence at rank 1; 「地区生产总值增长5.8%」[1]" in text
        assert text.count("passages: 地区生产总值增长5.8%，新能源汽车产量") == 2
        assert "refused (weak_evidence), but the documents hold the answer" in text
        assert "correctness            0.900 → 0.800   WORSE by 0.100, allowed 0.020" in text
        assert "8 of 10 cases passed (--failures lists the others and why)" in text
        assert "case-5" not in text

    def test_text_lists_failures_when_asked(self) -> None:
        text = text_report(_evaluation(self.AFTER), failures=True)
        assert "case-5 (name): 2023年地区生产总值增长多少？" in text
        assert "    evidence (rank 1): 地区生产总值增长5.8%" in text
        assert "    answer: 文档中没有。" in text

    def test_text_fits_a_hundred_columns(self) -> None:
        lines = text_report(_evaluation(self.AFTER)).splitlines()
        assert max(len(line) for line in lines) <= 100

    def test_equal_runs_give_equal_json_apart_from_latency(self) -> None:
        def without_times(value: object) -> object:
            if isinstance(value, dict):
                timed = {"latency_ms", "milliseconds"}
                return {k: without_times(v) for k, v in value.items() if k not in timed}
            return [without_times(each) for each in value] if isinstance(value, list) else value

        slower = a_reply(milliseconds=99.0)
        first = json_report(_evaluation(_outcomes()))
        second = json_report(_evaluation(_outcomes({"case-1": slower})))
        assert json.dumps(without_times(first)) == json.dumps(without_times(second))
        assert json.dumps(first) != json.dumps(second)

    def test_json_holds_the_gate_and_every_outcome(self) -> None:
        record = json.loads(json.dumps(json_report(_evaluation(self.AFTER, before=self.BEFORE))))
        assert (record["cases"], record["passed"], record["gate"]) == (10, 8, "open")
        assert [each["kind"] for each in record["comparison"]["changes"]] == ["worse", "better"]
        assert len(record["outcomes"]) == 10
        assert record["outcomes"][3]["refusal_code"] == "weak_evidence"

    def test_junit_without_a_baseline_fails_every_failed_case(self) -> None:
        suite = _suite(_evaluation(self.AFTER))
        assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("10", "2", "0")
        failures = [test.get("name") for test in suite if test.find("failure") is not None]
        assert failures == [
            "case-3 2023年地区生产总值增长多少？",
            "case-5 2023年地区生产总值增长多少？",
        ]

    def test_junit_with_a_baseline_skips_what_it_knows(self) -> None:
        evaluation = _evaluation(self.AFTER, before=self.BEFORE)
        suite = _suite(evaluation)
        assert (suite.get("failures"), suite.get("skipped")) == ("1", "1")
        metrics = [test.get("name") for test in suite if test.get("classname") == "metric"]
        assert "correctness" in metrics
        assert "answer_length" not in metrics

    def test_junit_never_skips_what_must_pass_or_is_new(self) -> None:
        before = _outcomes({"case-5": REFUSAL}, obligatory="case-5")
        after = _outcomes({"case-5": REFUSAL, "case-9": REFUSAL}, obligatory="case-5")
        suite = _suite(_evaluation(after, before=before[:9]))
        failed = [test.get("name", "") for test in suite if test.find("failure") is not None]
        assert [name.split()[0] for name in failed] == ["case-5", "case-9"]

    def test_junit_fails_a_metric_that_got_worse(self) -> None:
        evaluation = _evaluation(self.AFTER, before=_outcomes())
        suite = _suite(evaluation)
        failed = {t.get("name") for t in suite if t.find("failure") is not None}
        assert "correctness" in failed

    def test_junit_holds_no_character_that_xml_cannot(self) -> None:
        bad = a_reply("\x00\x1b「增长」[1]", citations=[])
        suite = _suite(_evaluation(_outcomes({"case-1": bad})))
        assert "answer: \ufffd\ufffd「增长」[1]" in "".join(suite.itertext())

    def test_markdown_shows_text_as_text(self) -> None:
        bad = a_reply("|<b>*x*\n[1]", citations=[])
        evaluation = _evaluation(
            _outcomes({"case-1": bad}, obligatory="case-1"), before=_outcomes(obligatory="case-1")
        )
        text = markdown_report(evaluation)
        assert "9 of 10 cases passed" in text
        assert "| correctness | 0.900 |" in text
        assert "**worse**" in text
        assert "- case-1: 2023年地区生产总值增长多少？:" in text
        assert r"\|\<b\>\*x\* \[1\]" in text
        assert "<b>" not in text
