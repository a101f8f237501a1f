"""The chat page as a reader meets it: ask, click, see the mark."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tests.browser.conftest import BROKEN, HOSTILE, HOSTILE_TITLE, SLOW

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Open: TypeAlias = Callable[..., Any]
Ask: TypeAlias = Callable[[Any, str], None]

CARS = "新能源汽车产量是多少？"
RAIL = "轨道交通运营里程是多少？"
FIELD = "#rag-question textarea"


def chips(page: Page, reply: int) -> Any:
    return page.locator("#rag-conversation .answer").nth(reply).locator("a.chip")


def current_mark(page: Page) -> Any:
    return page.locator("#rag-evidence mark.current")


def scrolls_sideways(page: Page) -> bool:
    return bool(
        page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )


def test_a_chip_shows_its_passage_with_the_quoted_words_marked(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened()
    ask(page, CARS)
    expect(page.locator(FIELD)).to_be_focused()
    expect(page.locator(FIELD)).to_have_value("")
    chips(page, 0).nth(1).click()
    expect(current_mark(page)).to_have_text("力争新能源汽车产量突破120万辆")
    expect(current_mark(page)).to_be_in_viewport()
    card = page.locator("#rag-evidence .card.current")
    expect(card.locator("h3")).to_have_text("合肥市2024年政府工作报告")
    expect(card.locator(".path")).to_contain_text("二、2024年工作安排")
    expect(card.locator("footer")).to_contain_text("hefei-2024.txt")
    expect(card.locator("footer")).to_contain_text("[2] 第 10263–10279 字")
    expect(page.locator("#rag-status")).to_contain_text("力争新能源汽车产量突破120万辆")
    assert len(card.locator("blockquote").inner_text()) > 100

    # A later answer takes over the panel; the earlier chips still find their own evidence.
    ask(page, RAIL)
    expect(page.locator("#rag-evidence .turn:visible .asked")).to_contain_text(RAIL)
    chips(page, 1).first.click()
    expect(current_mark(page)).to_contain_text("200公里")
    chips(page, 0).first.click()
    expect(current_mark(page)).to_have_text("新能源汽车产量74万辆、位居全国前5")
    expect(page.locator("#rag-evidence .turn:visible")).to_have_count(1)
    expect(page.locator("#rag-evidence .turn:visible .asked")).to_contain_text(CARS)


def test_what_stands_before_and_after_a_quoted_passage_can_be_read(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened()
    ask(page, CARS)
    chips(page, 0).first.click()
    beside = page.locator("#rag-evidence .card.current details.beside")
    expect(beside.locator(".neighbour").first).to_be_hidden()
    beside.locator("summary").click()
    expect(beside.locator(".neighbour")).to_have_count(2)
    expect(beside.locator(".neighbour").first).to_be_visible()
    expect(beside.locator(".label").last).to_contain_text("后一段")


def test_questions_keep_to_a_place_where_the_library_has_several(
    opened: Open, ask: Ask, address: str
) -> None:
    from playwright.sync_api import expect

    page = opened()
    filters = page.locator("#rag-filters")
    expect(filters).to_be_hidden()
    added = page.request.post(
        f"{address}v1/documents",
        multipart={
            "files": {
                "name": "port.txt",
                "mimeType": "text/plain",
                "buffer": "今年全市新能源汽车产量为300辆。".encode(),
            },
            "metadata": '{"place": "芜湖市", "year": 2021}',
        },
    )
    document_id = added.json()["results"][0]["document_id"]
    try:
        page.reload()
        place = filters.get_by_label("地点 · Place")
        expect(filters.get_by_label("年份 · Year")).to_be_visible()
        place.click()
        page.get_by_role("option", name="芜湖市").click()
        ask(page, CARS)
        expect(page.locator("#rag-conversation .question .note")).to_have_text("芜湖市")
        chips(page, 0).first.click()
        expect(current_mark(page)).to_contain_text("300辆")
    finally:
        assert page.request.delete(f"{address}v1/documents/{document_id}").ok
    # The place is there no more: neither is its filter.
    page.reload()
    expect(page.locator(FIELD)).to_be_visible()
    expect(filters).to_be_hidden()


def test_a_chip_works_from_the_keyboard(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened()
    ask(page, CARS)
    chips(page, 0).first.focus()
    page.keyboard.press("Enter")
    expect(current_mark(page)).to_have_text("新能源汽车产量74万辆、位居全国前5")


def test_a_refusal_is_calm_and_shows_the_nearest_passages(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened()
    ask(page, "北京2024年的经济增长目标是多少？")
    refusal = page.locator("#rag-conversation .refusal")
    expect(refusal.locator(".verdict")).to_have_text("没有答案", use_inner_text=True)
    expect(refusal).to_contain_text("北京")
    expect(refusal.locator("a.chip")).to_have_count(0)
    expect(page.locator("#rag-evidence mark")).to_have_count(0)
    refusal.locator(".nearest a").nth(1).click()
    expect(page.locator("#rag-evidence .turn:visible")).to_contain_text("最接近的段落，不是答案")
    expect(page.locator("#rag-evidence .card.current")).to_have_count(1)


def test_english_questions_in_an_english_page(opened: Open) -> None:
    from playwright.sync_api import expect

    page = opened(locale="en-GB")
    expect(page.locator(FIELD)).to_have_attribute("placeholder", "Ask about the documents")
    expect(page.locator("#rag-header")).to_contain_text("Every answer is a quotation")
    page.locator(".example", has_text="How many new urban jobs").click()
    page.wait_for_selector("#rag-conversation .facts")
    chips(page, 0).first.click()
    expect(current_mark(page)).to_contain_text("14.5万人")
    expect(page.locator("#rag-evidence .card.current footer")).to_contain_text("characters")
    expect(page.locator("#rag-conversation .facts")).to_contain_text("Copy with citations")
    expect(page.get_by_text("复制回答与引文")).to_be_hidden()


def test_hostile_text_is_shown_literally(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened()
    question = "河马酒店的门票价格是多少元？ <img src=x onerror=alert(1)> **x** $y$ ${z} [1](http://a.example)"
    ask(page, question)
    expect(page.locator("#rag-conversation .question")).to_have_text(question)
    ask(page, "河马酒店的门票价格是多少元？")
    chips(page, -1).first.click()
    shown = page.locator("#rag-evidence .card.current")
    expect(shown.locator("h3")).to_have_text(HOSTILE_TITLE)
    expect(shown.locator("blockquote")).to_contain_text(HOSTILE)
    reply = page.locator("#rag-conversation .answer").last
    expect(reply).to_contain_text("九十九元")
    page.locator("#rag-header [data-side=documents]").click()
    expect(page.locator("#rag-documents strong", has_text="河马酒店")).to_have_text(HOSTILE_TITLE)
    for part in ("#rag-conversation", "#rag-side"):
        for made in (":is(img, script, b, iframe, .katex, .MathJax)", "a[href^=http]", "code"):
            expect(page.locator(f"{part} {made}")).to_have_count(0)
    expect(page).to_have_title("有据 · 文档问答")


def test_on_a_phone_the_evidence_is_a_sheet(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened(width=390, height=844)
    assert not scrolls_sideways(page)
    ask(page, CARS)
    side = page.locator("#rag-side")
    expect(side).to_be_hidden()
    chip = chips(page, 0).nth(1)
    chip.click()
    expect(side).to_be_visible()
    expect(current_mark(page)).to_be_in_viewport()
    expect(page.locator("#rag-tabs .close")).to_be_focused()
    assert not scrolls_sideways(page)
    page.keyboard.press("Escape")
    expect(side).to_be_hidden()
    expect(chip).to_be_focused()
    page.locator("#rag-header [data-side=documents]").click()
    expect(page.locator("#rag-documents .add")).to_be_in_viewport()
    page.locator("#rag-tabs .close").click()
    expect(side).to_be_hidden()
    assert not scrolls_sideways(page)


def test_colours_and_language_follow_the_system_until_switched(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened(scheme="dark", locale="zh-TW")

    def brightness() -> int:
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in colour.strip("rgb()").split(","))

    assert brightness() < 150
    ask(page, CARS)
    page.locator("#rag-header .theme").click()
    assert brightness() > 600
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.locator("#rag-header .language").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator(FIELD)).to_have_attribute("placeholder", "Ask about the documents")
    expect(page.locator("#rag-question button")).to_have_attribute("aria-label", "Send")
    expect(page.locator("#rag-conversation .facts")).to_contain_text("Confident")
    expect(page).to_have_title("Quoted · answers from your documents")
    # Both are remembered.
    page.reload()
    page.wait_for_selector("#rag-conversation .welcome")
    expect(page.locator(FIELD)).to_have_attribute("placeholder", "Ask about the documents")
    assert brightness() > 600


def test_a_rewritten_question_can_be_asked_as_typed(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened()
    ask(page, CARS)
    expect(page.locator("#rag-conversation .rewritten")).to_have_count(0)
    ask(page, "那去年呢？")
    rewritten = page.locator("#rag-conversation .rewritten")
    expect(rewritten).to_contain_text("新能源汽车产量")
    rewritten.locator("a").click()
    asked = page.locator("#rag-conversation .question")
    expect(asked).to_have_count(3)
    expect(asked.last).to_have_text("那去年呢？ 按原文检索", use_inner_text=True)
    expect(page.locator("#rag-conversation .refusal")).to_have_count(1)


def test_an_answer_is_copied_with_its_citations(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened()
    ask(page, CARS)
    page.locator("#rag-conversation .copy").click()
    expect(page.locator("#rag-conversation .copy.done")).to_have_count(1)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "2024年目标：「力争新能源汽车产量突破120万辆」[2]" in copied
    assert "hefei-2024.txt, 第 10263–10279 字): 力争新能源汽车产量突破120万辆" in copied


def test_an_answer_can_be_stopped_and_a_conversation_begun_anew(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened()
    page.fill(FIELD, SLOW)
    page.press(FIELD, "Enter")
    expect(page.locator("#rag-conversation .answer")).to_contain_text("这是第一段")
    page.locator("#rag-question .stop-button").click()
    expect(page.locator("#rag-conversation .facts")).to_have_text("已停止", use_inner_text=True)
    page.wait_for_selector("#rag-question .submit-button")
    page.wait_for_timeout(1000)  # the framework takes a moment to forget what was stopped
    ask(page, CARS)
    expect(chips(page, 1)).to_have_count(2)
    page.locator("#rag-header .new").click()
    expect(page.locator("#rag-conversation .answer")).to_have_count(0)
    expect(page.locator("#rag-evidence .turn")).to_have_count(0)
    expect(page.locator("#rag-conversation .welcome")).to_be_visible()


def test_what_goes_wrong_is_said(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    page = opened()
    ask(page, "多" * 5000)
    reply = page.locator("#rag-conversation .refusal")
    expect(reply).to_contain_text("5,000 characters")
    ask(page, BROKEN)
    expect(reply.last).to_contain_text("出了意料之外的问题")
    ask(page, CARS)
    expect(chips(page, 0)).to_have_count(2)


def test_enter_while_an_input_method_composes_does_not_send(opened: Open) -> None:
    from playwright.sync_api import expect

    page = opened()
    page.fill(FIELD, "hefei")
    page.eval_on_selector(
        FIELD,
        "field => field.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))",
    )
    page.press(FIELD, "Shift+Enter")
    expect(page.locator(FIELD)).to_have_value("hefei\n")
    expect(page.locator("#rag-conversation .question")).to_have_count(0)
    page.fill(FIELD, "  ")
    page.press(FIELD, "Enter")
    expect(page.locator("#rag-conversation .question")).to_have_count(0)


def test_documents_are_added_asked_about_and_removed(
    opened: Open, ask: Ask, file_of: Callable[[str, bytes], str]
) -> None:
    from playwright.sync_api import expect

    page = opened()
    page.locator("#rag-tabs [data-side=documents]").click()
    expect(page.locator("#rag-documents li[data-document]")).to_have_count(2)
    page.set_input_files(
        "#rag-documents input[type=file]",
        [
            file_of("企鹅.md", "# 企鹅年报\n\n企鹅馆全年接待游客三百二十万人次。\n".encode()),
            file_of("空.txt", b""),
            file_of("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00"),
        ],
    )
    lines = page.locator("#rag-documents .outcomes li")
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_contain_text("企鹅.md 已添加，1 个段落")
    expect(lines.nth(1)).to_contain_text("空.txt 未添加")
    expect(lines.nth(2)).to_contain_text("picture.png 未添加")
    expect(page.locator("#rag-documents .busy")).to_be_hidden()
    ask(page, "企鹅馆全年接待游客多少人次？")
    expect(page.locator("#rag-conversation .answer")).to_contain_text("三百二十万人次")

    page.locator("#rag-tabs [data-side=documents]").click()
    item = page.locator("#rag-documents li[data-document]", has_text="企鹅年报")
    item.locator(".remove").click()
    item.locator(".no").click()
    expect(item.locator(".sure")).to_be_hidden()
    item.locator(".remove").click()
    item.locator(".yes").click()
    expect(item).to_have_count(0)
    expect(lines).to_have_text("企鹅年报 已移除。", use_inner_text=True)
    ask(page, "企鹅馆全年接待游客多少人次？")
    expect(page.locator("#rag-conversation .refusal")).to_have_count(1)


def test_two_readers_do_not_meet(opened: Open, ask: Ask) -> None:
    from playwright.sync_api import expect

    first, second = opened(), opened(locale="en-US")
    ask(first, CARS)
    ask(second, RAIL)
    ask(first, "那去年呢？")
    expect(first.locator("#rag-conversation .question")).to_have_count(2)
    expect(first.locator("#rag-conversation .rewritten")).to_contain_text("新能源汽车产量")
    expect(second.locator("#rag-conversation .question")).to_have_text(RAIL)
    expect(second.locator("#rag-evidence .turn")).to_have_count(1)


def test_an_answer_and_a_refusal_are_judged(
    opened: Open, ask: Ask, judged: list[tuple[int, str, str]]
) -> None:
    from playwright.sync_api import expect

    page = opened()
    ask(page, CARS)
    ask(page, "北京2024年的经济增长目标是多少？")
    reply, refusal = page.locator("#rag-conversation .judging").all()
    reply.locator("a", has_text="有用").click()
    expect(reply.locator("[aria-pressed=true]")).to_have_text("有用", use_inner_text=True)
    expect(page.locator("#rag-status")).to_contain_text("已记下")

    refusal.locator("a", has_text="不对").click()
    comment = page.locator("#rag-comment")
    expect(comment.locator("textarea")).to_be_focused()
    comment.locator("textarea").fill("应为5%左右 <b>")
    comment.locator(".tell").click()
    expect(comment).to_be_hidden()
    expect(refusal.locator("[aria-pressed=true]")).to_have_text("不对", use_inner_text=True)

    # A further answer draws the conversation anew; what was judged stays so.
    ask(page, RAIL)
    expect(page.locator("#rag-conversation [aria-pressed=true]")).to_have_count(2)
    assert judged == [
        (1, CARS, ""),
        (-1, "北京2024年的经济增长目标是多少？", ""),
        (-1, "北京2024年的经济增长目标是多少？", "应为5%左右 <b>"),
    ]
    page.locator("#rag-header .new").click()
    page.wait_for_selector("#rag-conversation .welcome")
    ask(page, CARS)
    expect(page.locator("#rag-conversation [aria-pressed=true]")).to_have_count(0)
