"""Files to text and blocks: encodings, refusals, lines, Markdown, boilerplate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import readers
from rag.errors import UnreadableDocument
from rag.text import normalise
from tests.conftest import SAMPLE

if TYPE_CHECKING:
    from rag.schema import ParsedDocument

REPORT = (
    "各位代表：现在，我代表市人民政府向大会报告工作，请予审议。过去一年，全市地区生产总值增长5.8%，"
    "规模以上工业增加值增长10%以上，城乡居民收入稳步提高。"
)
TRADITIONAL = (
    "各位代表：現在，我代表市人民政府向大會報告工作，請予審議。過去一年，全市地區生產總值增長5.8%，"
    "規模以上工業增加值增長10%以上，城鄉居民收入穩步提高。"
)


def read(data: bytes | str, name: str = "note.txt", max_bytes: int = 10_000_000) -> ParsedDocument:
    if isinstance(data, str):
        data = data.encode()
    return readers.read(data, name=name, max_bytes=max_bytes)


def texts(parsed: ParsedDocument, kind: str | None = None) -> list[str]:
    return [parsed.text[b.start : b.end] for b in parsed.blocks if kind in {None, b.kind}]


# Encodings.


@pytest.mark.parametrize(
    "encoding",
    [
        *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"),
        *("gb18030", "gbk"),
    ],
)
@pytest.mark.parametrize("characters", [8, 30, len(REPORT)])
def test_simplified_text_is_read_in_any_encoding(encoding: str, characters: int) -> None:
    text = REPORT[:characters]
    assert read(text.encode(encoding)).text == text


@pytest.mark.parametrize("encoding", ["utf-8", "big5", "gb18030", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("characters", [8, 30, len(TRADITIONAL)])
def test_traditional_text_is_read_in_any_encoding(encoding: str, characters: int) -> None:
    text = TRADITIONAL[:characters]
    assert read(text.encode(encoding)).text == text


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-be", "utf-32-be"])
def test_the_sample_in_other_encodings(encoding: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    assert read(text.encode(encoding)) == read(text)


def test_the_sample_in_traditional_characters_and_big5() -> None:
    from opencc import OpenCC

    text = SAMPLE.read_text(encoding="utf-8")
    data = OpenCC("s2t").convert(text).encode("big5", "ignore")
    assert read(data) == read(data.decode("big5"))


@pytest.mark.parametrize(
    ("word", "encoding"),
    [("合肥市", "gb18030"), ("政府工作", "gbk"), ("報告工作", "big5"), ("城鄉居民", "big5")],
)
def test_a_word_is_enough_to_tell_gb_from_big5(word: str, encoding: str) -> None:
    assert read(word.encode(encoding)).text == word


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Le café était fermé, où est la bibliothèque municipale? Voilà.", "latin-1"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy. Město má nové nádraží a školu.", "cp1250"),
        ("日本語の文章です。これは文字コードの試験であり、正しく読まれるべきです。", "shift_jis"),
        ("안녕하세요. 이것은 한국어 문장입니다. 문자 인코딩 시험을 위한 것입니다.", "euc-kr"),
        ("Это русский текст для проверки кодировки. Он читается правильно.", "cp1251"),
        ("plain English in two-byte units", "utf-16-le"),
    ],
)
def test_other_languages_are_not_mistaken_for_chinese(text: str, encoding: str) -> None:
    assert read(text.encode(encoding)).text == text


def test_line_ends_and_invisible_characters_are_normalised_once() -> None:
    parsed = read(f"一行\r\n二行\u200b\r三行{REPORT * 2}\x07".encode("utf-16"))
    assert parsed.text == f"一行\n二行\n三行{REPORT * 2}"
    assert normalise(parsed.text) == parsed.text


# Refusals.


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", r"note\.txt is empty \(0 bytes\)"),
        (b" \n\t\r\n", r"note\.txt holds only white space \(5 bytes\)"),
        ("\u3000\n".encode(), "holds only white space"),
        (b"\xef\xbb\xbf", "holds only white space"),
        (b"%PDF-1.7\n1 0 obj", r"is cut off: its 16 bytes do not end as a PDF file does"),
        (b"PK\x03\x04\x14\x00word/document.xml", "is cut off or damaged"),
        (b"PK\x03\x04\x14\x00ppt/slides", r"is a PowerPoint.*by its content.*Save it as UTF-8"),
        (b"PK\x03\x04\x14\x00something", "is a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "is an old Office file"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG image"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "is a JPEG image"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "is a WebP image"),
        (b"SQLite format 3\x00", "is a SQLite database"),
        (
            bytes(i * i % 256 for i in range(4_000)),
            r"is binary data: \d+ of its 4,000 bytes are zero",
        ),
        (b"text \x01\x02\x03\x04\x05\x06 text", r"is binary data: 3\d% control characters"),
        (bytes(range(0x80, 0x100)) * 20, "is in no text encoding that was recognised"),
    ],
)
def test_what_is_no_text_is_refused_by_name(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says):
        read(data)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5"])
def test_a_damaged_file_is_refused_rather_than_misread(encoding: str) -> None:
    data = (TRADITIONAL if encoding == "big5" else REPORT).encode(encoding)
    with pytest.raises(
        UnreadableDocument, match=rf"reads as {encoding}, but byte \d+ does not fit"
    ):
        read(data + b"\xff\xff" + data)


def test_a_file_cut_off_in_a_character_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match=r"reads as utf-8, but byte \d+.*cut off"):
        read(REPORT[:20].encode()[:-1])
    with pytest.raises(UnreadableDocument, match=r"begins with the mark of utf-16 but byte"):
        read("合肥".encode("utf-16")[:-1])


def test_unknown_formats_name_the_known_ones() -> None:
    with pytest.raises(UnreadableDocument, match=r"photo\.exe is a \.exe file\. Expected one of: "):
        read(b"text", name="photo.exe")
    with pytest.raises(UnreadableDocument, match=r"README is a file without a suffix.*\.md"):
        read(b"text", name="README")


def test_a_file_over_the_limit_is_refused_with_both_numbers() -> None:
    with pytest.raises(UnreadableDocument, match=r"has 1,001 bytes; at most 1,000 are allowed"):
        read(b"a" * 1_001, max_bytes=1_000)


def test_suffixes_are_read_in_any_case_and_from_any_path() -> None:
    assert {".txt", ".md"} <= readers.supported_suffixes()
    assert read("text", name="C:\\folder.d\\NOTE.TXT").text == "text"
    assert texts(read("# Title", name="a/b.MD"), "heading") == ["Title"]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parsed = read(data)
    except UnreadableDocument:
        return
    assert parsed.blocks
    assert parsed.text == normalise(parsed.text)


# Lines of plain text.


def test_each_line_of_a_chinese_file_is_a_paragraph() -> None:
    parsed = read("一、标题\n\n　　第一段。\n第二段。  \n")
    assert texts(parsed) == ["一、标题", "第一段。", "第二段。"]
    assert {block.kind for block in parsed.blocks} == {"paragraph"}


WRAPPED = """It is a truth universally acknowledged, that a single man in possession
of a good fortune, must be in want of a wife. However little known the
feelings or views of such a man may be on his first entering a
neighbourhood, this truth is so well fixed in the minds of the
surrounding families.

