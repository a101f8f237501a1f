"""Term weights, soft matching, figures and their units."""

from __future__ import annotations

import numpy as np
import pytest

from rag.embedders.ranking_fake import RankingFakeEmbedder
from rag.evidence import (
    TermMatcher,
    figure_agreement,
    has_date,
    has_day,
    has_figure,
    has_hour,
    has_person,
    inverse_document_frequency,
    tells_beside,
    tells_in_proportion,
    weights_of,
)
from rag.questions import understand


@pytest.mark.parametrize(
    "text",
    [
        "产量74万辆",
        "增长5.8%",
        "近六成",
        "实现两年翻番",
        "六家企业",
        "三百辆",
        "四所",
        "全覆盖",
        "grew by 7",
    ],
)
def test_a_quantity_is_a_figure(text: str) -> None:
    assert has_figure(text)


@pytest.mark.parametrize(
    "text", ["2023年", "地铁1号线三期", "第十四届园博会", "用好12345热线", "运营G60"]
)
def test_a_number_that_only_names_is_no_figure(text: str) -> None:
    assert not has_figure(text)


@pytest.mark.parametrize(
    "text",
    [
        "President: Chiara Montefusco, appointed in February",
        "Leonie Marsh, the Vice-Chancellor",
        "a loan from José Pérez-Ruiz",
        "Councillor Lindqvist called it a pity",
        "市长罗云峰作报告",
    ],
)
def test_persons_are_recognised(text: str) -> None:
    assert has_person(text)


@pytest.mark.parametrize("text", ["The bridge was closed for repairs.", "道路施工期间禁止通行"])
def test_what_names_nobody_is_no_person(text: str) -> None:
    assert not has_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "Monday to Friday 9.30–16.30",
        "from 8 am to noon",
        "周一至周五",
        "每日9:00—21:00",
        "open daily",
    ],
)
def test_hours_are_recognised(text: str) -> None:
    assert has_hour(text)


@pytest.mark.parametrize("text", ["Sundry costs of 3.4 million", "grew by 5.80%", "占比9.30%"])
def test_figures_are_no_hours(text: str) -> None:
    assert not has_hour(text)


@pytest.mark.parametrize(
    "text",
    [
        "2024年1月16日",
        "年底前",
        "上半年",
        "on March 5, 2021",
        "286年分治",
        "嘉靖七年",
        "南宋时兴建",
        "公元前3年",
        "七十年代",
    ],
)
def test_dates_are_recognised(text: str) -> None:
    assert has_date(text)


@pytest.mark.parametrize("text", ["连续三年保持", "过去五年增长", "三年行动计划", "人大代表"])
def test_so_many_years_are_no_date(text: str) -> None:
    assert not has_date(text)


