"""What form an answer takes, what is numbered, and lines with labels."""

from __future__ import annotations

import pytest

from rag.composers.fields import is_field, value_of
from rag.evidence import asks_for_form, form_agreement, of_another_number, tells_the_opposite
from tests.unit.test_composer import library_of


@pytest.mark.parametrize(
    ("question", "text", "agreement"),
    [
        ("挂号电话是多少", "咨询电话：020-12345678", 1.0),
        ("挂号电话是多少", "滨湖院区建成运营", -1.0),
        ("那里停车怎么收费", "首小时5元", 1.0),
        ("那里停车怎么收费", "停车免费", 1.0),
        ("那里停车怎么收费", "游客超700万人次", -1.0),
        ("图书馆几点关门", "开放时间 8:00—22:00", 1.0),
        ("图书馆几点关门", "图书馆藏书120万册", -1.0),
        ("What time does the museum open?", "It opens at 9 a.m.", 1.0),
        ("What will I pay as an adult?", "The adult ticket rises to €12.50", 1.0),
        ("What set Building 12 on fire?", "It was started by a lithium battery", 1.0),
        ("白鹭桥为什么封闭", "因桥墩裂缝被鉴定为危桥", 1.0),
        ("白鹭桥为什么封闭", "工期预计14个月", -0.3),
        ("居住证到哪里办", "办理地点：政务服务中心", 1.0),
        ("居住证到哪里办", "政务服务中心2楼18号窗口", 0.8),
        ("归哪个单位管", "实施部门：广东省水利厅", 1.0),
        ("归哪个单位管", "承诺办结时限：1(工作日)", -0.3),
        ("育儿补贴一年给几千块？", "学前一年免费教育惠及60万人", -1.0),
        ("高龄津贴一个月能领多少？", "年满80周岁的可以申领", -1.0),
        ("高龄津贴一个月能领多少？", "90至99周岁：每月150元", 1.0),
        ("那场山洪死了多少人？", "4112户受灾群众搬进新居", -1.0),
        ("那场山洪死了多少人？", "因灾遇难3人", 1.0),
        ("How much did the Board pay?", "The Board paid 2.1 million pounds", 1.0),
        ("What did Marta die of?", "Marta (1889 – 1974) was an explorer", -1.0),
        ("图书馆在哪条街上", "图书馆建成投用", -1.0),
        ("图书馆在哪条街上", "图书馆迁至文昌路12号", 1.0),
    ],
)
def test_an_answer_has_the_form_that_is_asked_for(
    question: str, text: str, agreement: float
) -> None:
    assert asks_for_form(question)
    assert form_agreement(question, text) == agreement


def test_a_question_for_something_else_asks_for_no_form() -> None:
    assert form_agreement("2023年GDP增长多少？", "增长5.8%") is None
    assert form_agreement("为什么增长这么多？", "增长5.8%", strict=True) is None


@pytest.mark.parametrize(
    ("question", "text", "other"),
    [
        ("第四届丹寨非遗周什么时候举行", "第三届中国丹寨非遗周在7月举行", True),
        ("第三届丹寨非遗周什么时候举行", "第三届中国丹寨非遗周在7月举行", False),
        ("“鳐鱼二号”能下潜多少米", "“鳐鱼三号”下潜到2150米", True),
        ("第十二次考察的领队是谁", "第13次考察", True),
        ("第十二次考察的领队是谁", "第12次考察", False),
        ("第二十届亚运会在哪里", "第20届亚运会", False),
        ("Who won the 12th cup?", "The 13th cup went to", True),
        ("亚运会在哪里", "第20届亚运会", False),
    ],
)
def test_another_of_a_series_is_another_thing(question: str, text: str, other: bool) -> None:
    assert of_another_number(question, text) is other


@pytest.mark.parametrize(
    ("question", "text", "opposite"),
    [
        ("2025年要关停多少家煤矿？", "建成投产煤矿20处", True),
        ("2025年要关停多少家煤矿？", "关闭退出煤矿20处，新建3处", False),
        ("2025年要新建多少家煤矿？", "建成投产煤矿20处", False),
        ("How many plants were closed?", "three new plants were opened", True),
    ],
)
def test_what_was_opened_was_not_closed(question: str, text: str, opposite: bool) -> None:
    assert tells_the_opposite(question, text) is opposite


@pytest.mark.parametrize(
    ("line", "value"),
    [("咨询电话：020-38356454", "020-38356454"), ("Phone: 555 1234", " 555 1234")],
)
def test_a_line_with_a_label_is_a_field(line: str, value: str) -> None:
    assert is_field(line)
    assert value_of(line) == value


@pytest.mark.parametrize("line", ["他说，今天的任务是：加快建设。", "全市生产总值增长5.8%。"])
def test_a_sentence_is_no_field(line: str) -> None:
    assert not is_field(line)


GUIDE = """居住证补领办事指南

实施部门：青河市公安局
承诺办结时限：7个工作日
咨询电话：0577-6620120
投诉电话：0577-6620199
办理地点：青河市政务服务中心2楼18号窗口
"""


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("居住证补领的咨询电话是多少？", "咨询电话：0577-6620120"),
        ("居住证补领的投诉电话是多少？", "投诉电话：0577-6620199"),
        ("居住证补领一般多久能办好？", "承诺办结时限：7个工作日"),
        ("居住证补领归哪个单位管？", "实施部门：青河市公安局"),
        ("居住证补领在哪里办理？", "办理地点：青河市政务服务中心2楼18号窗口"),
    ],
)
def test_a_line_answers_what_its_label_says(question: str, quote: str) -> None:
    with library_of(GUIDE) as assistant:
        answer = assistant.ask(question)
        assert [citation.quote for citation in answer.citations] == [quote]


TRANSFER = """社保转移办事指南

实施部门：青河市人力资源和社会保障局
受理条件：参保人已经停保。转入地已经开户。
法定办结时限：45个工作日
承诺办结时限：15个工作日
"""


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("办理社保转移承诺多少个工作日办结？", "承诺办结时限：15个工作日"),
        ("社保转移的受理条件是什么？", "受理条件：参保人已经停保。转入地已经开户"),
        ("“社保转移”归哪个单位管？", "实施部门：青河市人力资源和社会保障局"),
    ],
)
def test_a_label_tells_lines_apart_and_its_line_is_quoted_whole(question: str, quote: str) -> None:
    with library_of(TRANSFER) as assistant:
        answer = assistant.ask(question)
        assert [citation.quote for citation in answer.citations] == [quote]


def test_what_no_label_says_is_refused() -> None:
    with library_of(GUIDE) as assistant:
        assert not assistant.ask("办理居住证补领需要提交哪些材料？").answered
        assert not assistant.ask("居住证补领的邮箱是多少？").answered
