"""PDF, Word, Excel, EPUB, HTML and CSV files: their structure, and what is refused and why."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from rag import readers
from rag.chunking import chunk
from rag.errors import UnreadableDocument
from rag.text import normalise
from tests import format_samples as samples

if TYPE_CHECKING:
    from rag.schema import ParsedDocument, Passage

ROW = "城市=芜湖 | 地区生产总值（亿元）=4741.1 | 增速=5.7%；"
HEADER = "城市 | 地区生产总值（亿元） | 增速"
PARTS = {
    "工作回顾": ["全市地区生产总值增长百分之五点八，规模以上工业增加值增长百分之十点七。" * 8] * 9,
    "工作安排": ["新增地铁运营里程五十公里，建设公园二十个，改造老旧小区一百个。" * 7] * 9,
}


def read(data: bytes, name: str, limits: readers.ParsingLimits | None = None) -> ParsedDocument:
    parsed = readers.read(
        data, name=name, max_bytes=50_000_000, limits=limits or readers.ParsingLimits()
    )
    assert parsed.text == normalise(parsed.text)
    return parsed


def passages(parsed: ParsedDocument) -> tuple[Passage, ...]:
    return chunk(parsed, document_id="d", max_characters=360)


def blocks(parsed: ParsedDocument, kind: str) -> list[str]:
    return [parsed.text[b.start : b.end] for b in parsed.blocks if b.kind == kind]


def refusal(data: bytes, name: str, limits: readers.ParsingLimits | None = None) -> str:
    with pytest.raises(UnreadableDocument, match=name) as caught:
        read(data, name, limits)
    return str(caught.value)


# Structure.


@pytest.mark.parametrize("bookmarks", [False, True], ids=["sizes", "bookmarks"])
def test_a_pdf_report_has_headings_whole_paragraphs_pages_and_a_table(bookmarks: bool) -> None:
    parsed = read(samples.report_pdf("工作报告", PARTS, bookmarks=bookmarks), "r.pdf")

    assert blocks(parsed, "heading") == ["工作报告", "工作回顾", "工作安排"]
    # Lines are joined without spaces, over pages too; headers and page numbers are not there.
    assert blocks(parsed, "paragraph") == [p for part in PARTS.values() for p in part]
    assert blocks(parsed, "table_row")[0] == HEADER
    assert ROW in blocks(parsed, "table_row")
    last = max(block.page or 0 for block in parsed.blocks)
    assert last >= 4
    assert {block.page for block in parsed.blocks} == set(range(1, last + 1))
    row = passages(parsed)[-1]
    assert row.page == last
    assert row.section == ("工作安排", HEADER)
    assert ROW in row.text


def test_a_passage_keeps_to_the_page_that_it_names() -> None:
    parsed = read(samples.pdf([["第一页的一句话。"], ["第二页的一句话。"]]), "p.pdf")

    assert [(each.page, each.text) for each in passages(parsed)] == [
        (1, "第一页的一句话。"),
        (2, "第二页的一句话。"),
    ]


def test_pages_that_are_all_alike_are_not_taken_for_headers() -> None:
    parsed = read(samples.pdf([["同样的一句话。"]] * 5), "p.pdf")

    assert [each.page for each in passages(parsed)] == [1, 2, 3, 4, 5]


def test_english_lines_are_joined_with_spaces() -> None:
    lines = ["The council will open ten parks this year and", "plant trees along all of its roads."]
    parsed = read(samples.pdf([lines]), "e.pdf")

    assert parsed.text == " ".join(lines)


def test_items_are_items_and_a_table_of_contents_is_no_text() -> None:
    contents = ["Contents", "1 Parks . . . . . . . . 2", "2 Roads ........ 3"]
    items = ["• ten new parks", "• twenty new roads"]
    parsed = read(samples.pdf([contents, items]), "c.pdf")

    assert blocks(parsed, "list_item") == items
    assert [each.text for each in passages(parsed)] == ["Contents", "\n".join(items)]


def test_a_word_file_keeps_headings_lists_and_tables() -> None:
    data = samples.word(
        "# 工作报告", "## 工作安排", "新建公园。", "- 第一件实事", "- 第二件实事", samples.CITIES
    )
    parsed = read(data, "w.docx")

    assert [(b.kind, b.level) for b in parsed.blocks[:4]] == [
        ("heading", 1),
        ("heading", 2),
        ("paragraph", 0),
        ("list_item", 0),
    ]
    assert blocks(parsed, "list_item") == ["第一件实事", "第二件实事"]
    assert passages(parsed)[-1].section == ("工作安排", HEADER)
    assert ROW in passages(parsed)[-1].text


def test_a_workbook_is_shown_as_excel_shows_it() -> None:
    rows = [
        ("2023年各市主要指标", None, None),
        ("城市", "日期", "增速"),
        ("合肥", dt.datetime(2024, 1, 16), 0.058),
    ]
    data = samples.workbook({"各市": rows, "Sheet2": [("甲", 1.5), ("乙", 2)]}, formats="0.0%")
    parsed = read(data, "b.xlsx")

    assert parsed.text.split("\n") == [
        "各市",
        "2023年各市主要指标",
        "城市 | 日期 | 增速",
        "城市=合肥 | 日期=2024-01-16 | 增速=5.8%；",
        "甲 | 150.0%",  # without a header rows stand as they are
        "乙 | 200.0%",
    ]
    assert parsed.metadata == {"title": "b"}


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_of_text_is_read_with_any_separator(separator: str, encoding: str) -> None:
    text = "\r\n".join(separator.join(row) for row in samples.CITIES)
    parsed = read(text.encode(encoding), "t.csv")

    assert blocks(parsed, "table_row")[0] == HEADER
    assert ROW in blocks(parsed, "table_row")


def test_a_quoted_cell_may_hold_separators_and_line_ends() -> None:
    parsed = read(b'Name,Note\nA,"one, two\nthree"\n', "t.csv")

    assert parsed.text.split("\n")[1] == "Name=A | Note=one, two three;"


PAGE = """<!DOCTYPE html><html><head><title>市政府 报告</title><style>p {{ color: red }}</style>
<meta charset="{charset}"></head><body><nav><a href="/">首页</a></nav>
<h1>工作报告</h1><h2>工作安排</h2><div>新建<b>公园</b>20个。<script>alert(1)</script><br>改造小区。
<p hidden>看不见的话</p><p style="display: none">也看不见</p></div>
<ul><li>第一件<!-- 注 -->实事</li><li><p>第二件实事</p></li></ul>
<table><tr><th>城市</th><th>增速</th></tr><tr><td>合肥</td><td>5.8%</td></tr></table>
<pre>code  one
code two</pre><footer>版权所有</footer></body></html>"""


@pytest.mark.parametrize("charset", ["utf-8", "gb2312", "gb18030", "big5"])
def test_a_web_page_is_its_content_in_the_encoding_it_declares(charset: str) -> None:
    page = PAGE.format(charset=charset)
    if charset == "big5":
        page = page.translate(str.maketrans("两个实报", "兩個實報")).replace("报", "報")
        page = page.encode("big5", "ignore").decode("big5")
    parsed = read(page.encode("gb18030" if charset == "gb2312" else charset), "p.html")

    assert "首页" not in parsed.text
    assert "看不见" not in parsed.text
    assert "alert" not in parsed.text
    if charset != "big5":
        assert parsed.metadata == {"title": "市政府 报告"}
        assert [(b.kind, parsed.text[b.start : b.end]) for b in parsed.blocks] == [
            ("heading", "工作报告"),
            ("heading", "工作安排"),
            ("paragraph", "新建公园20个。"),
            ("paragraph", "改造小区。"),
            ("list_item", "第一件实事"),
            ("list_item", "第二件实事"),
            ("table_row", "城市 | 增速"),
            ("table_row", "城市=合肥 | 增速=5.8%；"),
            ("paragraph", "code one"),
            ("paragraph", "code two"),
        ]


def test_a_table_that_only_lays_out_a_page_is_no_table() -> None:
    page = "<table><tr><td><h1>标题</h1></td><td><p>一段。</p><p>二段。</p></td></tr></table>"
    parsed = read(page.encode(), "l.htm")

    assert blocks(parsed, "heading") == ["标题"]
    assert blocks(parsed, "paragraph") == ["一段。", "二段。"]


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    data = samples.epub(
        "红楼梦", ["<h1>第一回</h1><p>甄士隐。</p>", "<h1>第二回</h1><p>贾夫人。</p>"]
    )
    parsed = read(data, "b.epub")

    assert parsed.text == "第一回\n甄士隐。\n第二回\n贾夫人。"
    assert parsed.metadata == {"title": "红楼梦"}
    assert passages(parsed)[-1].section == ("第二回",)


# By signature, then by suffix.


@pytest.mark.parametrize("name", ["r.txt", "r.docx", "r", "r.unknown"])
def test_content_wins_over_the_name(name: str) -> None:
    assert read(samples.pdf([["一句话。"]]), name).text == "一句话。"


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"<!DOCTYPE html><p>404</p>", "a.pdf", r"is named .pdf, but by its content it is"),
        (b"\x89PNG\r\n\x1a\n", "a.docx", "it is a PNG image"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "a.xlsx", "is encrypted"),
        (b"\xd0\xcf\x11\xe0old", "a.docx", "it is an old Office file"),
        (b"", "a.pdf", "is empty (0 bytes)"),
        (b"", "a.html", "is empty (0 bytes)"),
        (b"<html><body><nav>x</nav></body></html>", "a.html", "holds no text"),
        (b"\x00\x01\x02" * 100, "a.html", "is binary data"),
    ],
)
def test_a_suffix_that_promises_something_else_is_refused(
    data: bytes, name: str, says: str
) -> None:
    assert says in refusal(data, name)


# What is refused, and why.


def test_a_scan_says_that_it_has_no_text() -> None:
    assert "has no text layer; 12 pages of images" in refusal(samples.image_pdf(12), "scan.pdf")


def test_an_encrypted_pdf_is_refused() -> None:
    data = samples.pdf([["一句话。"]], password="secret")  # noqa: S106 - the test's own

    assert "is encrypted with a password" in refusal(data, "locked.pdf")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_files_that_are_cut_off_are_refused(share: float) -> None:
    for name, data in {
        "a.pdf": samples.report_pdf("工作报告", PARTS, bookmarks=False),
        "a.docx": samples.word("# 工作报告", "一句话。"),
        "a.xlsx": samples.workbook({"一": samples.CITIES}),
        "a.epub": samples.epub("书", ["<p>一句话。</p>"]),
    }.items():
        says = refusal(data[: int(share * len(data))], name)
        assert "cut off" in says or "by its content" in says


@pytest.mark.parametrize("name", ["a.docx", "a.xlsx", "a.epub"])
def test_archives_that_hold_no_document_are_refused(name: str) -> None:
    part = {"a.docx": "word/x", "a.xlsx": "xl/x", "a.epub": "epub"}[name]

    assert "that can be read" in refusal(samples.packed({part: b"x"}), name)


def test_a_zip_bomb_is_not_unpacked() -> None:
    bomb = samples.packed({"word/document.xml": bytes(200_000_000)})
    assert len(bomb) < 1_000_000

    assert "would unpack to 191 MB" in refusal(bomb, "bomb.docx")


def test_more_pages_than_the_limit_are_refused() -> None:
    data = samples.pdf([["一句话。"]] * 4)

    says = refusal(data, "long.pdf", readers.ParsingLimits(pages=3))
    assert "has 4 pages; up to 3 are read" in says


def test_a_web_page_nested_without_end_is_refused() -> None:
    page = "<div>" * 100_000 + "一句话。" + "</div>" * 100_000

    assert "nothing but its structure" in refusal(page.encode(), "deep.html")
