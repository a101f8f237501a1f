"""What a question asks for: kind, years, period, places, terms, follow-ups."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.questions import bare_name, find_places, split_question, understand, with_written_names
from rag.schema import Turn


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("2023年研发投入强度是多少？", "number"),
        ("新增了几家灯塔工厂？", "number"),
        ("高铁里程有多长", "number"),
        ("How many vehicles were produced?", "number"),
        ("What is the GDP growth target for 2024?", "number"),
        ("哪些县进入全国百强？", "list"),
        ("今年重点做好哪九个方面的工作？", "list"),
        ("Which counties made the national top hundred?", "list"),
        ("报告是什么时候作的？", "date"),
        ("When was the report delivered?", "date"),
        ("Which days is the pool open late?", "date"),
        ("What's the deadline for group bookings?", "date"),
        ("Which firm is digging the channel?", "name"),
        ("Which business won the prize?", "name"),
        ("市长是谁？", "name"),
        ("Who is the mayor?", "name"),
        ("湖水干净了吗？", "yes_no"),
        ("Did the city build a new hospital?", "yes_no"),
        ("科大硅谷建设得怎么样？", "description"),
        ("什么是生命线工程？", "definition"),
    ],
)
def test_kind_of_answer(question: str, kind: str) -> None:
    assert understand(question).kind == kind


@pytest.mark.parametrize(
    ("question", "years", "relative"),
    [
        ("2023年和2024年的增长", (2023, 2024), ()),
        ("二〇二四年目标", (2024,), ()),
        ("2025年上海市政府工作报告中2024年的增长", (2024,), ()),
        ("Anhui's 2025 government work report", (), ()),
        ("上海第一个世界自然遗产是哪里？2025年的政府报告提到过", (), ()),
        ("抚仙湖还是一类水吗？云南2026年报告怎么说", (), ()),
        ("我说的是2025年省里的报告", (), ()),
        ("per-capita GDP according to its 2026 report", (), ()),
        ("2024年报告了多少起事故", (2024,), ()),
        ("去年完成了多少", (), (-1,)),
        ("what is planned for next year", (), (1,)),
        ("举办会展2000万人次", (), ()),
        ("建设保障性住房2003套", (), ()),
    ],
)
def test_years(question: str, years: tuple[int, ...], relative: tuple[int, ...]) -> None:
    understood = understand(question)
    assert understood.years == years
    assert understood.relative_years == relative


@pytest.mark.parametrize(
    ("question", "period"),
    [
        ("新能源汽车产量的目标是多少", "plan"),
        ("计划新增多少学位", "plan"),
        ("想在城里新添多少人上班", "plan"),
        ("我想知道汽车产量", None),
        ("What does the town want its port to handle?", "plan"),
        ("How much does the province want to spend?", "plan"),
        ("去年造了多少车", "review"),
        ("新能源汽车产量", None),
        ("What is the target for retail sales?", "plan"),
        ("How many patents were granted?", "review"),
        ("What target did the report set?", "plan"),
        ("完成了目标吗", None),
        ("今年粮食要产多少？", "plan"),
        ("过去五年经济年均增长多少？", "retrospect"),
        ("开公司办执照要几天？", None),
        ("看门诊还要先交钱吗？", None),
        ("重要会议是什么？", None),
    ],
)
def test_period(question: str, period: str | None) -> None:
    assert understand(question).period == period


@pytest.mark.parametrize(
    ("question", "places"),
    [
        ("南京市2023年GDP", ("南京",)),
        ("合肥和上海", ("合肥", "上海")),
        ("What about Xi'an's target?", ("西安",)),
        ("Nanjing's GDP", ("南京",)),
        ("南京路步行街和北京大学", ()),
        ("朝阳产业有哪些", ()),
        ("朝阳市的产业", ("朝阳",)),
        ("contact people in the city", ()),
    ],
)
def test_places(question: str, places: tuple[str, ...]) -> None:
    assert find_places(question) == places


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("河南高铁有多少公里？", ("河南",)),
        ("河南机场去年送了多少旅客？", ("河南",)),
        ("河南路面怎么样？", ("河南",)),
        ("河南路怎么走？", ()),
        ("河南大学在哪里？", ()),
    ],
)
def test_what_a_place_of_the_library_has_is_about_it(text: str, places: tuple[str, ...]) -> None:
    assert find_places(text, known=["河南省"]) == places
    assert find_places("河南高铁有多少公里？") == ()


def test_an_expression_is_found_where_the_segmenter_cuts_through_it() -> None:
    assert "高铁" in understand("所有的市都通高铁了吗？").terms
    assert "湖水" not in understand("巢湖水质怎么样？").terms


def test_places_of_the_library_are_known_whatever_the_gazetteer_says() -> None:
    assert find_places("肥西县今年怎么样", known=["肥西县"]) == ("肥西",)


@pytest.mark.parametrize(
    ("full", "bare"),
    [
        ("合肥市", "合肥"),
        ("新疆维吾尔自治区", "新疆"),
        ("安徽省", "安徽"),
        ("全国", "全国"),
        ("沙市", "沙市"),
    ],
)
def test_bare_name(full: str, bare: str) -> None:
    assert bare_name(full) == bare


def test_terms_leave_out_question_words_and_years() -> None:
    assert understand("请问2023年研发投入强度是多少？").terms == ("研发", "投入", "强度")


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("What did Henan Province's report say about grain?", {"henan", "grain"}),
        ("江西省政府工作报告怎么说粮食？", {"江西省", "粮食", "政府", "工作", "报告"}),
    ],
)
def test_a_place_is_no_part_of_another_word(question: str, terms: set[str]) -> None:
    assert set(understand(question).terms) == terms


@pytest.mark.parametrize(
    ("question", "term", "no_term"),
    [
        ("农村老人每月能领多少钱？", "老人", "能领"),
        ("去年发了多少补贴？", "补贴", "发了"),
        ("失能老人有多少？", "失能", "能老"),
        ("骆岗公园有多大？", "骆岗", "岗公"),
    ],
)
def test_a_guessed_word_does_not_take_in_those_around_it(
    question: str, term: str, no_term: str
) -> None:
    terms = understand(question).terms
    assert term in terms
    assert no_term not in terms


def test_that_year_beside_the_year_of_a_report_is_its_own() -> None:
    assert understand("2026年贵州省政府工作报告提出的当年增长目标").relative_years == (0,)
    assert understand("当年的增长目标").relative_years == ()


def test_the_name_of_a_report_is_not_what_it_says() -> None:
    understood = understand("2026年贵州省政府工作报告提出的粮食目标是多少？")
    weights = dict(zip(understood.terms, understood.weights, strict=True))
    assert weights["报告"] < 0.2 < weights["粮食"]


def test_a_year_is_a_year_before_a_full_stop_and_no_part_of_a_word() -> None:
    assert understand("Compare the intensity with the level of 2026.").years == (2026,)
    assert "年定" not in understand("跟2025年定的目标比有变化吗").terms
    assert understand("版本2023.5有什么变化").years == ()


def test_generic_words_weigh_less() -> None:
    understood = understand("研发投入的目标")
    weights = dict(zip(understood.terms, understood.weights, strict=True))
    assert weights["目标"] < weights["研发"]
    understood = understand("What progress was made in education?")
    weights = dict(zip(understood.terms, understood.weights, strict=True))
    assert weights["progress"] < weights["education"]


@pytest.mark.parametrize(
    "text",
    ["你好", "谢谢！", "Hello there", "写一首关于春天的诗", "write a python script", "讲个笑话"],
)
def test_small_talk_and_instructions_are_recognised(text: str) -> None:
    assert understand(text).small_talk


@pytest.mark.parametrize(
    "text",
    [
        "政府写了哪些规划？",
        "你好，合肥2023年GDP增长多少？",
        "How is the code of conduct described?",
    ],
)
def test_questions_are_not_small_talk(text: str) -> None:
    assert not understand(text).small_talk


def _asked(*questions: str) -> list[Turn]:
    turns: list[Turn] = []
    for question in questions:
        turns += [Turn(role="user", content=question), Turn(role="assistant", content="……")]
    return turns


@pytest.mark.parametrize(
    ("earlier", "question", "holds", "lacks"),
    [
        ("2023年地区生产总值增长多少？", "那2024年的目标呢？", ["地区生产总值", "2024"], ["2023"]),
        ("新建了哪些公园？", "其中哪些在包河区？", ["公园", "包河"], []),
        (
            "How much did GDP grow in 2023?",
            "and what is the target for 2024?",
            ["GDP", "2024"],
            ["2023"],
        ),
        ("2023年新能源汽车产量是多少？", "那储能电池呢？", ["储能电池", "2023"], []),
        ("2024年粮食产量的目标是多少？", "2023年是多少？", ["粮食产量", "2023"], ["目标", "2024"]),
        ("马拉松的男子冠军是谁？", "他跑了多长时间？", ["马拉松", "多长时间"], []),
        ("居住证首次申领要收费吗？", "要是丢了补一张，要收钱吗？", ["居住证", "收钱"], []),
        ("园博会是在哪里办的？", "去的人多不多", ["园博会", "多不多"], []),
    ],
)
def test_follow_up_inherits_what_is_implied(
    earlier: str, question: str, holds: list[str], lacks: list[str]
) -> None:
    rewritten = understand(question, history=_asked(earlier)).rewritten
    assert all(part in rewritten for part in holds)
    assert not any(part in rewritten for part in lacks)


def test_a_new_topic_inherits_nothing() -> None:
    question = "合肥有几条地铁线路开通运营？"
    assert understand(question, history=_asked("2023年GDP增长多少？")).rewritten == question


def test_exact_searches_what_was_typed() -> None:
    rewritten = understand("那2024年呢？", history=_asked("GDP增长多少？"), exact=True).rewritten
    assert rewritten == "那2024年呢？"


def test_a_chain_of_follow_ups_keeps_its_topic() -> None:
    history = _asked("2023年进出口总额居全国第几？", "那2024年的目标呢？")
    assert "进出口" in understand("那2025年呢？", history=history).rewritten


@given(st.text(max_size=120))
def test_any_text_is_understood(value: str) -> None:
    understood = understand(value)
    assert len(understood.terms) == len(understood.weights)
    assert understood == understand(value)


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "山东新能源汽车产量2025年是多少，2026年力争多少？",
            ("山东新能源汽车产量2025年是多少", "山东新能源汽车产量，2026年力争多少"),
        ),
        ("江苏2025年PM2.5是多少，好天占几成？", ("江苏2025年PM2.5是多少", "江苏2025年好天占几成")),
        (
            "What was the throughput of Shanghai's port in 2024, and where did it rank?",
            (
                "What was the throughput of Shanghai's port in 2024",
                "What was the throughput of Shanghai's port in 2024, where did it rank",
            ),
        ),
        ("合肥2023年研发投入强度是多少？", ()),
        ("抚仙湖的水还是一类水吗？云南2026年报告怎么说？", ()),
        ("How many passengers and how much cargo has the railway carried?", ()),
        ("粮食、汽车和住房的情况", ()),
        ("甲是多少，乙是多少，丙是多少，丁是多少？", ()),
        (
            "青江2026年城镇化率要提到多少？“十五五”末的目标呢？",
            ("青江2026年城镇化率要提到多少", "青江城镇化率要提到多少，“十五五”末的目标"),
        ),
        ("今年地铁8号线开不开？老小区要改多少个？", ("今年地铁8号线开不开", "老小区要改多少个")),
        ("老小区改造和城中村改造各多少？", ("老小区改造多少", "城中村改造多少")),
        ("2024年GDP和CPI目标分别是多少", ("2024年GDP目标是多少", "2024年CPI目标是多少")),
        (
            "青江2023年研发投入强度多少，全国排第几？",
            ("青江2023年研发投入强度多少", "青江2023年研发投入强度，全国排第几"),
        ),
        ("青江的收入和支出去年多少", ()),
        (
            "青江2023年GDP多少，人均收入多少？",
            ("青江2023年GDP多少", "2023年人均收入多少"),
        ),
        (
            "青江2025年粮食产量多少，花卉产量多少？",
            ("青江2025年粮食产量多少", "2025年花卉产量多少"),
        ),
        ("粮食产量是多少，那油料呢", ("粮食产量是多少", "油料是多少")),
        ("那么大的洪水，有没有人受伤？", ()),
        (
            "青江2025年收入实际增长多少，2026年目标是多少？",
            ("青江2025年收入实际增长多少", "青江收入增长，2026年目标是多少"),
        ),
    ],
)
def test_a_question_of_several_things_is_taken_apart(question: str, parts: tuple[str, ...]) -> None:
    assert split_question(question) == parts


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("北京和上海2025年GDP增速目标", ("北京2025年GDP增速目标", "上海2025年GDP增速目标")),
        (
            "2024年北京、上海两市的粮食产量分别是多少万吨？",
            ("2024年北京的粮食产量是多少万吨", "2024年上海的粮食产量是多少万吨"),
        ),
        ("北京和芜湖的GDP哪个更高？", ("北京的GDP是多少", "芜湖的GDP是多少")),
        ("北京和芜湖谁的经济总量大", ("北京的经济总量是多少", "芜湖的经济总量是多少")),
        (
            "Compare the 2024 GDP of Beijing and Wuhu",
            ("What about the 2024 GDP of Beijing", "What about the 2024 GDP of Wuhu"),
        ),
        (
            "How do Beijing's and Shanghai's targets for 2025 compare?",
            ("What about Beijing's targets for 2025", "What about Shanghai's targets for 2025"),
        ),
        # Of a place that no document is about only where each is asked for.
        ("北京和芜湖的GDP是多少", ()),
        ("北京与上海共建的园区有哪些", ()),
        ("从北京到上海的高铁多长", ()),
        ("安徽给北京和上海送去多少粮食", ()),
        ("外国、北京、上海律师事务所的代表处归谁管", ()),
        ("北京、上海以及哪里有航线", ()),
        ("除了北京和上海，还有哪些城市客流增长", ()),
        ("How many parcels from Shanghai each day?", ()),
        ("北京、上海、安徽和山东的GDP", ()),
    ],
)
def test_what_is_asked_of_several_places_is_asked_of_each(
    question: str, parts: tuple[str, ...]
) -> None:
    assert split_question(question, known_places=("北京", "上海", "安徽")) == parts


def test_traditional_questions_are_read_as_simplified_ones() -> None:
    assert understand("合肥市市長是誰？").kind == "name"
    assert understand("去年新增就業多少萬人？").relative_years == (-1,)
    assert understand("廣東省的計劃目標是什麼？").places == ("广东",)


def test_names_of_an_english_question_are_its_capitals() -> None:
    assert understand("How many cars did Tesla build in Shanghai?").names == ("tesla", "shanghai")
    assert understand("Kestrel builds cars").names == ()


def test_names_of_companies_and_sights_are_known_wherever_they_stand() -> None:
    assert understand("Tesla builds cars").names == ("tesla",)
    assert understand("蔚来2023年生产了多少辆车？").names == ("蔚来",)
    assert understand("去看兵马俑的游客有多少人次？").names == ("兵马俑",)


def test_long_latin_words_of_a_chinese_question_are_names() -> None:
    assert understand("怎么用 Docker 部署？").names == ("docker",)
    assert understand("2024年GDP是多少？").names == ()


def test_words_of_titles_are_no_names() -> None:
    question = understand("What did Jilin win at the 14th National Winter Games?")
    assert question.names == ("jilin",)
    assert question.alternatives["14th"] == ("14th", "第十四", "第14")


@pytest.mark.parametrize(
    ("question", "name", "written"),
    [
        ("What is planned at Luogang Park?", "luogang", ("luogang", "骆岗")),
        ("Who is Luo Yunfeng?", "yunfeng", ("yunfeng", "罗云峰")),
        ("What is new on Xi'an Road?", "xi'an", ("xi'an", "西安")),
        ("How large is Fangxing Lake?", "fangxing", None),
        ("What is planned for Women in 2024?", "women", ("妇女", "女性")),
    ],
)
def test_names_spelt_out_are_found_as_they_are_written(
    question: str, name: str, written: tuple[str, ...] | None
) -> None:
    texts = ["罗云峰市长说，我们要建好骆岗公园。", "西安路开通。"]
    assert with_written_names(understand(question), texts).alternatives.get(name) == written


def test_without_unknown_names_a_question_stays_as_it_is() -> None:
    question = understand("合肥2024年目标是多少？")
    assert with_written_names(question, ["合肥"]) is question


@pytest.mark.parametrize("name", ["An" + "an" * 200, " ".join(["Anan"] * 200)])
def test_names_without_end_are_no_names(name: str) -> None:
    # Such a spelling can be read in more ways than there is time to try.
    question = understand(f"What about {name}?")
    assert with_written_names(question, ["安南男阿纳那"]).text == question.text


@pytest.mark.parametrize(
    ("text", "tends"),
    [
        ("就业情况怎么样", "review"),
        ("老百姓收入增加了吗", "review"),
        ("物价涨了多少", "review"),
        ("How is the job market?", "review"),
        ("2024年经济怎么样", None),
        ("今年的就业情况如何", None),
        ("打算怎么样发展养老", None),
        ("绿道有多长", None),
    ],
)
def test_how_things_stand_asks_rather_for_results(text: str, tends: str | None) -> None:
    assert understand(text).tends == tends
