"""Asking a language model over real HTTP, and being told apart what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rag.composers.completions import ChatModel, CompletionFailed
from rag.errors import InvalidSetting
from tests.llm_samples import (
    DONE,
    KEY,
    MODEL,
    Gate,
    ModelServer,
    Script,
    completes,
    event,
    goes_silent,
    model_server,
    offers,
    one_after_the_other,
    only_comments,
    refused_address,
    says,
    sends,
    silent,
    status,
    streams,
)

MESSAGES = [{"role": "user", "content": "问题"}]
TEXT = "合肥2023年新能源汽车产量74万辆。[1]"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


def model_at(base_url: str, *, timeout_seconds: float = 20.0, api_key: str = KEY) -> ChatModel:
    return ChatModel(
        base_url=base_url, model=MODEL, api_key=api_key, timeout_seconds=timeout_seconds
    )


def test_a_reply_is_streamed_as_it_comes(server: ModelServer) -> None:
    gate = Gate("第一句。[1]", "第二句。[2]")
    server.script = gate
    pieces = model_at(server.base_url).stream(MESSAGES)
    assert next(pieces) == "第一句。[1]"
    gate.opened.set()
    assert "".join(pieces) == "第二句。[2]"
    assert gate.passed


def test_the_request_is_openais(server: ModelServer) -> None:
    server.script = says(TEXT)
    assert "".join(model_at(server.base_url + "/").stream(MESSAGES)) == TEXT
    (received,) = server.received
    assert received.path == "/v1/chat/completions"
    assert received.headers["authorization"] == f"Bearer {KEY}"
    assert received.body == {
        "model": MODEL,
        "messages": MESSAGES,
        "stream": True,
        "temperature": 0,
        "seed": received.body["seed"],
    }


def test_without_a_key_none_is_sent(server: ModelServer) -> None:
    server.script = says(TEXT)
    assert "".join(model_at(server.base_url, api_key="").stream(MESSAGES)) == TEXT
    assert "authorization" not in {name.lower() for name in server.received[0].headers}


def test_a_model_that_takes_no_temperature_is_asked_without(server: ModelServer) -> None:
    server.script = one_after_the_other(status(400), says(TEXT))
    assert "".join(model_at(server.base_url).stream(MESSAGES)) == TEXT
    first, second = (received.body for received in server.received)
    assert "temperature" in first
    assert sorted(second) == ["messages", "model", "stream"]


def chunk(**fields: Any) -> bytes:
    return f"data: {json.dumps(fields)}\n\n".encode()


@pytest.mark.parametrize(
    "script",
    [
        completes(TEXT),
        streams([event(TEXT), b"data: [DONE]\n\n"]),
        streams([event(TEXT, finish_reason="stop")]),
        streams([event(TEXT).replace(b"\n", b"\r\n"), DONE]),
        streams([b": hello\n\nevent: message\n", event(TEXT), DONE]),
        streams([event(None), event(TEXT), DONE]),
        streams([event(TEXT), chunk(choices=[], usage={"total_tokens": 3}), DONE]),
        streams([chunk(choices=[{"delta": {"reasoning_content": "嗯"}}]), event(TEXT), DONE]),
        streams([event(TEXT), DONE], content_type="text/plain"),
        streams([bytes([byte]) for byte in event(TEXT) + DONE]),
    ],
    ids=[
        "not streamed",
        "no reason to finish",
        "no end mark",
        "carriage returns",
        "comments and names",
        "an empty delta",
        "a count of tokens",
        "thoughts beside",
        "another content type",
        "byte by byte",
    ],
)
def test_what_servers_do_differently_is_understood(server: ModelServer, script: Script) -> None:
    server.script = script
    assert "".join(model_at(server.base_url).stream(MESSAGES)) == TEXT


@pytest.mark.parametrize(
    ("script", "notice", "words"),
    [
        (status(400), "llm_error", "status 400"),
        (status(401), "llm_error", "RAG_LLM_API_KEY"),
        (status(403), "llm_error", "RAG_LLM_API_KEY"),
        (status(404), "llm_error", "RAG_LLM_MODEL"),
        (status(408), "llm_timeout", "status 408"),
        (status(429, Retry_After="30"), "llm_busy", "status 429"),
        (status(500), "llm_error", "status 500"),
        (status(503), "llm_error", "status 503"),
        (status(302, Location="http://127.0.0.1:1/"), "llm_error", "status 302"),
        (streams([event("半句"), event("话")], breaks_off=True), "llm_interrupted", "broke off"),
        (streams([event("半句话")]), "llm_interrupted", "broke off"),
        (streams([]), "llm_interrupted", "broke off"),
        (streams([event("话", finish_reason="length")]), "llm_interrupted", "length"),
        (completes("话", finish_reason="content_filter"), "llm_interrupted", "content_filter"),
        (streams([b"data: {not json\n\n"]), "llm_malformed", "no JSON"),
        (streams([b"data: " + b"[" * 100_000 + b"\n\n"]), "llm_malformed", "no JSON"),
        (streams([b"data: 7\n\n"]), "llm_malformed", "no object"),
        (streams([chunk(object="x")]), "llm_malformed", "without choices"),
        (streams([chunk(choices=[7])]), "llm_malformed", "without choices"),
        (streams([chunk(choices=[{"delta": "words"}])]), "llm_malformed", "no text"),
        (streams([chunk(choices=[{"delta": {"content": 7}}])]), "llm_malformed", "no text"),
        (streams([chunk(error={"message": KEY})]), "llm_error", "reports an error"),
        (sends("<html>"), "llm_malformed", "no JSON"),
        (sends({"error": "no"}), "llm_error", "reports an error"),
        (streams([event("字" * 2_000)] * 11), "llm_interrupted", "does not end"),
        (streams([b": " + b"x" * 100_000 + b"\n\n"] * 21), "llm_interrupted", "does not end"),
    ],
)
def test_what_goes_wrong_is_told_apart(
    server: ModelServer, script: Script, notice: str, words: str
) -> None:
    server.script = script
    with pytest.raises(CompletionFailed, match=words) as caught:
        list(model_at(server.base_url).stream(MESSAGES))
    assert caught.value.notice == notice
    told = f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
    assert KEY not in told


@pytest.mark.parametrize(
    "script", [silent, goes_silent("开始"), only_comments], ids=["at once", "later", "comments"]
)
def test_silence_ends_after_the_time_that_was_set(server: ModelServer, script: Script) -> None:
    server.script = script
    with pytest.raises(CompletionFailed, match="too slow") as caught:
        list(model_at(server.base_url, timeout_seconds=0.2).stream(MESSAGES))
    assert caught.value.notice == "llm_timeout"
    assert len(server.received) == 1, "nothing is tried again"


def test_a_server_that_is_not_there_is_unreachable() -> None:
    model = model_at(refused_address())
    with pytest.raises(CompletionFailed, match="cannot be reached") as caught:
        list(model.stream(MESSAGES))
    assert caught.value.notice == "llm_unreachable"
    with pytest.raises(CompletionFailed, match="cannot be reached"):
        model.names()


@pytest.mark.parametrize(
    ("name", "value"), [("HTTP_PROXY", "nonsense://x"), ("SSL_CERT_FILE", "/nowhere.pem")]
)
def test_an_environment_that_cannot_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(CompletionFailed, match="cannot be reached") as caught:
        list(model_at("http://model.example/v1").stream(MESSAGES))
    assert caught.value.notice == "llm_unreachable"


class TestNames:
    def test_the_server_names_its_models(self, server: ModelServer) -> None:
        server.models = offers("a", "b")
        assert model_at(server.base_url).names() == ("a", "b")
        assert server.received[0].headers["authorization"] == f"Bearer {KEY}"

    def test_a_server_need_not_say(self, server: ModelServer) -> None:
        server.models = status(404)
        assert model_at(server.base_url).names() is None

    def test_a_key_that_is_refused_is_an_error(self, server: ModelServer) -> None:
        server.models = status(401)
        with pytest.raises(CompletionFailed, match="RAG_LLM_API_KEY"):
            model_at(server.base_url).names()

    @pytest.mark.parametrize("body", ["<html>", [], {"data": 7}, {"data": [{"no": "id"}]}])
    def test_a_list_that_is_none_is_an_error(self, server: ModelServer, body: object) -> None:
        server.models = sends(body)
        with pytest.raises(CompletionFailed, match="no list of models"):
            model_at(server.base_url).names()


@pytest.mark.parametrize(
    ("base_url", "words"),
    [
        ("localhost:11434/v1", "not an http address"),
        ("ftp://localhost/v1", "not an http address"),
        ("http://", "not an http address"),
        ("http://[::1/v1", "not an address"),
        ("http://localhost:99999/v1", "not an address"),
        ("http://user:secret@localhost/v1", "more than an address"),
        ("http://localhost/v1?key=secret", "more than an address"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused(base_url: str, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words) as caught:
        model_at(base_url)
    assert "secret" not in str(caught.value)
    assert "RAG_LLM" in str(caught.value)


def test_a_key_that_no_header_takes_is_refused_unseen() -> None:
    with pytest.raises(InvalidSetting, match="RAG_LLM_API_KEY") as caught:
        model_at("http://localhost/v1", api_key="secret\nkey")
    assert "secret" not in str(caught.value)


def test_the_key_is_not_shown() -> None:
    assert KEY not in repr(model_at("http://localhost:1/v1"))
