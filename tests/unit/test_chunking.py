"""Blocks to passages: invariants for any text, headings, cuts, periods."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag import readers
from rag.chunking import chunk
from rag.chunking.numbering import marker_of
from rag.errors import UnreadableDocument
from rag.text import sentences
from tests.conftest import SAMPLE

if TYPE_CHECKING:
    from rag.schema import ParsedDocument, Passage


def read(text: str, name: str = "note.txt") -> ParsedDocument:
    return readers.read(text.encode(), name=name, max_bytes=10_000_000)


def passages(text: str, name: str = "note.txt", limit: int = 360) -> tuple[Passage, ...]:
    return chunk(read(text, name), document_id="d", max_characters=limit)


def sections(text: str, name: str = "note.txt") -> list[tuple[str, ...]]:
    return [passage.section for passage in passages(text, name)]


def check_invariants(parsed: ParsedDocument, limit: int) -> None:
    cut = chunk(parsed, document_id="d", max_characters=limit)
    assert cut == chunk(parsed, document_id="d", max_characters=limit)
    end = 0
    for ordinal, passage in enumerate(cut):
        assert passage.ordinal == ordinal
        assert passage.passage_id == f"d-{ordinal}"
        assert parsed.text[passage.start : passage.end] == passage.text
        assert passage.text == passage.text.strip()
        assert end <= passage.start < passage.end
        assert len(passage.text) <= limit
        end = passage.end
    covered = {i for passage in cut for i in range(passage.start, passage.end)}
    for block in parsed.blocks:
        visible = {i for i in range(block.start, block.end) if not parsed.text[i].isspace()}
        if block.kind == "boilerplate":
            assert not visible & covered
        else:
            assert visible <= covered


# Invariants.

PIECES = st.sampled_from(
    [
        *("一、工作回顾", "（一）聚焦科技。", "1. 标题", "第一章 总则", "附件", "各位代表！"),
        *("着力扩大投资。持续深化行动，推动固定资产投资稳量提质增效，", "增长5.8%；", "——增长。"),
        *("This is a sentence. ", "II. Tasks for 2024", "word", "。", "！？", "“引文。”"),
        *("\n", "\n\n", "　", " ", "\t", "e\u0301", "长" * 70, "x" * 50),
        *("\U0001f600\U0001f469\u200d\U0001f469\u200d\U0001f467", "# Heading", "## Sub", "```"),
        *("- item", "| a | b |", "|---|---|", "> quote"),
    ]
)  # fmt: skip
TEXT = st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=300))


@settings(max_examples=300, deadline=None)
@given(TEXT, st.sampled_from([1, 7, 40, 120, 360]), st.sampled_from(["a.txt", "a.md"]))
def test_passages_cover_the_text_in_order_within_the_limit(
    text: str, limit: int, name: str
) -> None:
    try:
        parsed = readers.read(text.encode("utf-8", "replace"), name=name, max_bytes=10**7)
    except UnreadableDocument:
        return
    check_invariants(parsed, limit)


@pytest.mark.parametrize("limit", [40, 120, 360, 1_000, 100_000])
def test_the_sample_keeps_the_invariants(limit: int) -> None:
    check_invariants(readers.read(SAMPLE.read_bytes(), name="a.txt", max_bytes=10**7), limit)


def test_a_limit_below_one_is_an_error() -> None:
    with pytest.raises(ValueError, match="max_characters is 0; a passage holds at least 1"):
        passages("text", limit=0)


# Cuts.


def test_a_long_paragraph_is_cut_at_sentence_ends_into_similar_sizes() -> None:
    text = "".join(f"第{i:02}句话说的是城市发展和产业进步的情况。" for i in range(50))
    cut = passages(text)
    assert len(cut) == -(-len(text) // 360)
    assert all(passage.text.endswith("。") for passage in cut)
    sizes = [len(passage.text) for passage in cut]
    assert max(sizes) - min(sizes) <= 2 * 22


def test_the_last_piece_is_never_tiny() -> None:
    text = "一" * 350 + "。" + "二" * 20 + "。"
    assert [len(passage.text) for passage in passages(text)] == [351, 21]
    even = "".join("三" * 89 + "。" for _ in range(5))
    assert [len(passage.text) for passage in passages(even)] == [180, 270]


def test_a_sentence_over_the_limit_is_cut_at_its_clauses() -> None:
    text = "；".join("加快建设现代化产业体系，推动科技创新和产业创新融合" for _ in range(10)) + "。"
    cut = passages(text, limit=100)
    assert all(re.search("[；，。]$", passage.text) for passage in cut)


def test_text_without_punctuation_is_cut_evenly() -> None:
    assert [len(p.text) for p in passages("长" * 700, limit=300)] == [234, 234, 232]
    words = " ".join(["word"] * 200)
    assert all(p.text.startswith("word") and p.text.endswith("word") for p in passages(words))


def test_fragments_join_their_neighbours() -> None:
    paragraph = "本段有足够的长度，可以独立成为一个段落，因为它超过了一百二十个字。" * 5
    text = f"{paragraph}\n各位代表！\n{paragraph}\n谢谢大家。"
    assert [passage.text for passage in passages(text)] == [
        paragraph,
        f"各位代表！\n{paragraph}\n谢谢大家。",
    ]


def test_the_title_block_of_a_report_is_one_passage() -> None:
    first = chunk(
        readers.read(SAMPLE.read_bytes(), name="a.txt", max_bytes=10**7),
        document_id="d",
        max_characters=360,
    )[0]
    assert first.text.startswith("政府工作报告")
    assert "2024年1月16日在合肥市" in first.text
    assert "市长罗云峰" in first.text
    assert first.section == ()


# Headings.

BODY = "这一段的内容足够长，其中说明有关情况，列出主要的数据和各方面的做法，供大家参考使用。" * 3


def test_numbered_lines_nest() -> None:
    lines = ["一、回顾", "（一）工业", "（二）农业", "二、安排", "1. 投资"]
    text = "\n".join(f"{line}\n{BODY}" for line in lines)
    assert sections(text) == [
        ("一、回顾",),
        ("一、回顾", "（一）工业"),
        ("一、回顾", "（二）农业"),
        ("二、安排",),
        ("二、安排", "1. 投资"),
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # （一） may stand above 一、 as well as below it.
        (["（一）形势", "一、工业", "二、农业", "（二）方针"],
         [("（一）形势",), ("（一）形势", "一、工业"), ("（一）形势", "二、农业"),
          ("（二）方针",)]),
        # A count inside a count of the same style.
        (["一、甲", "二、乙", "一、子", "二、丑", "三、寅", "三、丙"],
         [("一、甲",), ("二、乙",), ("二、乙", "一、子"), ("二、乙", "二、丑"),
          ("二、乙", "三、寅"), ("三、丙",)]),
        # A count that starts over, for the heading between was not one.
        (["（一）甲", "（二）乙", "（一）丙", "（二）丁"],
         [("（一）甲",), ("（二）乙",), ("（一）丙",), ("（二）丁",)]),
        # A gap in the count.
        (["一、甲", "二、乙", "四、丁"], [("一、甲",), ("二、乙",), ("四、丁",)]),
        (["第一部分 总论", "第一章 总则", "第一节 目的", "第二章 分则", "第二部分 分论"],
         [("第一部分 总论",), ("第一部分 总论", "第一章 总则"),
          ("第一部分 总论", "第一章 总则", "第一节 目的"), ("第一部分 总论", "第二章 分则"),
          ("第二部分 分论",)]),
        (["I. Review", "1. Industry", "II. Tasks"],
         [("I. Review",), ("I. Review", "1. Industry"), ("II. Tasks",)]),
        (["十、甲", "十一、乙", "二十、丙"], [(), (), ()]),
    ],
)  # fmt: skip
def test_levels_follow_the_count(lines: list[str], expected: list[tuple[str, ...]]) -> None:
    assert sections("\n".join(f"{line}\n{BODY}" for line in lines)) == expected


def test_headings_without_text_go_with_what_follows() -> None:
    cut = passages(f"一、回顾\n（一）工业\n{BODY}")
    assert [(p.section, p.text) for p in cut] == [
        (("一、回顾", "（一）工业"), f"一、回顾\n（一）工业\n{BODY}")
    ]
    assert passages("一、回顾")[0].text == "一、回顾"


def test_a_heading_stays_with_the_first_of_a_long_paragraph() -> None:
    cut = passages(f"一、回顾\n{'甲' * 355}。{'乙' * 200}。")
    assert cut[0].text.startswith("一、回顾\n甲")
    assert all(len(p.text) <= 360 for p in cut)


def test_items_of_lists_are_no_headings() -> None:
    glossary = "名词解释\n1.“两重”：重大战略。\n2.“两新”：设备更新和以旧换新。\n3.银龄：老年人才。"
    assert set(sections(f"一、安排\n{BODY}\n{glossary}")) == {("一、安排",), ("名词解释",)}
    listed = f"一、安排\n{BODY}\n一、改进关系；\n二、发挥作用；\n三、改革体制。\n{BODY}"
    assert set(sections(listed)) == {("一、安排",)}


def test_run_in_headings_of_numbered_paragraphs() -> None:
    text = f"一、回顾\n{BODY}\n（一）聚焦科技引领，创新动能持续增强。{BODY}\n（二）聚焦产业。{BODY}"
    cut = passages(text)
    assert [p.section for p in cut] == [
        ("一、回顾",),
        ("一、回顾", "（一）聚焦科技引领，创新动能持续增强"),
        ("一、回顾", "（二）聚焦产业"),
    ]
    assert cut[1].text.startswith("（一）聚焦科技引领，创新动能持续增强。")


def test_run_in_headings_without_numbers_need_sisters() -> None:
    several = f"一、安排\n{BODY}\n扩大有效投资。{BODY}\n激发消费潜能。{BODY}\n服务经营主体。{BODY}"
    assert sections(several) == [
        ("一、安排",),
        ("一、安排", "扩大有效投资"),
        ("一、安排", "激发消费潜能"),
        ("一、安排", "服务经营主体"),
    ]
    alone = f"一、安排\n{BODY}\n扩大有效投资。{BODY}\n{BODY}\n{BODY}"
    assert set(sections(alone)) == {("一、安排",)}


def test_short_sentences_of_a_story_are_no_headings() -> None:
    story = f"天亮得很早。{BODY}\n他笑了。{BODY}\n雨下个不停。{BODY}"
    assert set(sections(story)) == {()}


def test_run_in_headings_on_lines_of_their_own() -> None:
    lines = ["一、回顾", "生态底色更加亮丽。", "产业基础更加坚实。", "民生福祉持续增进。"]
    text = "\n".join(f"{line}\n{BODY}" for line in lines) + f"\n{BODY}"
    assert sections(text) == [
        ("一、回顾",),
        ("一、回顾", "生态底色更加亮丽"),
        ("一、回顾", "产业基础更加坚实"),
        ("一、回顾", "民生福祉持续增进"),
        ("一、回顾",),
    ]


def test_what_follows_the_last_of_single_paragraphs_belongs_to_the_chapter() -> None:
    items = "\n".join(f"（{n}）某件事情。{BODY}" for n in "一二三")
    text = f"一、回顾\n{BODY}\n{items}\n总的看，成绩很大。{BODY}"
    assert sections(text)[-1] == ("一、回顾",)


def test_a_salutation_belongs_to_the_chapter() -> None:
    text = f"一、回顾\n{BODY}\n（一）甲事\n{BODY}\n{BODY}\n各位代表！{BODY}\n二、安排\n{BODY}"
    assert sections(text)[-2:] == [("一、回顾",), ("二、安排",)]


def test_the_samples_headings() -> None:
    cut = chunk(
        readers.read(SAMPLE.read_bytes(), name="a.txt", max_bytes=10**7),
        document_id="d",
        max_characters=360,
    )
    path = (
        "二、2024年工作安排",
        "（五）全力建设宜居韧性智慧城市，提升特大城市治理水平",
        "提升城市综合功能",
    )
    assert path in [passage.section for passage in cut]
    chapters = {passage.section[0] for passage in cut if passage.section}
    assert chapters == {"一、2023年工作回顾", "二、2024年工作安排", "三、提高政府履职能力和水平"}
    numbered = {p.section[1][:3] for p in cut if len(p.section) > 1 and p.section[0][0] == "二"}
    assert numbered == {f"（{n}）" for n in "一二三四五六七八九"}
    assert not any("皮皮侠" in passage.text for passage in cut)


# Markdown.

MARKDOWN = f"""# The title

