"""A language model's reply, cut into sentences while it arrives."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.composers.reading import SentenceReader


def read(*pieces: str) -> list[tuple[str, tuple[int, ...]]]:
    reader = SentenceReader()
    written = [sentence for piece in pieces for sentence in reader.feed(piece)]
    return [(sentence.text, sentence.cited) for sentence in [*written, *reader.end()]]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("增长5.8%[1]。产量74万辆[2]。", [("增长5.8%。", (1,)), ("产量74万辆。", (2,))]),
        ("增长5.8%。[1]产量74万辆。[2]", [("增长5.8%。", (1,)), ("产量74万辆。", (2,))]),
        ("It grew by 5.8%. [1] So did the U.S. [2]", [("It grew by 5.8%.", (1,))]),
        ("It grew 5.8%.[1] It fell.[2]", [("It grew 5.8%.", (1,)), ("It fell.", (2,))]),
        ("有六家【1】【3】。", [("有六家。", (1, 3))]),
        ("有六家［2］。", [("有六家。", (2,))]),
        ("有六家[1, 2]。", [("有六家。", (1, 2))]),
        ("有六家[1、3]。", [("有六家。", (1, 3))]),
        ("有六家[2-4]。", [("有六家。", (2, 3, 4))]),
        ("有六家[^1]。", [("有六家。", (1,))]),
        ("有六家[1][1]。", [("有六家。", (1,))]),
        ("有六家[[1]2]。", [("有六家。", (1, 2))]),
        ("有六家[99]。", [("有六家。", (99,))]),
        ("有六家。", [("有六家。", ())]),
        ("- **汽车**：74万辆[1]\n- 电池：20GW[2]", [("汽车：74万辆", (1,)), ("电池：20GW", (2,))]),
        ("1. 汽车[1]\n2. 电池[2]", [("汽车", (1,)), ("电池", (2,))]),
        ("# 主要内容\n有六家[1]。", [("主要内容", ()), ("有六家。", (1,))]),
        ("国发[2023]5号文件[1]。", [("国发〔2023〕5号文件。", (1,))]),
        ("", []),
        ("\n \n", []),
        ("[1]", []),
        ("---\n***", []),
        ("<think>想一想[1]。</think>\n\n有六家[1]。", [("有六家。", (1,))]),
        ("\n<think>\n</think>有六家[1]。", [("有六家。", (1,))]),
        ("<think>想不完", []),
        ("<thin", [("<thin", ())]),
        ("有六家\u200b\u202e[1]。", [("有六家。", (1,))]),
    ],
)
def test_sentences_and_what_they_cite(
    reply: str, expected: list[tuple[str, tuple[int, ...]]]
) -> None:
    found = read(reply)
    assert found[: len(expected)] == expected
    assert len(found) == len(expected) or "U.S." in reply


def test_a_sentence_comes_when_the_next_has_begun() -> None:
    reader = SentenceReader()
    assert reader.feed("增长5.8%。") == []
    assert reader.feed("[1") == []
    assert reader.feed("]") == []
    (sentence,) = reader.feed("产")
    assert (sentence.text, sentence.cited) == ("增长5.8%。", (1,))
    assert reader.feed("量74万辆[2]") == []
    (last,) = reader.end()
    assert last.cited == (2,)


PARTS = st.sampled_from(
    [
        *"。！？；.;!?…[]【】［］^,，、-*#()<>“”」\n 1",
        *(
            "增长",
            "5.8%",
            "[1]",
            "[2]",
            "[1-3]",
            "【3】",
            "Grew 5.8%.",
            " U.S. economy",
            "Mr.",
            "e.g.",
        ),
        *(
            "- ",
            "1. ",
            "**",
            "<think>",
            "</think>",
            "think",
            "# ",
            "\r\n",
            "\u200b",
            "2024年",
            "；\n",
        ),
    ]
)
REPLIES = st.lists(PARTS, max_size=16).map("".join)


@given(REPLIES, st.data())
def test_however_a_reply_is_cut_its_sentences_are_the_same(reply: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(reply)), max_size=8)))
    pieces = [reply[start:end] for start, end in pairwise([0, *cuts, len(reply)])]
    assert read(*pieces) == read(reply) == read(*reply)


@given(REPLIES)
def test_no_marker_is_left_in_a_sentence(reply: str) -> None:
    for text, cited in read(reply):
        assert not re.search(r"\[\d+\]", text)
        assert text == text.strip()
        assert text
        assert len(set(cited)) == len(cited)


@given(st.text(max_size=60))
def test_any_text_can_be_read(reply: str) -> None:
    assert read(reply) == read(*reply)
