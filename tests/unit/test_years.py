"""Years that are not written as such: five-year plans, and this year in several reports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from rag.factory import open_application
from rag.plans import five_year_plans, without_plans
from rag.questions.years import told_in
from rag.settings import Settings

EARLIER = """青江市政府工作报告

2025年1月10日在青江市第九届人民代表大会第四次会议上

各位代表：现在，我代表市人民政府向大会报告工作，请予审议。

一、2024年工作回顾

2024年，全市地区生产总值4120亿元、增长5.6%，粮食产量212万吨，城镇新增就业8.1万人。

二、2025年工作安排

今年经济社会发展主要预期目标是：地区生产总值增长5.5%左右，城镇新增就业8万人以上，粮食产量稳定在210万吨。
"""

LATER = """青江市政府工作报告

2026年1月12日在青江市第九届人民代表大会第五次会议上

各位代表：现在，我代表市人民政府向大会报告工作，请予审议。

一、2025年工作回顾和“十四五”时期发展成就

2025年，全市地区生产总值4360亿元、增长5.4%，粮食产量215万吨，城镇新增就业8.3万人。

过去五年，地区生产总值年均增长6.2%，新建公园绿地120处。

二、“十五五”时期主要目标任务

综合考虑各方面因素，地区生产总值年均增长5%左右、迈上5500亿元台阶，常住人口城镇化率达到68%左右。

三、2026年重点工作

今年经济社会发展主要预期目标是：地区生产总值增长4.8%左右，城镇新增就业7.5万人以上，粮食产量214万吨。
"""


@pytest.fixture(scope="module")
def both() -> Iterator[Any]:
    with (
        TemporaryDirectory() as folder,
        open_application(Settings(data_dir=Path(folder) / "index")) as application,
    ):
        application.library.add_bytes(EARLIER.encode(), name="青江市-2025.txt")
        application.library.add_bytes(LATER.encode(), name="青江市-2026.txt")
        yield application.assistant


@pytest.mark.parametrize(
    ("text", "plans"),
    [
        ("“十四五”规划和“十五五”时期", [(2021, 2025), (2026, 2030)]),
        ("第十三个五年规划", [(2016, 2020)]),
        ("the 15th Five-Year Plan period", [(2026, 2030)]),
        ("the Ninth Five-year Plan", [(1996, 2000)]),
        ("第一个五年计划", []),
        ("过去一百一十五年、十五五百人", []),
    ],
)
def test_five_year_plans(text: str, plans: list[tuple[int, int]]) -> None:
    assert five_year_plans(text) == plans


def test_the_name_of_a_plan_is_no_content() -> None:
    assert without_plans("“十五五”规划期末城镇化率").strip() == "城镇化率"
    assert without_plans("target of the 15th Five-Year Plan period").strip() == "target of the"


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("青江市2026年GDP增长目标是多少？", "增长4.8%"),
        ("青江市到2030年地区生产总值要达到多少？", "5500亿元"),
        ("青江市“十五五”时期GDP年均增长目标是多少？", "年均增长5%"),
        ("What is the GDP growth target for the 15th Five-Year Plan?", "年均增长5%"),
        ("青江市过去五年GDP年均增长多少？", "年均增长6.2%"),
        ("青江市今年新增就业目标是多少？", "7.5万人"),
        ("青江市去年粮食产量是多少？", "215万吨"),
        ("青江市2025年粮食产量是多少？", "215万吨"),
        ("青江市2025年政府工作报告中今年的就业目标是多少？", "8万人"),
        ("青江市2026年的主要预期目标是什么？", "粮食产量214万吨"),
    ],
)
def test_each_year_has_its_own_figure(both: Any, question: str, quoted: str) -> None:
    answer = both.ask(question)
    assert answer.answered, answer.refusal
    assert quoted in answer.answer


def test_what_five_years_brought_is_told_from_what_one_did(both: Any) -> None:
    answer = both.ask("青江市新建了多少处公园绿地？").answer
    assert answer.startswith("2021—2025年回顾：")
    assert "新建公园绿地120处」" in answer


def test_a_target_of_five_years_is_labelled_as_such(both: Any) -> None:
    answer = both.ask("青江市城镇化率目标是多少？")
    assert answer.answer == "2026—2030年目标：「常住人口城镇化率达到68%左右」[1]"


def test_a_plan_that_no_document_speaks_of_is_refused(both: Any) -> None:
    answer = both.ask("青江市“十六五”时期GDP增长目标是多少？")
    assert answer.refusal is not None
    assert answer.refusal.code == "other_year"
    assert "2035" in answer.refusal.message


def test_a_plan_in_place_of_a_result_is_called_a_plan(both: Any) -> None:
    answer = both.ask("青江市2026年新增就业多少人？")
    assert answer.answer.startswith("2026年目标：")
    assert not both.ask("青江市2026年新增就业目标是多少？").answer.startswith("2026年目标：")


def test_a_date_is_quoted_with_what_it_is_of() -> None:
    text = "刚刚过去的2025年，是不平凡的一年，也是青江大桥全线通车之年。\n\n桥长3公里。"
    with (
        TemporaryDirectory() as folder,
        open_application(Settings(data_dir=Path(folder) / "index")) as application,
    ):
        application.library.add_bytes(text.encode(), name="bridge.txt")
        answer = application.assistant.ask("青江大桥是什么时候通车的？").answer
    assert "2025年" in answer
    assert "青江大桥" in answer


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("2024年汽车产量是多少？", "去年汽车产量是多少？"),
        ("2025年的目标，2024年度完成了多少", "今年的目标，去年完成了多少"),
        ("到2025年底要建成多少", "到今年底要建成多少"),
        ("2023年呢", "2023年呢"),
        ("2021—2025年建成多少", "2021—2025年建成多少"),
        ("2024年到2025年", "2024年到2025年"),
        ("青江市2025年政府工作报告里2024年的产量", "青江市2025年政府工作报告里去年的产量"),
        ("补贴2024元的有多少", "补贴2024元的有多少"),
        ("How many cars were built in 2024?", "How many cars were built last year?"),
        ("What is the 2025 target?", "What is this year's target?"),
        ("2024's harvest", "last year's harvest"),
        ("from 2021 to 2025", "from 2021 to this year"),
        ("the 2021-2025 plan", "the 2021-2025 plan"),
        ("the 2025 work report", "the 2025 work report"),
    ],
)
def test_a_report_has_words_for_its_own_year_and_the_one_before(asked: str, told: str) -> None:
    assert told_in(2025, asked) == told
