"""The API's reference in a real browser: complete without a network, and able to try things out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rag.api.app import create_app
from tests.api_samples import QUOTE, StandIn, serving, standing_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Request

pytestmark = pytest.mark.browser


def test_it_is_complete_and_sends_what_is_tried_out(browser: Browser) -> None:
    application = standing_in(StandIn())
    elsewhere: list[str] = []
    complaints: list[str] = []

    with (
        serving(create_app(application.settings, application=application)) as address,
        browser.new_page() as page,
    ):

        def note(request: Request) -> None:
            if not request.url.startswith((address, "data:")):
                elsewhere.append(request.url)

        page.on("request", note)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))

        page.goto(f"{address}/docs")
        ask = page.locator("#operations-questions-ask")
        ask.locator(".opblock-summary-control").click()
        ask.locator("button.execute").click()
        reply = ask.locator(".live-responses-table .highlight-code").first
        reply.wait_for()

        assert f"「{QUOTE}」[1]" in reply.inner_text()
        assert page.locator(".opblock").count() == 19

    # A violation of the Content-Security-Policy would be among them.
    assert complaints == []
    assert elsewhere == []