"My dear Mr. Bennet," said his lady to him one day, "have you heard that
Netherfield Park is let at last?" Mr. Bennet replied that he had not
heard of it until then.
"""


def test_paragraphs_wrapped_at_a_width_are_one_block_each() -> None:
    parsed = read(WRAPPED)
    assert len(parsed.blocks) == 2
    assert "in possession of a good fortune" in parsed.text
    assert len(parsed.text) == len(WRAPPED)


def test_offsets_into_unwrapped_text_are_offsets_into_the_file() -> None:
    parsed = read(WRAPPED)
    assert re.sub(r"\s", " ", parsed.text) == re.sub(r"\s", " ", WRAPPED)


def test_list_items_in_wrapped_text_stay_apart() -> None:
    text = WRAPPED + "\n- the first item of a list that is quite long, so that it fills up\n- two\n"
    assert texts(read(text))[-2:] == [
        "- the first item of a list that is quite long, so that it fills up",
        "- two",
    ]


def test_wrapped_chinese_is_joined_where_lines_are_cut_at_one_width() -> None:
    paragraph = "我们坚持以人民为中心的发展思想推动高质量发展不断取得新的成效" * 8
    width = 50
    wrapped = "\n".join(paragraph[i : i + width] for i in range(0, len(paragraph), width))
    parsed = read(wrapped)
    assert len(parsed.blocks) == 1


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        ("制定并颁布了《\n重大动物疫情应急条例》等法规。", True),
        ("规划纲要（草案）\n》已提请大会审议。", True),
        ("严格落实中央八项规定精神，\n持续纠治“四风”，为基层减负。", True),
        ("今年经济社会发展的\n主要预期目标\n是：增长5%。", True),
        ("成效明显，PM\n2.5\n年平均浓度保持在20微克。", True),
        ("一、2023年工作回顾\n刚刚过去的一年，成绩很大。", False),
        ("实现伟大目标！\n》》点击图片进入专题", False),
        ("第一段。\n第二段。", False),
        ("The meeting has been moved to ten o'clock in the\nmorning, so come early.", True),
        ("growth of over 6 percent this year\nover 11 million new urban jobs", False),
        ("Two roads diverged in a yellow wood,\nAnd sorry I could not travel both", False),
    ],
)
def test_a_break_inside_a_sentence_means_nothing(lines: str, joined: bool) -> None:
    parsed = read(lines)
    assert (len(parsed.blocks) == 1) is joined
    assert parsed.text == (lines.replace("\n", " ") if joined else lines)


# Markdown.

MARKDOWN = """---
title: "Handbook"
date: 2024-01-16
author: nobody
---
# The Handbook

