"""What a document says of itself."""

from __future__ import annotations

import pytest

from rag import readers
from rag.metadata import describe
from tests.conftest import SAMPLE

OPENING = "各位代表：\n现在，我代表市人民政府向大会报告工作，请予审议，并请政协委员提出意见。\n"
BODY = "一、2023年工作回顾\n刚刚过去的一年，全市经济社会持续健康发展，各项事业取得新的进步。" * 3


def described(text: str, source: str = "upload.txt") -> dict[str, str | int]:
    parsed = readers.read(text.encode(), name=source, max_bytes=10_000_000)
    return describe(parsed, source=source)


def test_the_sample() -> None:
    parsed = readers.read(SAMPLE.read_bytes(), name="x.txt", max_bytes=10_000_000)
    assert describe(parsed, source="x.txt") == {
        "title": "合肥市2024年政府工作报告",
        "kind": "government_work_report",
        "place": "合肥市",
        "level": "city",
        "date": "2024-01-16",
        "year": 2024,
        "reporting_year": 2023,
        "planning_year": 2024,
        "speaker": "罗云峰",
    }


@pytest.mark.parametrize(
    ("line", "place", "level", "date"),
    [
        ("——2024年1月16日在合肥市第十七届人民代表大会第三次会议上", "合肥市", "city", "2024-01-16"),
        ("2024年1月16日在肥西县第十八届人民代表大会上", "肥西县", "county", "2024-01-16"),
        ("（2026年1月27日在贵州省第十四届人民代表大会上）", "贵州省", "province", "2026-01-27"),
        (
            "——二〇二六年一月二十七日在甘肃省十四届人大四次会议上",
            "甘肃省",
            "province",
            "2026-01-27",
        ),
        ("２０２５年１月１３日在海南省第七届人民代表大会上", "海南省", "province", "2025-01-13"),
        ("2025年1月15日龚正市长在上海市第十六届人大上", "上海市", "province", "2025-01-15"),
        ("2024年2月3日在延边朝鲜族自治州第十六届人大上", "延边朝鲜族自治州", "city", "2024-02-03"),
        ("2024年3月5日在第十四届全国人民代表大会第二次会议上", "全国", "national", "2024-03-05"),
    ],
)
def test_the_line_that_names_the_congress(line: str, place: str, level: str, date: str) -> None:
    found = described(f"政府工作报告\n{line}\n{OPENING}{BODY}")
    assert (found["place"], found["level"], found["date"]) == (place, level, date)
    assert found["year"] == int(date[:4])


@pytest.mark.parametrize(
    ("head", "speaker"),
    [
        ("市长罗云峰", "罗云峰"),
        ("国务院总理\n李 强", "李强"),
        ("自治区主席 艾尔肯·吐尼亚孜", "艾尔肯·吐尼亚孜"),
        ("西藏自治区代理主席 嘎玛泽登", "嘎玛泽登"),
        ("2025年1月14日海南省省长 刘小明在海南省第七届人民代表大会上", "刘小明"),
        ("2025年1月15日龚正市长在上海市第十六届人民代表大会上", "龚正"),
        ("毛伟明", "毛伟明"),
        ("新华社记者报道，市长办公会议研究", None),
    ],
)
def test_the_speaker(head: str, speaker: str | None) -> None:
    found = described(f"2024年某省政府工作报告\n{head}\n{OPENING}{BODY}")
    assert found.get("speaker") == speaker


def test_the_day_of_delivery_wins_over_the_day_of_publication() -> None:
    head = (
        "2026年四川省人民政府工作报告\n2026年02月10日 07时41分\n"
        "2026年2月3日在四川省第十四届人民代表大会上\n"
    )
    assert described(f"{head}{OPENING}{BODY}")["date"] == "2026-02-03"


def test_a_date_that_does_not_exist_is_no_date() -> None:
    found = described(f"政府工作报告\n2024年2月31日在合肥市第十七届人民代表大会上\n{OPENING}{BODY}")
    assert "date" not in found


def test_what_the_text_says_wins_over_the_file_name() -> None:
    head = "政府工作报告\n——2024年1月16日在合肥市第十七届人民代表大会上\n"
    found = described(f"{head}{OPENING}{BODY}", source="reports/芜湖市-2020.txt")
    assert (found["place"], found["year"]) == ("合肥市", 2024)


def test_the_file_name_says_what_the_text_does_not() -> None:
    found = described(f"{OPENING}刚刚过去的一年很不平凡。", source="C:\\reports\\芜湖市-2020.txt")
    assert (found["place"], found["year"], found["title"]) == (
        "芜湖市",
        2020,
        "芜湖市2020年政府工作报告",
    )


def test_chapters_tell_the_year_where_head_and_name_are_silent() -> None:
    text = f"政府工作报告\n{OPENING}一、2023年工作回顾\n很好。\n二、2024年工作安排\n更好。"
    found = described(text)
    assert (found["year"], found["reporting_year"], found["planning_year"]) == (2024, 2023, 2024)
    assert "place" not in found


