"""The filter box of the page: what it offers, and what is asked with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rag.factory import Application, open_application
from rag.settings import Settings
from rag_ui.conversation import ChatTurn, answering
from rag_ui.filters import boxes, chosen, offered
from rag_ui.messages import messages

if TYPE_CHECKING:
    from rag.schema import Metadata

QUESTION = "有多少个公园？"


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    with open_application(Settings(data_dir=tmp_path, embedder="ranking-fake")) as opened:
        yield opened


def add(application: Application, text: str, **metadata: str | int) -> None:
    given: Metadata = metadata
    application.library.add_bytes(f"{text}。".encode(), name=f"{text}.txt", metadata=given)


def shown(application: Application, *values: str) -> list[tuple[bool, str, list[Any]]]:
    """Of each box: whether it is visible, its value, and what can be chosen."""
    return [
        (box.visible, box.value, [value for _, value in box.choices])
        for box in offered(application.assistant, *values)
    ]


def test_where_there_is_nothing_to_choose_there_is_no_box(application: Application) -> None:
    assert [box.visible for box in boxes()] == [False, False]
    assert shown(application, "", "") == [(False, "", [""]), (False, "", [""])]
    add(application, "合肥市有公园二十个", place="合肥市", year=2024)
    assert [visible for visible, _, _ in shown(application, "", "")] == [False, False]


def test_places_and_years_are_offered_in_order(application: Application) -> None:
    add(application, "合肥市有公园二十个", place="合肥市", year=2024)
    add(application, "芜湖市有公园三十个", place="芜湖市", year=2023)
    add(application, "某地有公园四十个", year=2023)
    assert shown(application, "芜湖市", "2024") == [
        (True, "芜湖市", ["", "合肥市", "芜湖市"]),
        (True, "2024", ["", "2023", "2024"]),
    ]
    # What the library does not have any more cannot stay chosen.
    assert [value for _, value, _ in shown(application, "上海市", "1999")] == ["", ""]


@pytest.mark.parametrize(
    ("place", "year", "filters"),
    [
        ("", "", {}),
        ("合肥市", "", {"place": "合肥市"}),
        ("合肥市", "2024", {"place": "合肥市", "year": 2024}),
    ],
)
def test_what_is_chosen_is_a_filter(place: str, year: str, filters: dict[str, Any]) -> None:
    assert chosen(place, year) == filters


def test_a_question_keeps_to_what_is_chosen_and_shows_it(application: Application) -> None:
    add(application, "合肥市有公园二十个", place="合肥市", year=2024)
    add(application, "芜湖市有公园三十个", place="芜湖市", year=2023)
    turns: tuple[ChatTurn, ...] = ()
    *_, turns = answering(application.assistant, turns, QUESTION, filters=chosen("芜湖市", "2023"))
    assert turns[0].answer is not None
    assert {hit.metadata["place"] for hit in turns[0].answer.hits} == {"芜湖市"}
    *_, turns = answering(application.assistant, turns, QUESTION)
    asked = [each for each in messages(turns) if each["role"] == "user"]
    assert "芜湖市 · 2023" in str(asked[0]["content"])
    assert "note" not in str(asked[1]["content"])
