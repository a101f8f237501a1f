"""Questions that hardly ask anything, or in a language the documents do not speak: refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from rag.factory import open_application
from rag.settings import Settings
from tests.conftest import SAMPLE

if TYPE_CHECKING:
    from rag.assistant import Assistant


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """Of the sample report, with the bundled model: a fake finds likeness everywhere."""
    folder = tmp_path_factory.mktemp("odd") / "index"
    with open_application(Settings(data_dir=folder)) as application:
        application.library.add_paths([SAMPLE])
        yield application.assistant


@pytest.mark.parametrize("question", ["a", "7", "x", "啊", "Ω"])
def test_one_character_that_says_nothing_is_refused(assistant: Assistant, question: str) -> None:
    refusal = assistant.ask(question).refusal
    assert refusal is not None
    assert refusal.code in {"no_evidence", "weak_evidence"}


def test_space_inside_a_name_in_quotation_marks_does_no_harm(assistant: Assistant) -> None:
    assert assistant.ask("“ 巢湖  明月 ”是什么？").answer


@pytest.mark.parametrize(
    "question",
    [
        "რამდენი პარკი აშენდა?",
        "பொருளாதார வளர்ச்சி இலக்கு என்ன?",
        "ဂျီဒီပီ ဘာလဲ",
        "Քանի՞ զբոսայգի է կառուցվել",
    ],
)
def test_a_language_that_nobody_here_speaks_is_refused(assistant: Assistant, question: str) -> None:
    refusal = assistant.ask(question).refusal
    assert refusal is not None
    assert refusal.code in {"no_evidence", "weak_evidence"}
    assert refusal.message.startswith(("Nothing about", "Nothing in the documents"))


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Сколько парков построено?", "新建公园游园61个"),
        ("Πόσα πάρκα χτίστηκαν;", "新建公园游园61个"),
        ("आर्थिक विकास का लक्ष्य क्या है?", "地区生产总值增长6%左右"),
        ("เป้าหมายการเติบโตทางเศรษฐกิจคืออะไร", "地区生产总值增长6%左右"),
        ("ما هو هدف النمو؟", "地区生产总值增长6%左右"),
        ("경제 성장 목표는 얼마입니까?", "地区生产总值增长6%左右"),
        ("Quel est l'objectif de croissance du PIB ?", "地区生产总值增长6%左右"),
        ("昨年、新エネルギー車は何台生産されましたか？", "新能源汽车产量74万辆"),
    ],
)
def test_a_language_that_the_documents_do_not_speak_is_understood(
    assistant: Assistant, question: str, told: str
) -> None:
    assert told in assistant.ask(question).answer


@pytest.mark.parametrize("question", ["？", "！？……", "...", "🙂"])
def test_a_search_for_no_word_gives_a_result_all_the_same(
    assistant: Assistant, question: str
) -> None:
    assert assistant.search(question).query == question