A paragraph that is wrapped
over two lines.

## Install ##

- item one
  continues
- item two

| 指标 | 2023 |
|------|------|
| GDP  | 5.8% |

```python
x = 1
```

<!-- a remark -->

Second
------

> quoted
"""


def test_markdown_blocks_are_spans_of_the_source() -> None:
    parsed = read(MARKDOWN, name="handbook.md")
    assert [(b.kind, b.level, parsed.text[b.start : b.end]) for b in parsed.blocks] == [
        ("heading", 1, "The Handbook"),
        ("paragraph", 0, "A paragraph that is wrapped over two lines."),
        ("heading", 2, "Install"),
        ("list_item", 0, "- item one   continues"),
        ("list_item", 0, "- item two"),
        ("table_row", 0, "| 指标 | 2023 |\n|------|------|"),
        ("table_row", 0, "| GDP  | 5.8% |"),
        ("paragraph", 0, "```python\nx = 1\n```"),
        ("boilerplate", 0, "<!-- a remark -->"),
        ("heading", 2, "Second"),
        ("paragraph", 0, "> quoted"),
    ]
    assert len(parsed.text) == len(MARKDOWN)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("**押金100元**，*免费*", "押金100元，免费"),
        ("**a** and __b__ and *c\nd*", "a and b and c d"),
        ('[首页](/) » [指南](/zn "报考") » 正文 2', "首页 » 指南 » 正文 2"),
        ("See [the list](https://a.example/list).", "See [the list](https://a.example/list)."),
        ("`**x**` and 2 * 3 * 4", "`**x**` and 2 * 3 * 4"),
        ("a \\*mark and **what is beside it**", "a \\*mark and **what is beside it**"),
    ],
)
def test_marks_of_emphasis_are_left_out(source: str, text: str) -> None:
    parsed = read(f"# *T*\n\n{source}\n\n- **x** y", name="a.md")
    assert texts(parsed) == ["T", text, "- x y"]
    assert parsed.text == f"# T\n\n{text}\n\n- x y"


@given(st.text(alphabet='ab *_[]()`\\\\!<>&;/:|-#\n"', max_size=60))
def test_a_text_is_its_source_without_some_of_the_marks(source: str) -> None:
    parsed = read(f"start\n\n{source}\n\nend", name="a.md")
    end = 0
    for block in parsed.blocks:
        assert end <= block.start < block.end <= len(parsed.text)
        end = block.end
    left = iter(f"start\n\n{source}\n\nend".replace("\n", " "))
    assert all(character in left for character in parsed.text.replace("\n", " "))
    assert texts(parsed)[0].startswith("start")


def test_front_matter_gives_metadata_and_no_block() -> None:
    parsed = read(MARKDOWN, name="handbook.md")
    assert dict(parsed.metadata) == {"title": "Handbook", "date": "2024-01-16"}


@given(
    st.lists(
        st.sampled_from(["# a", "text", "- x", "  - y", "| a | b |", "|---|---|", "```", "> q", "",
                         "1. n", "***", "a\n===", "<div>", "    code", "[r]: http://x.y"]),
        max_size=30,
    )
)  # fmt: skip
def test_markdown_blocks_are_in_order_and_apart(lines: list[str]) -> None:
    source = "\n".join(["start", *lines])
    parsed = read(source, name="a.md")
    assert len(parsed.text) == len(source)
    end = 0
    for block in parsed.blocks:
        assert end <= block.start < block.end <= len(parsed.text)
        assert parsed.text[block.start : block.end].strip() == parsed.text[block.start : block.end]
        end = block.end


# Boilerplate.

BODY = "\n".join(
    f"第{i}段讲的是城市建设和产业发展，内容相当充实，文字也不算少。" * 3 for i in range(12)
)


def boilerplate(text: str, name: str = "note.txt") -> list[str]:
    return texts(read(text, name=name), "boilerplate")


def test_the_vendors_watermark_of_the_sample_is_boilerplate() -> None:
    parsed = read(SAMPLE.read_bytes())
    marked = texts(parsed, "boilerplate")
    assert len(marked) == 4
    assert all("数据皮皮侠" in line for line in marked)
    assert not any("皮皮侠" in line for line in texts(parsed, "paragraph"))
    assert parsed.text.startswith("更多数据尽在数据皮皮侠")


@pytest.mark.parametrize(
    ("head", "tail", "count"),
    [
        ("更多报告尽在报告之家（https://www.baogao.example.com）\n", "", 1),
        ("本文档由【资料铺】整理分享\n更多资料请关注公众号【资料铺】\n", "", 2),
        ("", "\n扫码关注公众号【年报库】\n更多年报请访问 www.nianbaoku.com 【年报库】", 2),
        ("Downloaded from https://www.example.com/files\n", "", 1),
    ],
)
def test_advertisements_of_other_vendors_are_boilerplate(head: str, tail: str, count: int) -> None:
    assert len(boilerplate(f"{head}{BODY}{tail}")) == count


LYRICS = "\n".join(["啦啦啦啦，我们一起走", "更多的爱在心头", "啦啦啦啦，我们一起走"] * 20)
README = (
    """# Tool

