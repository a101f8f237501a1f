"""The report of an evaluation in a real browser: complete, quiet, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rag.schema import Turn
from rag_eval.baseline import baseline_of, compare
from rag_eval.html_report import html_report
from rag_eval.metrics import summarise
from rag_eval.outcomes import Outcome, judge
from rag_eval.report import Evaluation
from tests.evaluation_samples import TEXT, a_case, a_reply, cited

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

HOSTILE = "</script><img src=x onerror=alert(1)><b>粗</b>&amp;"
REFUSAL = a_reply("文档中没有。", answered=False, refusal_code="weak_evidence")


def _outcomes(*, growth_refused: bool = False) -> list[Outcome]:
    """Right, wrong, refused, hostile; and enough others that the list goes on."""
    growth = a_case("growth", tags=("number",), must_pass=True)
    vehicles = replace(
        a_case(
            "vehicles", question="造了多少辆车？", expected=(("74万辆",),), tags=("paraphrase",)
        ),
        history=(Turn(role="user", content="谈谈新能源汽车"),),
        note="笔记",
    )
    hostile = a_case("hostile", question=HOSTILE, answerable=False, tags=("unanswerable", HOSTILE))
    emoji = "😀😀" + TEXT
    at = emoji.index("5.8%")
    far = replace(cited("5.8%"), start=at, end=at + 4)
    first, second = a_reply(passages=["别的话。", TEXT]).passages
    found = replace(a_reply(), passages=(replace(first, start=len(TEXT)), second))
    pairs = [
        (growth, REFUSAL if growth_refused else found),
        (vehicles, a_reply()),
        (hostile, a_reply(f"「5.8%」[1] {HOSTILE}", citations=[far], passages=[emoji])),
    ]
    pairs += [(a_case(f"many-{number}"), a_reply()) for number in range(100)]
    texts = {"vehicles": TEXT, "hostile": emoji}
    return [
        judge(case, reply, document_text=lambda _, case=case: texts.get(case.case_id, TEXT))  # type: ignore[misc]
        for case, reply in pairs
    ]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    outcomes = tuple(_outcomes())
    evaluation = Evaluation(
        case_file=f"my {HOSTILE}.jsonl",
        target="the index",
        collection="default",
        split="all",
        tags=(),
        top_k=5,
        outcomes=outcomes,
        summary=summarise(outcomes),
        comparison=compare(baseline_of(_outcomes(growth_refused=True)), outcomes),
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html_report(evaluation), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser: Browser, report: str) -> Iterator[Any]:
    """A function that opens the report. Complaints, requests and dialogs fail the test."""
    problems: list[str] = []
    contexts = []

    def open_report(*, width: int = 1280, dark: bool = False, case: str = "") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.on("request", lambda asked: problems.append(asked.url))
        page.goto(report + (f"#case={case}" if case else ""))
        return page

    yield open_report
    for context in contexts:
        context.close()
    # A violation of the Content-Security-Policy would be among them.
    assert [each for each in problems if not each.startswith((report, "data:"))] == []


def _ids(page: Page) -> list[str | None]:
    return [each.get_attribute("data-id") for each in page.locator(".case").all()]


def test_the_summary_says_what_changed(opened: Any) -> None:
    page = opened()
    assert page.locator(".figure").inner_text().split() == ["101", "of", "103", "cases", "passed"]
    assert "Gate open." in page.locator(".gate").inner_text()
    assert page.locator(".pill.better").inner_text() == "1 better"
    assert page.locator("h1").inner_text() == f"my {HOSTILE}.jsonl"
    assert page.locator("figure svg").count() == 4
    row = page.locator("tr", has=page.locator("th span", has_text="correctness"))
    assert "1 of 102 cases fall short: vehicles" in row.inner_text()


def test_cases_are_searched_and_filtered(opened: Any) -> None:
    page = opened()
    assert (len(_ids(page)), page.locator("#count").inner_text()) == (60, "103 of 103")
    page.click("#more")
    assert (len(_ids(page)), page.locator("#more").is_visible()) == (103, False)
    page.click("[data-state=failed]")
    assert _ids(page) == ["vehicles", "hostile"]
    page.select_option("#kind", "answerable")
    assert _ids(page) == ["vehicles"]
    page.click("[data-state=all]")
    page.select_option("#kind", "")
    page.select_option("#tag", "number")
    assert _ids(page) == ["growth"]
    page.select_option("#tag", "")
    page.fill("#search", "MANY-9 一词")
    assert page.locator(".empty").inner_text() == "No case is like that."
    page.fill("#search", "MANY-9 多少")
    assert len(_ids(page)) == 11
    page.fill("#search", "")
    page.click(".pill.better")
    assert _ids(page) == ["growth"]


def test_a_case_opens_to_everything_about_it(opened: Any) -> None:
    page = opened()
    case = page.locator('[data-id="growth"]')
    case.locator("> button").click()
    inside = case.locator(".inside")
    assert inside.locator(".passage").count() == 2
    assert inside.locator(".passage").nth(0).locator("mark").count() == 0
    holding = inside.locator(".passage.holds")
    assert holding.locator("mark").all_inner_texts() == ["地区生产总值增长5.8%1"]
    assert holding.locator(".wanted").inner_text() == "地区生产总值增长5.8%"
    assert "rank 2" in inside.inner_text()
    assert "refused (weak_evidence), but the documents hold the answer" in inside.inner_text()
    assert "evidence at rank 2" in inside.locator(".values").inner_text()
    inside.locator("button.chip").click()
    case.locator("> button").click()
    assert inside.count() == 0


def test_a_wrong_answer_is_explained(opened: Any) -> None:
    page = opened(case="vehicles")
    text = page.locator('[data-id="vehicles"] .inside').inner_text()
    for words in ("user: 谈谈新能源汽车", "missing: 74万辆", "笔记", "「地区生产总值增长5.8%」"):
        assert words in text, words


def test_words_of_documents_are_text_and_offsets_count_code_points(opened: Any) -> None:
    page = opened(case="hostile")
    case = page.locator('[data-id="hostile"]')
    assert case.locator(".ask").inner_text() == HOSTILE
    assert case.locator("mark[data-marker]").all_inner_texts() == ["5.8%1"]
    assert HOSTILE in case.locator(".answer").inner_text()
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_and_can_be_read(opened: Any, width: int, dark: bool) -> None:
    page = opened(width=width, dark=dark, case="vehicles")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    faint = page.evaluate(
        """() => {
          const luminance = (colour) => {
            const [r, g, b] = colour.match(/[\\d.]+/g).map((each) => {
              const share = each / 255;
              return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
            });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const behind = (node) => {
            for (; node; node = node.parentElement) {
              const colour = getComputedStyle(node).backgroundColor;
              if (!/, 0\\)$/.test(colour)) return colour;
            }
            return "rgb(255, 255, 255)";
          };
          return [...document.querySelectorAll("body *:not(script, svg *)")]
            .filter((node) => node.offsetParent)
            .filter((node) => [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim()))
            .filter((node) => {
              const one = luminance(getComputedStyle(node).color);
              const other = luminance(behind(node));
              return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05) < 4.5;
            })
            .map((node) => `${node.tagName} ${node.className} ${node.textContent.slice(0, 30)}`);
        }"""
    )
    assert faint == []
