"""Ranks of evidence, and what ir-measures makes of them."""

from __future__ import annotations

import math

import pytest

from rag_eval.case import Place
from rag_eval.matching import character_f1
from rag_eval.outcomes import judge
from rag_eval.ranking import holds_evidence, ranking_values, ranks_of, recall_at
from rag_eval.targets import FoundPassage
from tests.evaluation_samples import TEXT, a_case, a_reply

PASSAGE = FoundPassage(
    passage_id="d1-3",
    document_id="d1",
    text=TEXT,
    title="2024年合肥市政府工作报告",
    source="corpus/hefei-2024.txt",
    section=("一、2023年工作回顾", "（二）产业"),
)


class TestEvidence:
    @pytest.mark.parametrize(
        "place",
        [
            Place(document="corpus/hefei-2024.txt"),
            Place(document="hefei-2024.txt", section="2023年工作回顾"),
            Place(document="2024年合肥市政府工作报告", section="产业"),
        ],
        ids=str,
    )
    def test_a_place_is_a_document_and_a_section_of_it(self, place: Place) -> None:
        assert holds_evidence(PASSAGE, place)

    @pytest.mark.parametrize(
        "place",
        [
            Place(document="2024.txt"),
            Place(document="hefei-2024.txt", section="2024年工作安排"),
            Place(document="corpus"),
        ],
        ids=str,
    )
    def test_another_place(self, place: Place) -> None:
        assert not holds_evidence(PASSAGE, place)

    def test_each_piece_has_a_rank(self) -> None:
        case = a_case(evidence=("地区生产总值增长5.8%", "别处的话，这里没有", "不相干的一段话"))
        passages = a_reply(passages=["不相干的一段话", TEXT, TEXT]).passages
        assert ranks_of(case, passages) == (2, None, 1)

    def test_without_expected_facts_the_place_must_be_quoted(self) -> None:
        case = a_case(expected=(), evidence=(Place(document="d.txt"),))  # type: ignore[arg-type]
        reply = a_reply()
        outcome = judge(case, reply, document_text=lambda _: TEXT)
        assert outcome.reasons == (
            "quotes none of the evidence",
            "no evidence among the first 5 passages",
        )


class TestValues:
    def test_as_written_in_a_textbook(self) -> None:
        values = ranking_values([2, None, 4], top_k=5)
        ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
        assert values == {
            "hit@1": 0,
            "hit@5": 1,
            "mrr": 0.5,
            "recall@5": pytest.approx(2 / 3),
            "ndcg@5": pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal),
        }

    def test_nothing_is_said_beyond_what_was_asked_for(self) -> None:
        assert "recall@10" not in ranking_values([1], top_k=9)
        assert ranking_values([7], top_k=10)["recall@10"] == 1
        assert ranking_values([7], top_k=10)["recall@5"] == 0

    def test_pieces_in_one_passage_count_once(self) -> None:
        assert ranking_values([1, 1, None], top_k=5)["recall@5"] == 0.5

    @pytest.mark.parametrize("ranks", [[1], [3, None], [2, 2, 6], [None]])
    def test_the_curve_agrees_with_the_metric(self, ranks: list[int | None]) -> None:
        values = ranking_values(ranks, top_k=10)
        assert recall_at(ranks, 5) == pytest.approx(values["recall@5"])
        assert recall_at(ranks, 10) == pytest.approx(values["recall@10"])


class TestCharacterF1:
    @pytest.mark.parametrize(
        ("answer", "expected", "value"),
        [
            ("5.8%", [("5.8%",)], 1),
            ("「增长5.8%」[1]", [("5.8%",)], 2 * 1 / (3 + 1)),
            ("合肥市", [("合肥",)], 2 * 2 / (3 + 2)),
            ("Hefei City", [("hefei",)], 2 * 1 / (2 + 1)),
            ("南京", [("合肥",)], 0),
            ("合肥", [("南京", "合肥")], 1),
            ("合肥与芜湖", [("合肥",), ("芜湖",)], 2 * 4 / (5 + 4)),
            ("5.8", [("58",)], 0),
            ("", [("合肥",)], 0),
        ],
    )
    def test_shared_units(self, answer: str, expected: list[tuple[str]], value: float) -> None:
        assert character_f1(answer, expected) == pytest.approx(value)
