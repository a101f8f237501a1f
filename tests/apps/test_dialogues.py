"""Dialogues over the sample report: what follow-ups inherit, and what new topics do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rag.schema import Turn

if TYPE_CHECKING:
    from pathlib import Path

    from rag.schema import Answer

REFUSED = ""

# Questions of a dialogue, each with what its answer quotes, or REFUSED.
DIALOGUES: tuple[tuple[tuple[str, str], ...], ...] = (
    # Another year of the same figure.
    (("2023年合肥GDP增长多少？", "5.8%"), ("那2024年的目标呢？", "6%左右")),
    (("2023年城镇新增就业多少人？", "47万人"), ("今年呢？", "14.5万人")),
    (("2023年中欧班列开行多少列？", "868列"), ("今年的目标呢？", "900列")),
    (
        ("合肥2023年新能源汽车产量是多少？", "74万辆"),
        ("2024年呢？", "120万辆"),
    ),
    (("2023年新增学位多少个？", "10.3万个"), ("今年计划新增多少？", "8.8万个")),
    (("2023年合肥GDP增长多少？", "5.8%"), ("2025年的目标呢？", REFUSED)),
    (("2023年城市绿道新建了多少公里？", "177公里"), ("那2024年呢？", "100公里")),
    # Another figure of the same year.
    (
        ("今年财政收入目标是多少？", "2%左右"),
        ("固定资产投资呢？", "3%左右"),
        ("社会消费品零售总额呢？", "7%左右"),
    ),
    (("2023年旅游人数增长多少？", "68%"), ("旅游收入呢？", "八成以上")),
    (("2023年民生支出是多少？", "1219亿元"), ("占财政支出的比重呢？", "86.4%")),
    (("2024年要新建多少公里绿道？", "100公里"), ("口袋公园呢？", "40个")),
    (("2023年合肥进出口总额排第几？", "第7位"), ("跨境电商呢？", "跨境电商")),
    (
        ("2023年中欧班列开行多少列？", "868列"),
        ("今年的目标呢？", "900列"),
        ("粮食产量呢？", "300万吨"),
    ),
    (("合肥有多少家国家高新技术企业？", "8406户"), ("增长了多少？", "1994户")),
    # Another place.
    (("2023年合肥空气优良天数比例是多少？", "86%"), ("那南京呢？", REFUSED)),
    (("2023年合肥GDP增长多少？", "5.8%"), ("上海呢？", REFUSED)),
    (("北京2025年GDP增长多少？", REFUSED), ("上海呢？", REFUSED)),
    (("2024年的主要预期目标有哪些？", "6%左右"), ("那杭州呢？", REFUSED)),
    (("包河区有什么项目？", "包河"), ("肥西县呢？", "肥西")),
    # Pointing back.
    (("2023年办了哪些大会？", "中国航天大会"), ("其中和量子有关的是哪个？", "量子产业大会")),
    (("合肥的市长是谁？", "罗云峰"), ("他什么时候作的报告？", "2024年1月16日")),
    (("2024年的主要预期目标有哪些？", "6%左右"), ("其中进出口呢？", "高于全国平均水平")),
    # Not a follow-up by its form.
    (("合肥2023年研发投入强度是多少？", "3.91%"), ("在万亿城市里排第几？", "第7位")),
    # In English.
    (
        ("What was Hefei's GDP growth in 2023?", "5.8%"),
        ("And the target for 2024?", "6%左右"),
    ),
    (
        ("How many new energy vehicles did Hefei produce in 2023?", "74万辆"),
        ("And in 2024?", "120万辆"),
    ),
    (
        ("What is the GDP target for 2024?", "6%左右"),
        ("What about fixed asset investment?", "3%左右"),
        ("And retail sales?", "7%左右"),
    ),
    (
        ("How many new urban jobs were created in 2023?", "47万人"),
        ("And in Nanjing?", REFUSED),
    ),
    (
        ("What did Hefei do for the elderly in 2023?", "一老一小"),
        ("And what is planned for this year?", "养老"),
    ),
    (("2023年铁路运营里程是多少？", "885公里"), ("How long is the metro now?", "200公里")),
    # A new topic inherits nothing, and what is not in the report is not found through an old one.
    (("地铁1号线三期开通了吗？", "1号线三期开通运营"), ("票价是多少？", REFUSED)),
    (("有哪些新的医院？", "医院"), ("挂号费多少钱？", REFUSED)),
    (("2024年怎么治理巢湖？", "巢湖"), ("谢谢", REFUSED)),
    (("你好", REFUSED), ("2024年的GDP增长目标是多少？", "6%左右")),
    (("科大硅谷是什么？", "科大硅谷"), ("招募了多少合伙人？", "36个")),
    (
        ("2024年要建多少保障性住房？", "3000套"),
        ("老旧小区改造多少个？", "110个"),
    ),
    (
        ("充电桩新增了多少？", "1万个"),
        ("换个话题，粮食面积稳定在多少？", "790万亩"),
    ),
    (("What was Hefei's GDP growth in 2023?", "5.8%"), ("粮食总产是多少？", "298万吨")),
)


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda dialogue: dialogue[-1][0])
def test_each_turn_is_answered_as_meant(
    sample_application: Any, dialogue: tuple[tuple[str, str], ...]
) -> None:
    answers = _held(sample_application, [question for question, _ in dialogue])
    for answer, (question, expected) in zip(answers, dialogue, strict=True):
        said = f"{question} ({answer.rewritten}): {answer.answer}"
        assert answer.answered == bool(expected), said
        assert any(expected in citation.quote for citation in answer.citations) or not expected, (
            said
        )


def test_what_was_typed_can_be_searched_as_it_is(sample_application: Any) -> None:
    history = [Turn(role="user", content="2023年合肥GDP增长多少？")]
    ask = sample_application.assistant.ask
    carried = ask("那2024年的目标呢？", history=history)
    typed = ask("那2024年的目标呢？", history=history, exact=True)
    assert "GDP" in carried.rewritten
    assert typed.rewritten == "那2024年的目标呢？"


def test_how_things_stand_is_answered_with_results_or_with_what_is_called_a_plan(
    sample_application: Any,
) -> None:
    economy, prices = _held(sample_application, ["合肥经济怎么样？", "物价涨了多少？"])
    assert "增长5.8%" in economy.answer
    assert prices.answer == "2024年目标：「居民消费价格涨幅3%左右」[1]"


def test_a_follow_up_finds_the_report_of_another_place(tmp_path: Path) -> None:
    from rag.factory import open_application
    from rag.settings import Settings

    report = (
        "{place}市2024年政府工作报告\n\n一、2023年工作回顾\n\n过去一年，地区生产总值增长{grown}%，"
        "城镇新增就业{jobs}万人。\n\n二、2024年工作安排\n\n主要预期目标：地区生产总值增长{aim}%左右。\n"
    )
    with open_application(Settings(data_dir=tmp_path / "index")) as application:
        for place, grown, jobs, aim in (("合肥", "5.8", "47", "6"), ("南京", "4.6", "29", "5")):
            text = report.format(place=place, grown=grown, jobs=jobs, aim=aim)
            application.library.add_bytes(text.encode(), name=f"{place}-2024.txt")
        answers = _held(
            application,
            [
                "合肥2023年地区生产总值增长多少？",
                "南京呢？",
                "2024年的目标呢？",
                "城镇新增就业呢？",
            ],
        )
    quotes = [" ".join(each.quote for each in answer.citations) for answer in answers]
    assert ["5.8%" in quotes[0], "4.6%" in quotes[1], "5%左右" in quotes[2]] == [True] * 3
    assert all("南京" in answer.rewritten for answer in answers[1:])


def _held(application: Any, questions: list[str]) -> list[Answer]:
    history: list[Turn] = []
    answers = []
    for question in questions:
        answer = application.assistant.ask(question, history=history)
        answers.append(answer)
        history += [
            Turn(role="user", content=question),
            Turn(role="assistant", content=answer.answer),
        ]
    return answers
