"""Streamed answers: the same as plain ones, in order, at once, and honest when they break off."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from rag.api.app import create_app
from rag.errors import CollectionNotFound, Unavailable
from tests.api_samples import QUOTE, StandIn, client_of, events_of, serving, standing_in

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from rag.factory import Application


@pytest.fixture(scope="module")
def sample(sample_application: Application) -> TestClient:
    """The API over the sample report. Not to be written to."""
    return client_of(sample_application)


def _streamed(client: TestClient, **body: object) -> list[tuple[str, Any]]:
    reply = client.post("/v1/ask", json={**body, "stream": True})
    assert reply.status_code == 200, reply.text
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["x-content-type-options"] == "nosniff"
    return [(name, json.loads(data)) for name, data in events_of(reply.text)]


@pytest.mark.parametrize(
    "question",
    ["2024年地区生产总值增长目标是多少？", "2024年将建设多少套保障性住房？", "巴黎的面积是多少？"],
)
def test_a_stream_says_what_the_plain_reply_says(sample: TestClient, question: str) -> None:
    plain = sample.post("/v1/ask", json={"question": question}).json()

    events = _streamed(sample, question=question)

    names = [name for name, _ in events]
    assert names[0] == "passages"
    assert set(names[1:-2]) == {"delta"}
    assert names[-2:] == ["citations", "done"]
    assert "".join(data["text"] for name, data in events if name == "delta") == plain["answer"]
    assert events[0][1] == {"passages": plain["passages"]}
    assert events[-2][1] == {"citations": plain["citations"]}
    done = events[-1][1]
    del done["took_ms"], plain["took_ms"]
    assert done == plain


def test_passages_are_explained_in_a_stream_too() -> None:
    events = _streamed(client_of(standing_in(StandIn())), question="?", explain=True)

    assert events[0][1]["passages"][0]["signals"] == {"dense": 0.5}
    assert events[-1][1]["passages"][0]["rank"] == 1


def test_bad_input_is_a_problem_and_not_a_stream() -> None:
    client = client_of(standing_in(StandIn(error=CollectionNotFound("There is no 'x'."))))

    reply = client.post("/v1/ask", json={"question": "?", "stream": True})

    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"


def test_what_fails_on_the_way_is_an_event() -> None:
    stand_in = StandIn(stream_error=Unavailable("The model does not answer. Try again."))

    events = _streamed(client_of(standing_in(stand_in)), question="?")

    assert [name for name, _ in events] == ["passages", "error"]
    assert events[1][1]["code"] == "unavailable"
    assert events[1][1]["detail"] == "The model does not answer. Try again."


def test_line_ends_in_an_answer_stay_in_its_event(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = "一\n\nevent: done\r\ndata: {}\u2028二"
    monkeypatch.setattr("tests.api_samples.QUOTE", odd)

    events = _streamed(client_of(standing_in(StandIn())), question="?")

    assert "".join(data["text"] for name, data in events if name == "delta") == f"「{odd}」[1]"
    assert [name for name, _ in events].count("done") == 1


def test_each_event_is_sent_when_it_happens() -> None:
    may_go_on = threading.Event()
    stand_in = StandIn(between=may_go_on.wait)
    app = create_app(standing_in(stand_in).settings, application=standing_in(stand_in))

    with (
        serving(app) as address,
        httpx2.Client(base_url=address, timeout=60) as client,
        client.stream("POST", "/v1/ask", json={"question": "?", "stream": True}) as reply,
    ):
        lines = reply.iter_lines()
        first = next(lines)
        # The rest cannot have been made yet: only now may the answer's words come.
        may_go_on.set()
        rest = list(lines)

    assert first == "event: passages"
    assert "event: done" in rest


def test_other_requests_are_answered_while_one_streams() -> None:
    may_go_on = threading.Event()
    stand_in = StandIn(between=may_go_on.wait)
    app = create_app(standing_in(stand_in).settings, application=standing_in(stand_in))

    with (
        serving(app) as address,
        httpx2.Client(base_url=address, timeout=60) as client,
        client.stream("POST", "/v1/ask", json={"question": "?", "stream": True}) as reply,
    ):
        other = client.post("/v1/ask", json={"question": "?"})
        may_go_on.set()
        reply.read()

    assert other.json()["answer"] == f"「{QUOTE}」[1]"
    assert '"answered":true' in reply.text


def test_a_reader_who_leaves_holds_nothing_up() -> None:
    may_go_on = threading.Event()
    stand_in = StandIn(between=may_go_on.wait)
    app = create_app(standing_in(stand_in).settings, application=standing_in(stand_in))

    with serving(app) as address, httpx2.Client(base_url=address, timeout=60) as client:
        with client.stream("POST", "/v1/ask", json={"question": "?", "stream": True}) as reply:
            next(reply.iter_lines())
        may_go_on.set()
        after = client.get("/healthz")

    assert after.status_code == 200
