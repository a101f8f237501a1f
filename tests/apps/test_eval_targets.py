"""The targets of the evaluation: the same library in this process and behind a real server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rag.errors import CollectionNotFound, DocumentNotFound, InvalidInput, Unavailable
from rag.schema import Turn
from rag_eval.cases import load_cases, select_cases
from rag_eval.runner import run_cases
from rag_eval.server import HttpTarget
from rag_eval.targets import FoundPassage, LibraryTarget, QuotedSpan, Reply
from tests.evaluation_samples import a_case

if TYPE_CHECKING:
    from rag.factory import Application

PROJECT = Path(__file__).resolve().parents[2]
HEFEI = PROJECT / "eval" / "data" / "hefei-2024.jsonl"

PASSAGE = {"passage_id": "d1-0", "document_id": "d1", "text": "增长5.8%", "score": 0.5}
CITATION = {"marker": 1, "document_id": "d1", "quote": "5.8%", "start": 2, "end": 6}
REPLY = {
    "answered": True,
    "answer": "「5.8%」[1]",
    "rewritten": "增长多少？",
    "confidence": 1,
    "refusal": None,
    "citations": [CITATION],
    "passages": [PASSAGE],
}


class _Server:
    """A server whose next reply is set by the test, and which keeps what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = REPLY
        self.requests: list[tuple[str, str, Any]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _reply(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                content = self.rfile.read(length)
                asked = json.loads(content) if content else None
                server.requests.append((self.command, self.path, asked))
                raw = (
                    server.body
                    if isinstance(server.body, bytes)
                    else json.dumps(server.body).encode()
                )
                self.send_response(server.status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = _reply  # noqa: N815 (the base class names them)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()


@pytest.fixture
def server() -> Iterator[_Server]:
    made = _Server()
    with made.running():
        yield made


@pytest.fixture
def target(server: _Server) -> Iterator[HttpTarget]:
    with HttpTarget(server.url) as made:
        yield made


class TestHttp:
    def test_a_reply_is_read(self, target: HttpTarget, server: _Server) -> None:
        reply = target.ask(a_case(), collection="default", top_k=5)
        assert reply == Reply(
            answered=True,
            answer="「5.8%」[1]",
            confidence=1.0,
            rewritten="增长多少？",
            citations=(QuotedSpan(marker=1, document_id="d1", quote="5.8%", start=2, end=6),),
            passages=(
                FoundPassage(passage_id="d1-0", document_id="d1", text="增长5.8%", score=0.5),
            ),
        )
        assert reply.milliseconds > 0
        server.body = {**REPLY, "answered": False, "refusal": {"code": "no_evidence"}}
        assert target.ask(a_case(), collection="default", top_k=5).refusal_code == "no_evidence"

    def test_a_case_is_sent_whole(self, server: _Server) -> None:
        case = replace(
            a_case(filters={"year": 2024}), history=(Turn(role="user", content="增长多少？"),)
        )
        with HttpTarget(f"{server.url}/below/") as target:
            target.ask(case, collection="mine", top_k=3)
        assert server.requests == [
            (
                "POST",
                "/below/v1/ask",
                {
                    "question": case.question,
                    "collection": "mine",
                    "top_k": 3,
                    "filters": {"year": 2024},
                    "history": [{"role": "user", "content": "增长多少？"}],
                },
            )
        ]

    def test_a_document_is_read(self, target: HttpTarget, server: _Server) -> None:
        server.body = {"document_id": "a/b", "text": "全文"}
        assert target.document_text("a/b") == "全文"
        assert server.requests == [("GET", "/v1/documents/a%2Fb", None)]

    @pytest.mark.parametrize(
        ("status", "body", "error", "message"),
        [
            (404, {"code": "collection_not_found", "detail": "No x."}, CollectionNotFound, "No x"),
            (404, {}, CollectionNotFound, "status 404: no reason given"),
            (422, {"title": "Question too long"}, InvalidInput, "422: Question too long"),
            (413, {"detail": "Too large."}, InvalidInput, "Too large"),
            (503, {"detail": "Starting."}, Unavailable, "503: Starting"),
            (500, [1], Unavailable, "no reason given"),
            (200, b"<html>", Unavailable, "replied with status 200 and no JSON"),
            (200, [], Unavailable, r"reply is \[\], expected an object"),
            (200, {}, Unavailable, r"reply\.answered is nothing, expected a value of type bool"),
        ],
    )
    def test_a_server_that_says_no(
        self,
        target: HttpTarget,
        server: _Server,
        status: int,
        body: object,
        error: type[Exception],
        message: str,
    ) -> None:
        server.status, server.body = status, body
        with pytest.raises(error, match=message):
            target.ask(a_case(), collection="default", top_k=5)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"confidence": True}, r"reply\.confidence is true, expected a number"),
            ({"citations": {}}, r"reply\.citations is \{\}, expected a list"),
            (
                {"citations": [{**CITATION, "start": "2"}]},
                r'reply\.citations\[0\]\.start is "2", expected a value of type int',
            ),
            (
                {"citations": [{**CITATION, "marker": True}]},
                r"citations\[0\]\.marker is true, expected a value of type int",
            ),
            ({"passages": [5]}, r"reply\.passages\[0\] is 5, expected an object"),
            ({"refusal": "no"}, r'reply\.refusal is "no", expected an object'),
        ],
    )
    def test_a_reply_that_breaks_the_contract(
        self, target: HttpTarget, server: _Server, change: dict[str, object], message: str
    ) -> None:
        server.body = {**REPLY, **change}
        with pytest.raises(Unavailable, match=message):
            target.ask(a_case(), collection="default", top_k=5)

    def test_a_document_that_is_not_there(self, target: HttpTarget, server: _Server) -> None:
        server.status, server.body = 404, {"code": "document_not_found", "detail": "No d9."}
        with pytest.raises(DocumentNotFound, match=r"No d9\."):
            target.document_text("d9")

    def test_nobody_listens(self) -> None:
        silent = _Server()
        silent._http.server_close()
        with HttpTarget(silent.url) as target, pytest.raises(Unavailable, match="cannot be asked"):
            target.ask(a_case(), collection="default", top_k=5)

    @pytest.mark.parametrize(
        "url", ["127.0.0.1:8000", "ftp://a", "http://", "http://a:port", "", "http://[::1"]
    )
    def test_an_address_that_is_none(self, url: str) -> None:
        with pytest.raises(InvalidInput, match="Expected one such as http"):
            HttpTarget(url)


@contextmanager
def _served(application: Application) -> Iterator[str]:
    """The product's own server around an opened application."""
    import uvicorn

    from rag.api.app import create_app

    app = create_app(application.settings, application=application)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            thread.join(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


class TestSample:
    def test_every_citation_of_the_product_is_exact(self, sample_application: Application) -> None:
        outcomes = run_cases(load_cases(HEFEI)[::5], LibraryTarget.of(sample_application))
        answered = [each for each in outcomes if "citation_exactness" in each.values]
        assert len(answered) > len(outcomes) / 3
        for outcome in answered:
            assert outcome.values["citation_exactness"] == 1, outcome.reasons

    def test_the_library_and_the_server_are_the_same(self, sample_application: Application) -> None:
        cases = select_cases(load_cases(HEFEI), split="development")[::8]
        here = run_cases(cases, LibraryTarget.of(sample_application))
        with _served(sample_application) as url, HttpTarget(url) as target:
            there = run_cases(cases, target)
        assert here == there
        assert any(outcome.reply and outcome.reply.citations for outcome in here)
