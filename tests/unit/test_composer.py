"""What the default composer quotes, and when its evidence is too thin, over the sample report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from rag.factory import open_application
from rag.schema import Turn
from rag.settings import Settings


@contextmanager
def library_of(text: str) -> Iterator[Any]:
    with (
        TemporaryDirectory() as folder,
        open_application(Settings(data_dir=Path(folder) / "index")) as application,
    ):
        application.library.add_bytes(text.encode(), name="text.txt")
        yield application.assistant


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("2024年合肥新增就业目标是多少？", "「城镇新增就业14.5万人」[1]"),
        (
            "新能源汽车产量是多少？",
            (
                "2023年回顾：「新能源汽车产量74万辆、位居全国前5」[1]\n"
                "2024年目标：「力争新能源汽车产量突破120万辆」[2]"
            ),
        ),
        (
            "What is the GDP growth target for 2024?",
            "合肥市2024年政府工作报告, plan for 2024: 「地区生产总值增长6%左右」 [1]",
        ),
    ],
)
def test_a_figure_is_quoted_with_its_subject_and_no_more(
    sample_application: Any, question: str, answer: str
) -> None:
    assert sample_application.assistant.ask(question).answer == answer


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("合肥市市长是谁？", "市长罗云峰"),
        ("Who delivered the government work report?", "市长罗云峰"),
        ("合肥有哪些国家级战新产业集群？", "产业集群"),
        ("今年节能减排目标是什么？", "节能减排完成省控目标"),
    ],
)
def test_names_and_lists_are_quoted(sample_application: Any, question: str, quoted: str) -> None:
    assert quoted in sample_application.assistant.ask(question).answer


def test_a_list_that_headings_make_is_complete(sample_application: Any) -> None:
    answer = sample_application.assistant.ask("2024年重点做好哪九个方面工作？")
    assert len(answer.citations) == 9
    assert answer.citations[8].quote == "（九）全力惠民生解民忧暖民心，创造人民群众美好生活"


@pytest.mark.parametrize(
    "question",
    [
        "地铁票价是多少？",  # much about 地铁, nothing of 票价
        "合肥常住人口有多少？",  # 脱贫人口人均收入增长16% counts no people
        "合肥市委书记是谁？",  # another person, another office
        "合肥野生动物园选址在哪个区？",  # the zoo, and no district
        "合肥房价是多少？",
        "2023年合肥有多少对新人结婚？",
        "What is the population of Hefei?",
        "How tall is Mount Everest?",
        "How much is a metro ticket in Hefei?",
        "How many cars did Tesla build in Hefei in 2023?",
    ],
)
def test_what_only_comes_near_is_no_answer(sample_application: Any, question: str) -> None:
    answer = sample_application.assistant.ask(question)
    assert not answer.answered, answer.answer
    assert answer.citations == ()


def test_a_refusal_names_the_place_in_the_language_of_the_question(sample_application: Any) -> None:
    asked = sample_application.assistant.ask("What is the GDP target of Nanjing for 2024?")
    assert "about Nanjing" in asked.refusal.message
    follow_up = sample_application.assistant.ask(
        "那南京呢？", history=[Turn(role="user", content="2024年的经济增长目标是多少？")]
    )
    assert "关于南京的文档" in follow_up.refusal.message


def test_another_year_or_place_than_a_document_without_metadata_names_is_no_answer() -> None:
    text = "The port handled 4.2 million tonnes of cargo in 2022, and 880 vessels called."
    with library_of(text) as assistant:
        assert assistant.ask("How much cargo did the port handle in 2022?").answered
        assert not assistant.ask("How much cargo did the port handle in 2015?").answered
        assert not assistant.ask("How much cargo did Shanghai handle in 2022?").answered


def test_a_paragraph_names_its_subject_once() -> None:
    text = (
        "盾柱木是豆科的植物，产于东南亚。\n\n夜来香是藤状灌木，又名夜香花。它的种子宽卵形，长约8毫米。"
        "它的花夜间更香。\n\n西番莲的种子可以入药，果实很大。"
    )
    with library_of(text) as assistant:
        answer = assistant.ask("夜来香的种子是什么形状？")
        assert answer.citations[0].quote == "它的种子宽卵形，长约8毫米"


def test_a_figure_is_compared_by_the_clause_that_holds_it() -> None:
    text = (
        "毫不松懈抓好空气污染治理，新能源汽车保有量超100万辆，绿色电力占比达到26%，扭转细颗粒物浓度反弹。\n\n"
        "深化治理攻坚，细颗粒物年均浓度30.5微克/立方米、下降6.2%，优良天数达到290天。"
    )
    with library_of(text) as assistant:
        answer = assistant.ask("PM2.5浓度是多少？").answer
    assert "细颗粒物年均浓度30.5微克/立方米" in answer


def test_a_figure_is_that_of_its_own_statement() -> None:
    text = "成人读者证每次最多借阅12册，借期30天；少儿读者证每次最多借阅8册，借期20天。"
    with library_of(text) as assistant:
        answer = assistant.ask("少儿读者证的借期是多少天？")
        assert answer.citations[0].quote == "少儿读者证每次最多借阅8册，借期20天"


def test_the_name_of_an_institution_answers_nothing() -> None:
    text = (
        "University of Carrow Hill – Annual Review\n\nUniversity of Carrow Hill\n\n"
        "The university is led by its Vice-Chancellor, Professor Leonie Marsh.\n\n"
        "The university had 14,210 students in October."
    )
    with library_of(text) as assistant:
        quotes = [each.quote for each in assistant.ask("Who leads Carrow Hill?").citations]
        assert any("Leonie Marsh" in quote for quote in quotes)


def test_how_much_there_is_comes_before_what_came_on_top() -> None:
    text = "新建成高速公路507公里，三条高速公路通车，全省高速公路通车总里程突破1万公里。"
    with library_of(text) as assistant:
        assert "1万公里" in assistant.ask("高速公路有多少公里？").answer
        assert "507公里" in assistant.ask("新建了多少公里高速公路？").answer


@pytest.mark.parametrize(
    ("question", "figure"),
    [
        ("环境怎么样？", "优良天数达到310天"),
        ("旅游业恢复得怎么样？", "接待游客1.2亿人次"),
        ("What progress was made in education?", "新增公办学位5.3万个"),
    ],
)
def test_how_things_stand_is_told_by_figures_of_the_matter(question: str, figure: str) -> None:
    text = (
        "深入开展主题教育，推动各项工作取得新进展。\n\n"
        "持续优化营商环境，为企业发展营造良好环境。\n\n"
        "教育事业稳步发展，新建改扩建学校86所，新增公办学位5.3万个。\n\n"
        "文旅市场持续回暖，全年接待游客1.2亿人次，旅游收入增长45%。\n\n"
        "生态环境持续改善，空气质量优良天数达到310天，国考断面水质达标率100%。"
    )
    with library_of(text) as assistant:
        assert figure in assistant.ask(question).answer


def test_asked_for_the_year_a_date_has_its_year() -> None:
    text = (
        "1251年7月1日，长兄蒙哥经大会选举成为大汗，即位后任命忽必烈负责总领漠南汉地事务。"
        "1913年7月从小学毕业，8月16日进入青江学校就读，因表现优异而为校长器重。"
    )
    with library_of(text) as assistant:
        assert "1251年" in assistant.ask("蒙哥在哪一年成为大汗？").answer
        assert "1913年" in assistant.ask("他在哪一年进入青江学校就读？").answer


def test_two_sentences_that_answer_equally_well_are_both_quoted() -> None:
    text = (
        "图书馆新馆的开放时间是上午九点到下午五点。\n\n图书馆老馆的开放时间是上午八点到下午四点。\n\n"
        "馆内有三万册图书，可以借阅。"
    )
    with library_of(text) as assistant:
        answer = assistant.ask("图书馆的开放时间是什么？")
        assert {citation.quote for citation in answer.citations} == {
            "图书馆新馆的开放时间是上午九点到下午五点",
            "图书馆老馆的开放时间是上午八点到下午四点",
        }


def test_a_place_inside_a_longer_word_is_another_place() -> None:
    with library_of("青河图书馆读者手册\n\n开放时间是上午九点到下午五点。") as assistant:
        assert assistant.ask("青河图书馆的开放时间是什么？").answered
        assert not assistant.ask("上海图书馆的开放时间是什么？").answered
