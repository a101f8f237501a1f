"""The API for tests: over a real index, over a stand-in that does as it is told, on a real port."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from starlette.testclient import TestClient

from rag.api.app import create_app
from rag.embedders.ranking_fake import RankingFakeEmbedder
from rag.factory import Application
from rag.schema import (
    Answer,
    Citation,
    Collection,
    Hit,
    Passage,
    Question,
    Refusal,
    SearchResult,
    StreamEvent,
    Timings,
)
from rag.settings import Settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from rag.assistant import Assistant
    from rag.library import Library

TEXT = "合肥市2024年地区生产总值增长6%左右。"
QUOTE = "地区生产总值增长6%左右"
HIT = Hit(
    passage=Passage(
        passage_id="d1-0",
        document_id="d1",
        ordinal=0,
        text=TEXT,
        start=100,
        end=100 + len(TEXT),
        section=("二、2024年工作安排",),
        page=3,
    ),
    rank=1,
    score=0.75,
    title="<script>alert(1)</script>",
    source="hefei.txt",
    metadata={"place": "合肥", "year": 2024},
    signals={"dense": 0.5},
)
CITATION = Citation(
    marker=1,
    passage_id="d1-0",
    document_id="d1",
    title=HIT.title,
    source=HIT.source,
    section=HIT.passage.section,
    quote=QUOTE,
    start=108,
    end=108 + len(QUOTE),
    page=3,
)
QUESTION = Question(text="增长多少？", rewritten="增长多少？", language="zh", kind="number")


def answer(question: str, *, refused: bool = False) -> Answer:
    """What the stand-in answers."""
    refusal = Refusal(code="no_evidence", message="文件里没有说明。") if refused else None
    return Answer(
        answer_id="a1",
        question=question,
        rewritten=f"合肥 {question}",
        answer=refusal.message if refusal else f"「{QUOTE}」[1]",
        answered=not refused,
        refusal=refusal,
        confidence=0.1 if refused else 0.9,
        citations=() if refused else (CITATION,),
        hits=(HIT,),
        composer="extractive",
        filters={"place": "合肥"},
        timings=Timings(understand=1.0, retrieve=2.0, compose=3.0, verify=4.004),
    )


@dataclass
class StandIn:
    """An assistant and a library that record their calls and may fail or wait."""

    error: Exception | None = None
    stream_error: Exception | None = None
    before: Callable[[], object] = lambda: None
    between: Callable[[], object] = lambda: None
    refused: bool = False
    composers: tuple[str, ...] = ("extractive",)
    calls: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    def search(self, query: str, **arguments: object) -> SearchResult:
        self._called("search", query=query, **arguments)
        return SearchResult(
            query=query,
            rewritten=query,
            filters={},
            hits=(HIT,),
            question=QUESTION,
            took_ms=1.23456,
        )

    def ask(self, question: str, **arguments: object) -> Answer:
        self._called("ask", question=question, **arguments)
        return answer(question, refused=self.refused)

    def give_feedback(self, answer_id: str, **arguments: object) -> None:
        self._called("give_feedback", answer_id=answer_id, **arguments)

    def stream(self, question: str, **arguments: object) -> Iterator[StreamEvent]:
        self._called("stream", question=question, **arguments)
        return self._events(answer(question, refused=self.refused))

    def collections(self) -> tuple[Collection, ...]:
        self._called("collections")
        return (Collection(name="default", documents=1, passages=1),)

    def _called(self, name: str, **arguments: object) -> None:
        self.calls.append((name, arguments))
        self.before()
        if self.error is not None:
            raise self.error

    def _events(self, whole: Answer) -> Iterator[StreamEvent]:
        yield StreamEvent(kind="passages", hits=whole.hits)
        for start in range(0, len(whole.answer), 5):
            self.between()
            if self.stream_error is not None:
                raise self.stream_error
            yield StreamEvent(kind="delta", text=whole.answer[start : start + 5])
        yield StreamEvent(kind="citations", citations=whole.citations)
        yield StreamEvent(kind="done", answer=whole)


def standing_in(stand_in: StandIn, settings: Settings | None = None) -> Application:
    """An application made of a stand-in."""
    return Application(
        settings=settings or Settings(),
        library=cast("Library", stand_in),
        assistant=cast("Assistant", stand_in),
        embedder=RankingFakeEmbedder(),
    )


def client_of(application: Application, settings: Settings | None = None) -> TestClient:
    """A client of the API over an application, which no lifespan has to open."""
    app = create_app(settings or application.settings, application=application)
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


def events_of(text: str) -> list[tuple[str, str]]:
    """The server-sent events of a reply: their names and their data."""
    events = []
    for block in text.removesuffix("\n\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        events.append((lines.get("event", "message"), lines["data"]))
    return events


def upload(
    client: TestClient, files: Sequence[tuple[str, bytes]], **data: str
) -> tuple[int, dict[str, Any]]:
    """Upload files by name and content: the status and the reply."""
    parts = [("files", (name, content)) for name, content in files]
    response = client.post("/v1/documents", files=parts, data=data)
    body: dict[str, Any] = response.json()
    return response.status_code, body


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The address of a real server on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            # The socket listens already: whoever connects waits until the server is there.
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def open_settings(folder: Path) -> Settings:
    """Settings of an index of its own, without any model."""
    return Settings(data_dir=folder / "index", embedder="ranking-fake")