@pytest.mark.parametrize(
    ("question", "text", "agreement"),
    [
        ("地铁多长", "运营总里程突破200公里", 1.0),
        ("地铁多长", "运营客流200万", 0.0),
        ("地铁多长", "加快建设", -1.0),
        ("新增几家灯塔工厂", "新增全球“灯塔工厂”3家", 1.0),
        ("新增几家灯塔工厂", "新增企业52户", 1.0),
        ("新增几家灯塔工厂", "新增游园40条", -0.6),
        ("总额是多少亿美元", "居省会城市第7位", -0.6),
        ("GDP增速是多少", "增长5.8%", 1.0),
        ("出口增速有多快", "出口额居全国第7位", -0.6),
        ("How fast did exports grow?", "出口额居全国第7位", -0.6),
        ("How fast did exports grow?", "Exports grew by 7 per cent.", 1.0),
        ("买了多少次服务", "政府购买居家养老服务超300万人次", 1.0),
        ("买了多少次服务", "政府购买居家养老服务超300万元", -0.6),
        ("办了多少场展会", "接待游客300万人次", -0.6),
        ("居全国第几", "居全国第12位", 1.0),
        ("居全国第几", "总数82户", -0.6),
        ("有多少", "总数82户", 1.0),
        ("地铁票价是多少？", "运营总里程突破200公里", -0.6),
        ("2024年居民消费价格涨幅目标是多少？", "居民消费价格涨幅3%左右", 1.0),
        ("常住人口有多少？", "脱贫人口人均收入增长16%", -0.6),
        ("常住人口有多少？", "常住人口985.3万人", 1.0),
        ("GDP是多少？", "地区生产总值增长5.8%", 0.0),
        ("GDP增长目标是多少？", "地区生产总值增长5.8%", 1.0),
        ("How tall is it?", "运营总里程突破200公里", 1.0),
        ("How tall is it?", "举办会展600余场", -0.6),
        ("How deep is the channel?", "The channel was dredged to 12 metres.", 1.0),
        ("How much is a ticket?", "A ticket costs £3.", 1.0),
        ("打了多少斤粮食", "总产量达到853.2亿斤", 1.0),
        ("吉林2024年一共打了多少斤粮食？", "单产连续3年居粮食主产省第1位", -0.6),
        ("机场一年运送多少万人次", "旅客吞吐量突破5000万人次", 1.0),
        ("How many tonnes of grain were harvested?", "粮食总产量853.2亿斤", 1.0),
        ("How many tonnes of grain were harvested?", "粮食产量增长5%", -0.6),
        ("How large is the economy?", "地区生产总值增长5.8%", 0.0),
        ("上海2024年的GDP涨了多少？", "全市生产总值增长5%", 1.0),
        ("How many metro lines are running?", "运营总里程突破200公里", -0.6),
        ("How many metro lines are running?", "开通地铁3条", 1.0),
        ("How many days does it take?", "20个工作日", 1.0),
        ("城里人的收入是农村人的几倍？", "城乡居民收入倍差缩小至1.83", 1.0),
        ("城里人的收入是农村人的几倍？", "收入增长4.3%", -0.6),
        ("进出口总额是多少？", "进出口总额居省会城市第7位", -0.6),
        ("海洋产业增加值多少？", "新培育产业集聚区7个", 0.3),
        ("How many passengers were there?", "Passenger numbers fell to 405,000.", 1.0),
        ("How many ships called?", "In 2022 the port was busy.", -1.0),
    ],
)
def test_a_figure_agrees_by_its_unit(question: str, text: str, agreement: float) -> None:
    assert figure_agreement(question, text) == agreement


@pytest.mark.parametrize(
    ("question", "text", "beside"),
    [
        ("轨道交通有多少公里？", "新增轨道交通运营里程40公里", True),
        ("新能源汽车充电桩有多少？", "新建充电桩1万个", True),
        ("轨道交通新增了多少公里？", "新增轨道交通运营里程40公里", False),
        ("轨道交通建成了多少公里？", "新建成轨道交通40公里", False),
        ("轨道交通有多少公里？", "轨道交通运营里程906公里", False),
        ("How many kilometres of metro are there?", "40 new kilometres of metro", True),
        ("How many kilometres of metro were built?", "40 new kilometres of metro", False),
        ("GDP目标是多少？", "单位地区生产总值能耗降低3.8%", True),
        ("GDP是多少？", "人均地区生产总值达到8万元", True),
        ("固定资产投资增长多少？", "民间投资占固定资产投资比重达40%", True),
        ("汽车产量是多少？", "新能源汽车产量74万辆", True),
        ("新能源汽车产量是多少？", "新能源汽车产量74万辆", False),
        ("How many cars were made?", "新能源汽车产量74万辆", True),
        ("2025年GDP增长多少？", "地区生产总值年均增长4.7%", True),
        ("五年来GDP年均增长多少？", "地区生产总值年均增长4.7%", False),
        ("人均GDP是多少？", "人均地区生产总值达到8万元", False),
        ("研发投入占GDP的比重是多少？", "研发投入占地区生产总值比重达3%", False),
    ],
)
def test_what_came_on_top_or_a_proportion_is_not_how_much_there_is(
    question: str, text: str, beside: bool
) -> None:
    assert tells_beside(question, text) is beside


def test_the_product_in_proportion_says_nothing_of_the_product() -> None:
    assert tells_in_proportion("2026年GDP目标是多少？", "单位国内生产总值二氧化碳排放降低3.8%")
    assert not tells_in_proportion(
        "2026年GDP目标是多少？", "生产总值增长5%，单位生产总值能耗降低3%"
    )
    assert not tells_in_proportion("单位GDP能耗降低多少？", "单位国内生产总值能耗降低3.8%")