Introduction. {BODY}

## Install

### Linux

{BODY}

- one
- two

## Figures

| 指标 | 2023 | 2024 |
|---|---|---|
""" + "".join(f"| 第{i}项指标的名称 | {i}.5% | {i}.8% |\n" for i in range(30))


def test_markdown_paths_leave_the_title_out() -> None:
    found = sections(MARKDOWN, "a.md")
    assert found[0] == ()
    assert ("Install", "Linux") in found
    assert not any("The title" in section for section in found)


def test_later_rows_of_a_table_name_its_header() -> None:
    rows = [p for p in passages(MARKDOWN, "a.md") if p.section[-1:] == ("指标 | 2023 | 2024",)]
    assert len(rows) > 1
    assert all(row.section[0] == "Figures" for row in rows)


def test_the_first_rows_of_a_table_stay_with_its_header() -> None:
    table_text = "| 类别 | 学费 |\n|---|---|\n| 理工 | 5800 |\n| 医学 | 6600 |"
    text = f"# T\n\n说明如下。\n\n## 学费\n\n{table_text}"
    (*_, table) = passages(text, "a.md")
    assert table.text.startswith("学费")
    assert table.text.endswith("| 医学 | 6600 |")
    assert table.section == ("学费", "类别 | 学费")


def test_a_title_and_its_date_open_the_first_passage() -> None:
    page = f"# 招生问答\n\n发布时间：2025-05-28\n\n## 规模\n\n{BODY}\n\n## 规则\n\n{BODY}"
    first = passages(page, "a.md")[0]
    assert first.text.startswith("招生问答\n\n发布时间：2025-05-28\n\n## 规模\n\n")
    assert first.section == ("规模",)


def test_a_title_that_a_menu_parts_from_the_text_is_no_passage() -> None:
    page = f"后勤保障部\n首页 | 餐饮 | 交通 | 投诉\n校车时刻\n{BODY}"
    assert passages(page, "a.txt")[0].text.startswith("校车时刻")
    kept = passages(f"值班电话：8612666\n首页 | 餐饮 | 交通 | 投诉\n{BODY}", "a.txt")
    assert kept[0].text == "值班电话：8612666"


@pytest.mark.parametrize(
    ("title", "expected"), [("转专业 - 教务处", [("条件",)]), ("教务处", [("转专业办法", "条件")])]
)
def test_the_heading_of_a_page_is_its_title_where_its_head_says_so(
    title: str, expected: list[tuple[str, ...]]
) -> None:
    heading = title.split(" - ")[0] if " - " in title else "转专业办法"
    head = f"<html><head><title>{title}</title></head><body>"
    page = f"{head}<p>教务在线</p><h1>{heading}</h1><h2>条件</h2><p>{BODY}</p></body></html>"
    assert sections(page, "a.html")[-1:] == expected


def test_short_lines_set_off_by_blank_lines_are_headings() -> None:
    parts = [f"{name}\n{BODY}" for name in ("早年", "创作", "晚年")]
    assert sections("\n\n".join(["沈归舟", *parts]), "a.txt")[-3:] == [
        ("早年",), ("创作",), ("晚年",),
    ]  # fmt: skip
    assert set(sections("\n\n".join(["沈归舟", *parts[:2]]), "a.txt")) == {()}


def test_numbered_lines_are_headings_in_markdown_without_headings() -> None:
    text = f"# 报告\n\n一、回顾\n\n{BODY}\n\n二、安排\n\n{BODY}"
    assert sections(text, "a.md") == [("一、回顾",), ("二、安排",)]


# Periods.

HEAD = (
    "政府工作报告\n——2024年1月16日在某市人民代表大会上\n"
    "各位代表：\n现在，我代表市人民政府报告工作。\n"
)


def period(heading: str, head: str = HEAD, before: str = "") -> str | None:
    cut = passages(f"{head}{before}{heading}\n{BODY}")
    return cut[-1].period


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("一、2023年工作回顾", "review"),
        ("一、过去一年工作回顾", "review"),
        ("一、关于过去五年的政府工作", "retrospect"),
        ("一、2023年主要工作", "review"),
        ("一、“十三五”时期发展情况", "retrospect"),
        ("一、牢记嘱托，新福建建设取得新成效", "review"),
        ("一、2024年工作安排", "plan"),
        ("一、2024年主要工作", "plan"),
        ("一、关于2024年工作", "plan"),
        ("一、今年经济社会发展的总体要求", "plan"),
        ("一、“十五五”时期工作的主要考虑", "plan"),
        ("一、第十五个五年计划", "plan"),
        ("名词解释", None),
        ("一、关于外交工作", None),
    ],
)
def test_a_chapters_heading_tells_its_period(heading: str, expected: str | None) -> None:
    assert period(heading) == expected


def test_documents_that_are_no_reports_have_no_period() -> None:
    assert period("一、2023年工作回顾", head="公司年会发言\n大家好。\n") is None


def test_chapters_after_the_plan_plan_too() -> None:
    plan = f"一、2023年工作回顾\n{BODY}\n二、2024年工作安排\n{BODY}\n"
    assert period("三、提高政府履职能力和水平", before=plan) == "plan"
    assert period("名词解释", before=plan) is None


def test_a_chapter_of_both_turns_where_the_plan_begins() -> None:
    head = HEAD.replace("2024", "2026")
    text = (
        f"{head}一、“十四五”发展成就和“十五五”主要目标任务\n过去五年，成就很大。{BODY}\n"
        f"“十五五”时期的主要目标是：增长5%。{BODY}\n{BODY}"
    )
    assert [p.period for p in passages(text)] == [None, "retrospect", "plan", "plan"]


@pytest.mark.parametrize(
    ("heading", "paragraphs", "expected"),
    [
        (
            "一、2025年和“十四五”时期工作回顾",
            ["2025年，生产总值增长5%。", "五年来，新建公园120处。", "我们还修了路。"],
            ["review", "retrospect", "retrospect"],
        ),
        (
            "一、过去五年工作回顾",
            ["我们新建公园120处。", "一年来，主要做了以下工作：修了路。", "新建住房2万套。"],
            ["retrospect", "review", "review"],
        ),
        (
            "一、2025年工作回顾",
            ["棉花产量五年来最高。", "“十五五”规划编制完成。", "“十四五”期间修路9公里。"],
            ["review", "review", "retrospect"],
        ),
    ],
)
def test_a_review_of_five_years_is_told_from_one_of_one(
    heading: str, paragraphs: list[str], expected: list[str]
) -> None:
    head = HEAD.replace("2024", "2026")
    text = head + "\n" + heading + "\n\n" + "\n\n".join(p + "做好了。" * 60 for p in paragraphs)
    assert [p.period for p in passages(text)][1:] == expected


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("I. A Review of Our Work in 2023", "review"),
        ("I. 2023 in Review", "review"),
        ("II. Major Tasks for 2024", "plan"),
        ("II. General Work Arrangements for 2024", "plan"),
        ("I. Review of Work in the Past Five Years", "retrospect"),
    ],
)
def test_english_chapters(heading: str, expected: str) -> None:
    text = (
        "REPORT ON THE WORK OF THE GOVERNMENT\nDelivered on March 5, 2024\nFellow Deputies,\n"
        f"On behalf of the State Council, I will report.\n{heading}\n" + "The economy grew. " * 9
    )
    assert passages(text)[-1].period == expected


def test_every_sentence_of_the_sample_is_in_one_passage() -> None:
    parsed = readers.read(SAMPLE.read_bytes(), name="a.txt", max_bytes=10**7)
    cut = chunk(parsed, document_id="d", max_characters=360)
    for start, end in sentences(parsed.text, cut[0].start):
        assert any(p.start <= start and end <= p.end for p in cut) or end - start > 360


# Numbering.


@pytest.mark.parametrize(
    ("line", "style", "number"),
    [
        ("一、回顾", "chinese", 1),
        ("十二、安排", "chinese", 12),
        ("（二十）标题", "bracketed", 20),
        ("(三)标题", "bracketed", 3),
        ("第十一章 附则", "chapter", 11),
        ("第一百二十章 附则", "chapter", 120),
        ("第一百零三章 附则", "chapter", 103),
        ("第二〇章", "chapter", 20),
        ("第3部分 总论", "part", 3),
        ("IV. Tasks", "roman", 4),
        ("IX. Tasks", "roman", 9),
        ("Ⅲ、任务", "roman", 3),
        ("Chapter XII The End", "chapter", 12),
        ("12. Title", "arabic", 12),
        ("3．标题", "arabic", 3),
        ("（4）标题", "bracketed arabic", 4),
        ("⑤标题", "circled", 5),
        ("六是改善民生。", "listed", 6),
        ("第四，提高质量。", "ordinal", 4),
    ],
)
def test_markers(line: str, style: str, number: int) -> None:
    marker = marker_of(line)
    assert marker is not None
    assert (marker.style, marker.number) == (style, number)


@pytest.mark.parametrize(
    "line", ["2.5个百分点", "一些情况", "1月27日", "In 2024", "百、千", "第十", ""]
)
def test_what_is_no_marker(line: str) -> None:
    assert marker_of(line) is None


@pytest.mark.parametrize("unit", ["（一，", "一，", "1 ", "、", "a|b", "长 "])
def test_a_sentence_without_an_end_is_cut_all_the_same(unit: str) -> None:
    check_invariants(read(unit * 4_000), 360)
