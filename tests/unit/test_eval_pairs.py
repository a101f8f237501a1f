"""Two settings over the same cases, and whether the difference is more than chance."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import InvalidInput
from rag_eval.outcomes import Outcome, judge
from rag_eval.pairs import as_record, compare_pairs, randomisation_test
from tests.evaluation_samples import TEXT, a_case, a_reply

REFUSAL = a_reply("文档中没有。", answered=False, refusal_code="weak_evidence")


def _run(right: str) -> list[Outcome]:
    """One case a character, answered rightly where it is a 1."""
    return [
        judge(
            a_case(f"case-{number}", question=f"第{number}问？"),
            a_reply() if each == "1" else REFUSAL,
            document_text=lambda _: TEXT,
        )
        for number, each in enumerate(right)
    ]


class TestRandomisation:
    @pytest.mark.parametrize(
        ("differences", "p"),
        [
            ([], 1),
            ([0, 0, 0], 1),
            ([1], 1),
            ([1, 1, 1, 1, 1], 2 / 2**5),
            ([1, 1, 1, 1, -1], 12 / 2**5),  # sums of ±5 and ±3: 2 + 10 of 32
            ([0.5, 0.25, 0, -0.25], 6 / 2**3),
        ],
    )
    def test_all_signs_are_tried_where_there_are_few(
        self, differences: list[float], p: float
    ) -> None:
        assert randomisation_test(differences) == pytest.approx(p)

    @given(st.lists(st.sampled_from([-1.0, -0.5, 0.5, 1.0]), min_size=1, max_size=8))
    def test_as_by_hand(self, differences: list[float]) -> None:
        sums = [
            abs(sum(sign * each for sign, each in zip(signs, differences, strict=True)))
            for signs in itertools.product((1, -1), repeat=len(differences))
        ]
        expected = sum(each >= abs(sum(differences)) for each in sums) / len(sums)
        assert randomisation_test(differences) == pytest.approx(expected)

    def test_drawn_signs_agree_with_the_binomial(self) -> None:
        # 15 up, 5 down: two-sided sign test of Binomial(20, 1/2) at 15.
        assert randomisation_test([1] * 15 + [-1] * 5) == pytest.approx(0.0414, abs=0.01)
        assert 0 < randomisation_test([1] * 40) < 0.001

    def test_it_is_the_same_each_time_and_either_way_round(self) -> None:
        differences = [1] * 15 + [-1] * 5 + [0] * 10
        assert randomisation_test(differences) == randomisation_test(differences)
        turned = [-each for each in differences]
        assert randomisation_test(turned) == pytest.approx(
            randomisation_test(differences), abs=0.01
        )


class TestPairs:
    def test_only_what_both_have_is_compared(self) -> None:
        by_name = {each.name: each for each in compare_pairs(_run("1100"), _run("1011"))}
        correctness = by_name["correctness"]
        assert (correctness.a, correctness.b, correctness.cases) == (0.5, 0.75, 4)
        assert (correctness.a_better, correctness.b_better) == (1, 2)
        assert correctness.low <= correctness.difference == 0.25 <= correctness.high
        assert by_name["answer_length"].cases == 1
        refused = by_name["answerable_refused"]
        assert (refused.a_better, refused.b_better) == (1, 2), "less is better"

    def test_the_same_run_twice(self) -> None:
        for each in compare_pairs(_run("1100"), _run("1100")):
            assert (each.difference, each.p, each.significant) == (0, 1, False)

    def test_a_clear_difference(self) -> None:
        paired = compare_pairs(_run("0" * 8), _run("1" * 8))
        record = as_record(paired)
        assert record["correctness"] == {
            "a": 0,
            "b": 1,
            "difference": 1,
            "low": 1,
            "high": 1,
            "a_better": 0,
            "b_better": 8,
            "cases": 8,
            "p": round(2 / 2**8, 5),
        }
        assert {each.name for each in paired if each.significant} >= {"passed", "correctness"}

    def test_other_cases(self) -> None:
        with pytest.raises(InvalidInput, match="not over the same cases"):
            compare_pairs(_run("11"), _run("1"))