def test_a_day_is_no_month_and_no_year() -> None:
    assert has_day("12月18日全岛封关")
    assert has_day("closed on 18 December")
    assert not has_day("2025年是封关之年")
    assert not has_day("8号线开通")


def test_a_rank_is_told_by_a_rank() -> None:
    assert figure_agreement("经济总量排全国第几？", "经济总量达到64697亿元、保持全国第5位") == 1
    assert figure_agreement("经济总量排全国第几？", "经济总量达到64697亿元") < 0
    assert figure_agreement("Where does it rank?", "It ranked 4th with 2 million tonnes.") == 1
    assert figure_agreement("Where does it rank?", "It handled 2 million tonnes.") < 0


def test_the_product_is_told_in_money_and_its_growth_in_percent() -> None:
    assert figure_agreement("2025年GDP是多少？", "地区生产总值达2.3万亿元") == 1
    assert figure_agreement("2025年GDP是多少？", "地区生产总值增长5%") == 0
    assert figure_agreement("GDP增长多少？", "地区生产总值增长5%") == 1
    assert figure_agreement("研发经费占GDP的比重是多少？", "占地区生产总值4.4%") == 1


def test_a_word_of_one_character_is_held_by_words_that_it_is_in() -> None:
    matcher = TermMatcher(RankingFakeEmbedder())
    question = understand("猪出栏了多少？")
    held = matcher.matches(question, ["生猪出栏6150万头", "肉鸡出栏90万只"])
    column = question.terms.index("猪")
    assert held[0, column] >= 0.7 > held[1, column]


def test_rarer_terms_weigh_more_and_none_weighs_nothing() -> None:
    weights = [inverse_document_frequency(frequency, 100) for frequency in (0, 1, 10, 100)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] > 0


def test_weights_of_rises_with_rarity() -> None:
    question = understand("巢湖龙虾")
    common, rare = weights_of(question, {"巢湖": 40, "龙虾": 1}, 100)
    assert rare > common


def test_matches_are_full_for_words_held_partial_for_context_and_zero_elsewhere() -> None:
    matcher = TermMatcher(RankingFakeEmbedder())
    question = understand("巢湖龙虾")
    rows = matcher.matches(
        question, ["巢湖龙虾丰收", "蔬菜产量", "蔬菜产量"], contexts=["", "", "巢湖龙虾"]
    )
    assert rows.shape == (3, len(question.terms))
    assert rows[0].min() == 1.0
    assert rows[1].max() < 0.5
    assert 0.5 <= rows[2].min() <= rows[2].max() < 1.0


def test_figures_never_match_other_figures() -> None:
    matcher = TermMatcher(RankingFakeEmbedder())
    question = understand("增长5.8%的是什么")
    column = question.terms.index("5.8%")
    rows = matcher.matches(question, ["增长5.9%", "增长5.8%"])
    assert rows[0, column] == 0.0
    assert rows[1, column] == 1.0


def test_no_terms_and_no_texts_give_empty_matches() -> None:
    matcher = TermMatcher(RankingFakeEmbedder())
    assert matcher.matches(understand("？"), ["甲"]).shape == (1, 0)
    assert matcher.matches(understand("巢湖龙虾"), []).shape[0] == 0


@pytest.mark.parametrize(("name", "kept"), [("_TEXTS_KEPT", 3), ("_WORDS_KEPT", 20)])
def test_what_a_matcher_forgets_it_reads_again(
    monkeypatch: pytest.MonkeyPatch, name: str, kept: int
) -> None:
    question = understand("2024年合肥市新能源汽车产量目标是多少万辆 x？")
    texts = [f"第{number}份报告：新能源车辆产量{number}万辆，x 与 ABC。" for number in range(9)]
    headings = [f"{number}年目标" for number in range(9)]
    patient = TermMatcher(RankingFakeEmbedder())
    expected = patient.matches(question, texts, contexts=headings)

    monkeypatch.setattr(f"rag.evidence.matching.{name}", kept)
    forgetful = TermMatcher(RankingFakeEmbedder())
    for _ in range(3):
        for first in range(0, 9, 2):
            some = slice(first, first + 2)
            found = forgetful.matches(question, texts[some], contexts=headings[some])
            np.testing.assert_allclose(found, expected[some], atol=1e-6)
