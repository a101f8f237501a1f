"""The page where a language model words the answers: its words, its failures, and the choice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from rag.settings import Settings
from tests.browser.conftest import page_served
from tests.conftest import SAMPLE
from tests.llm_samples import MODEL, Gate, ModelServer, model_server, says, status

pytestmark = pytest.mark.browser

Open: TypeAlias = Callable[..., Any]
Ask: TypeAlias = Callable[[Any, str], None]

CARS = "2023年新能源汽车产量是多少？"
SENTENCE = "2023年合肥新能源汽车产量74万辆，位居全国前5。"
QUOTED = "「新能源汽车产量74万辆、位居全国前5」"


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


@pytest.fixture(scope="module")
def address(
    tmp_path_factory: pytest.TempPathFactory, sample_embedder: str, model: ModelServer
) -> Iterator[str]:
    """Where the product is served with a language model."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("worded") / "index",
        embedder=sample_embedder,
        llm_base_url=model.base_url,
        llm_model=MODEL,
    )
    with page_served(settings, lambda application: application.assistant) as (where, application):
        application.library.add_paths([SAMPLE])
        yield where


def words(page: Any, reply: int) -> Any:
    return page.locator("#rag-conversation .answer .words").nth(reply)


def test_a_worded_answer_shows_its_quotation_and_can_be_had_quoted(
    opened: Open, ask: Ask, model: ModelServer
) -> None:
    from playwright.sync_api import expect

    model.script = says(f"{SENTENCE}[1]")
    page = opened()
    expect(page.locator("#rag-conversation .welcome")).to_contain_text("语言模型")
    ask(page, CARS)
    expect(words(page, 0)).to_have_text(f"{SENTENCE}1")
    expect(page.locator("#rag-conversation .notice")).to_have_count(0)
    page.locator("#rag-conversation .answer a.chip").click()
    expect(page.locator("#rag-evidence mark.current")).to_contain_text("新能源汽车产量74万辆")

    page.locator("#rag-conversation a.again .zh").click()
    expect(words(page, 1)).to_have_text(f"{QUOTED}1")
    expect(page.locator("#rag-conversation a.again .zh").nth(1)).to_have_text("改由语言模型表述")
    page.locator("#rag-conversation a.again .zh").nth(1).click()
    expect(words(page, 2)).to_have_text(f"{SENTENCE}1")


def test_a_failure_is_told_in_both_languages(opened: Open, ask: Ask, model: ModelServer) -> None:
    from playwright.sync_api import expect

    model.script = status(500)
    page = opened()
    ask(page, CARS)
    expect(words(page, 0)).to_have_text(f"{QUOTED}1")
    notice = page.locator("#rag-conversation .notice")
    expect(notice.locator(".zh")).to_have_text("语言模型服务出错，改为引用文档原文。")
    expect(notice.locator(".en")).to_be_hidden()
    page.locator("#rag-header .language").click()
    expect(notice.locator(".en")).to_have_text(
        "The language model's server reported an error; the documents are quoted instead."
    )


def test_words_appear_as_soon_as_they_are_verified(opened: Open, model: ModelServer) -> None:
    from playwright.sync_api import expect

    gate = Gate(f"{SENTENCE}[1]汽", "车总产量134万辆。[1]")
    model.script = gate
    page = opened()
    page.fill("#rag-question textarea", CARS)
    page.press("#rag-question textarea", "Enter")
    expect(words(page, 0)).to_have_text(f"{SENTENCE}1")
    expect(words(page, 0).locator("a.chip")).to_have_count(1)
    gate.opened.set()
    expect(words(page, 0)).to_contain_text("汽车总产量134万辆。")
    page.wait_for_selector("#rag-conversation .facts")