For more information visit https://tool.example.org or follow us.

## Download

- [Download](https://tool.example.org/download)
- [More](https://tool.example.org/more)

"""
    + "It does one thing and does it well, as the following shows. " * 12
    + """

Subscribe to the list at https://lists.example.org.
"""
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (BODY, "a.txt"),
        ("记得看 https://example.com 上的通知，关注公众号【通知】。", "note.txt"),
        (f"{BODY}\n扫码关注“合肥发布”微信公众号\n{BODY}", "middle.txt"),
        (f"通知公告\n{BODY}\n详情请见市政府网站 www.hefei.gov.cn", "news.txt"),
        (f"市民可以扫码关注公众号“智慧医疗”，在线预约挂号，也可以下载手机应用。\n{BODY}", "b.txt"),
        (LYRICS, "song.txt"),
        (README, "README.md"),
        ("\n".join(f"{i}\n{'诗句' * 20}" for i in range(1, 20)), "poems.txt"),
        ("\n".join(["大", "小", "问答如下。" * 100]), "sizes.txt"),
    ],
)
def test_documents_without_advertisements_lose_nothing(text: str, name: str) -> None:
    assert boilerplate(text, name) == []


def test_a_web_pages_controls_are_boilerplate() -> None:
    head = "当前位置：\n首页\n>\n政务信息\n>\n要闻\n政府工作报告\n字号：\n大\n中\n小\n"
    tail = "\n扫一扫在手机打开当前页\n【\n打印本页\n】\n【\n关闭窗口\n】"
    parsed = read(f"{head}{BODY}{tail}")
    assert texts(parsed, "paragraph") == ["政府工作报告", *BODY.split("\n")]


PARAGRAPH = "学生在第一学年末可申请转专业，转出不设门槛，转入须通过接收学院的考核。"


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        ("首页 | 餐饮 | 公寓 | 交通 | 投诉建议\n", ""),
        ("您的位置：首页 » 报考指南 » 正文\n", ""),
        ("首页>>奖学金>>校级奖学金\n", ""),
        ("澄湖市政务服务网 > 映月区 > 公安 > 户政\n", ""),
        ("学校概况 / 章程 / 转专业办法\n转专业办法\n", ""),
        ("Registrar  |  Forms  |  Calendar  |  Log in\nHome > Registrar > Rules\n", ""),
        ("", "\n上一篇：关于开放日的通知  下一篇：招生简章"),
        ("", "\n分享到：微信 | 微博 | QQ空间　【打印】【关闭窗口】"),
        ("", "\n[我要办理] [收藏] [好差评 4.9分]"),
        ("", "\n友情链接：教育考试院 | 阳光高考 | 学信网\n© 2025 招生处 All Rights Reserved"),
        ("", "\n相关文章：\n· 扫码使用说明   · 更换门锁的通知"),
        ("", "\nPage ID 30977 - Last modified 2024/07/16 - Print this page - Share on X"),
        ("", "\nNews · Intranet · © Lanjiang University 2025"),
    ],
)
def test_menus_paths_and_imprints_of_short_pages_are_boilerplate(head: str, tail: str) -> None:
    kept = texts(read(f"{head}{PARAGRAPH}{tail}"), "paragraph")
    assert [line for line in kept if line != "转专业办法"] == [PARAGRAPH]


@pytest.mark.parametrize(
    "text",
    [
        f"{PARAGRAPH}\n咨询电话：0599-8612030　邮箱：zsb@qingwu.example",
        f"{PARAGRAPH}\n地址：临溪市青岩路188号 | 邮编：353100 | 网站地图",
        f"{PARAGRAPH}\nOffice hours: Wednesdays 10:00–12:00 · brandt@lanjiang.example · Search",
        f"发布时间：2025-05-28　来源：招生办公室　浏览次数：18427\n{PARAGRAPH}",
        f"{PARAGRAPH}\n流程：申请 > 受理 > 审核 > 发证",
        f"参赛队 | 积分 | 名次\nHome | 3 | 1\nAway | 2 | 2\n{PARAGRAPH}",
        "张三 | 李四 | 王五 | 赵六\n名单如下。",
        f"A > B > C\n{PARAGRAPH}",
        "npm repo [<pkgname> [<pkgname> ...]]\nOpens the page of a package.",
        f"{PARAGRAPH}\n编辑 王芳 审核 李明",
        f"{PARAGRAPH}\n语文 | 数学 | English | 物理",
        f"{PARAGRAPH}\nHome | Away | Draw",
        "春眠不觉晓\n处处闻啼鸟\n夜来风雨声\n花落知多少",
        "Copyright (c) 2014 The Authors\nPermission is granted to use this, free of charge.",
        "首页 | 新闻 | 联系我们",
        "上一条河的水质已经改善。\n首页的设计由学生完成，版权所有人是学校。",
    ],
)
def test_what_people_ask_a_page_for_is_kept(text: str) -> None:
    assert boilerplate(text) == []


def test_entries_before_a_pages_heading_are_its_menu() -> None:
    menu = "<ul><li>首页</li><li>政策章程</li><li>历年分数</li><li>联系我们</li></ul>"
    page = f"{menu}<p>学院概况 师资队伍 人才培养 科学研究</p><h1>转专业</h1><p>{PARAGRAPH}</p>"
    parsed = read(page, name="a.html")
    kept = [block.kind for block in parsed.blocks if block.kind != "boilerplate"]
    assert kept == ["heading", "paragraph"]
    later = read(
        "<h1>学院</h1><ul><li>文</li><li>理</li><li>工</li><li>首页</li></ul>", name="b.html"
    )
    assert texts(later, "boilerplate") == []


def test_page_numbers_that_count_on_and_running_titles_are_boilerplate() -> None:
    paragraphs = BODY.split("\n")
    pages = "\n".join(
        "\n".join([*paragraphs[3 * i : 3 * i + 3], "内部资料 注意保存", f"第 {i + 1} 页 共 4 页"])
        for i in range(4)
    )
    parsed = read(pages)
    assert texts(parsed, "paragraph") == paragraphs
    assert len(texts(parsed, "boilerplate")) == 8


def test_a_paragraph_is_not_joined_across_an_advertisement() -> None:
    advertisement = "更多报告尽在报告之家（https://www.baogao.example.com）"
    parsed = read(f"今年经济社会发展的\n{advertisement}\n主要目标如下。\n{BODY}")
    assert texts(parsed)[:3] == ["今年经济社会发展的", advertisement, "主要目标如下。"]
