"""The evidence beside an answer: what becomes of it when its document changes or goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.factory import Application, open_application
from rag.settings import Settings
from rag_ui.conversation import ChatTurn, answering
from rag_ui.documents import beside, fates
from rag_ui.evidence import evidence
from rag_ui.markup import escape

QUESTION = "合肥市有多少个公园？"


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    with open_application(Settings(data_dir=tmp_path, embedder="ranking-fake")) as opened:
        opened.library.add_bytes("合肥市有公园二十个。".encode(), name="a.txt")
        yield opened


def asked(application: Application) -> tuple[ChatTurn, ...]:
    *_, turns = answering(application.assistant, (), QUESTION)
    assert turns[0].answer is not None
    assert turns[0].answer.hits
    return turns


def test_a_document_that_is_there_needs_no_note(application: Application) -> None:
    turns = asked(application)

    assert fates(application.library, turns) == {}
    assert "since" not in evidence(turns)


def test_an_answer_keeps_its_quotation_when_its_document_changes(application: Application) -> None:
    turns = asked(application)
    application.library.add_bytes("合肥市有公园三十个。".encode(), name="a.txt")
    shown = evidence(turns, fates(application.library, turns))

    assert list(fates(application.library, turns).values()) == ["changed"]
    assert "二十个" in shown
    assert "This document has changed since" in shown


def test_an_answer_keeps_its_quotation_when_its_document_goes(application: Application) -> None:
    turns = asked(application)
    application.library.delete_collection("default")
    shown = evidence(turns, fates(application.library, turns))

    assert list(fates(application.library, turns).values()) == ["gone"]
    assert "二十个" in shown
    assert "This document has been removed since" in shown


class TestBeside:
    """What stands before and after a quoted passage."""

    def test_it_is_shown_with_the_passage(self, application: Application) -> None:
        sections = ["开头 <b>", "合肥市有公园九十九个", "结尾"]
        text = "\n\n".join(f"## 第{n}节\n\n{each}。" for n, each in enumerate(sections))
        application.library.delete_collection("default")
        application.library.add_bytes(text.encode(), name="three.md")
        turns = asked(application)
        neighbours = beside(application.library, turns)
        shown = evidence(turns, beside=neighbours)

        assert [("开头" in before, "结尾" in after) for before, after in neighbours.values()] == [
            (True, True)
        ]
        assert escape("开头 <b>") in shown
        assert shown.count('class="neighbour"') == 2

    def test_a_passage_alone_has_none(self, application: Application) -> None:
        turns = asked(application)
        assert list(beside(application.library, turns).values()) == [("", "")]
        assert "beside" not in evidence(turns, beside=beside(application.library, turns))

    def test_of_a_document_that_is_gone_it_is_not_known(self, application: Application) -> None:
        turns = asked(application)
        application.library.delete_collection("default")
        assert beside(application.library, turns) == {}
        assert "二十个" in evidence(turns, beside={})