def test_a_report_on_a_plan_keeps_its_subject() -> None:
    text = "各位代表：\n我代表国务院，作关于国民经济和社会发展第七个五年计划的报告，请审议。\n"
    found = described(text, source="全国-1986.txt")
    assert found["title"] == "国务院1986年关于国民经济和社会发展第七个五年计划的报告"


@pytest.mark.parametrize(
    "title",
    [
        "合肥市2024年政府工作报告",
        "2024年合肥市人民政府工作报告",
        "合肥市政府工作报告（2024年）",
        "合肥市2024年政府工作报告（摘要）",
    ],
)
def test_a_title_with_place_and_year_makes_a_report(title: str) -> None:
    found = described(f"{title}\n一、2023年工作回顾\n地区生产总值增长5.8%。")
    assert found == {
        "title": "合肥市2024年政府工作报告",
        "kind": "government_work_report",
        "place": "合肥市",
        "level": "city",
        "year": 2024,
        "reporting_year": 2023,
        "planning_year": 2024,
    }


def test_an_english_report() -> None:
    found = described(
        "REPORT ON THE WORK OF THE GOVERNMENT\n"
        "Delivered at the Second Session of the 14th National People's Congress on March 5, 2024\n"
        "Li Qiang, Premier of the State Council\nFellow Deputies,\n"
        "On behalf of the State Council, I will now report to you on the work of the government.\n"
    )
    assert found == {
        "title": "Report on the Work of the Government (State Council of China, 2024)",
        "kind": "government_work_report",
        "place": "全国",
        "level": "national",
        "date": "2024-03-05",
        "year": 2024,
        "reporting_year": 2023,
        "planning_year": 2024,
        "speaker": "Li Qiang",
    }


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("合肥市召开人代会", "1月16日，市长罗云峰在合肥市第十七届人民代表大会上作政府工作报告。"),
        ("合肥市2024年政府工作报告解读", "报告提出，今年增长6%。专家认为，目标积极稳妥。"),
        ("合肥市政府工作报告", "报告提出，今年增长6%。专家认为，目标积极稳妥。"),
        ("解读2024年政府工作报告", "报告提出，今年增长6%。专家认为，目标积极稳妥。"),
        ("最高人民法院工作报告", "各位代表：\n现在，我代表最高人民法院向大会报告工作，请予审议。"),
        ("合肥市人大常委会工作报告", "各位代表：\n我代表市人大常委会向大会报告工作。2024年1月。"),
        ("中华人民共和国民法典", "第一条　为了保护民事主体的合法权益，制定本法。"),
        ("Report of the working group", "On March 5, 2024 the group met in Hefei."),
    ],
)
def test_what_is_no_work_report_gets_a_title_and_nothing_else(title: str, text: str) -> None:
    assert described(f"{title}\n{text}") == {"title": title}


def test_a_note_is_called_by_its_file_name() -> None:
    assert described("2024年1月16日，小雨。今天去了合肥市的公园。") == {"title": "upload"}


def test_a_place_and_a_year_as_a_file_name_are_believed() -> None:
    found = described(
        "这是一份关于城市规划的说明，内容很长，分为若干部分。", source="合肥市-2024.txt"
    )
    assert found == {"title": "合肥市-2024", "place": "合肥市", "level": "city", "year": 2024}


@pytest.mark.parametrize(
    ("text", "source", "title"),
    [
        ("# The *Handbook*\n\ntext", "a.md", "The Handbook"),
        ("---\ntitle: 手册\nplace: 合肥市\n---\n# Other\n\ntext", "a.md", "手册"),
        ("- only\n- a list", "shopping.md", "shopping"),
        ("A line that ends like a sentence.\nMore.", "notes/my note.txt", "my note"),
        ("一" * 81, "long.txt", "long"),
        ("会议纪要\n内容", "x.txt", "会议纪要"),
        ("社区防控工作的基础地位、方法路径和政治保证", "a7.txt", "a7"),
        ("到2025年全部完成。 其余另行通知\n内容", "a8.txt", "a8"),
        ("后勤部\n首页 | 餐饮 | 交通 | 投诉\n\n校车时刻\n内容", "x.txt", "校车时刻 - 后勤部"),
        ("首页 > 交通 > 校车\n校车时刻\n内容", "x.txt", "校车时刻"),
        (
            "某局 办事指南\n事项名称：食品经营许可证变更\n内容",
            "x.txt",
            "某局 办事指南 食品经营许可证变更",
        ),
        ("临时申报\n事项名称：临时申报\n内容", "x.txt", "临时申报"),
    ],
)
def test_titles(text: str, source: str, title: str) -> None:
    assert described(text, source=source)["title"] == title


def test_front_matter_wins() -> None:
    head = "---\ntitle: 手册\nplace: 芜湖市\ndate: 2023-01-02\n---\n\n"
    text = f"{head}政府工作报告\n\n——2024年1月16日在合肥市第十七届人民代表大会上\n\n{OPENING}"
    found = described(text, source="a.md")
    assert (found["title"], found["place"], found["date"]) == ("手册", "芜湖市", "2023-01-02")
    assert found["year"] == 2024
