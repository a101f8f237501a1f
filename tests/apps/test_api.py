"""The HTTP API: what each path takes and gives, over a real index and over a stand-in."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Mount
from starlette.testclient import TestClient

from rag.api.app import create_app
from rag.errors import (
    CollectionNotFound,
    IndexDamaged,
    IndexLocked,
    IndexMismatch,
    IndexMissing,
    InvalidInput,
    MissingDependency,
    ModelUnavailable,
    RagError,
    Unavailable,
    UnreadableDocument,
)
from rag.factory import Application, open_application
from rag.schema import FileOutcome, Turn
from rag.settings import Settings
from tests.api_samples import (
    CITATION,
    QUOTE,
    TEXT,
    StandIn,
    client_of,
    open_settings,
    serving,
    standing_in,
    upload,
)
from tests.conftest import SAMPLE

REPORT = (
    "# 合肥市2024年政府工作报告\n\n## 一、2023年工作回顾\n\n地区生产总值增长5.8%。\n\n"
    "## 二、2024年工作安排\n\n地区生产总值增长6%左右。建设保障性住房3000套。\n"
).encode()


@pytest.fixture
def application(tmp_path: Path) -> Iterator[Application]:
    """An empty index of the test's own."""
    with open_application(open_settings(tmp_path)) as opened:
        yield opened


@pytest.fixture
def client(application: Application) -> TestClient:
    return client_of(application)


@pytest.fixture(scope="module")
def sample(sample_application: Application) -> TestClient:
    """The API over the sample report. Not to be written to."""
    return client_of(sample_application)


class TestQuestions:
    def test_a_reply_has_the_fields_of_the_contract(self) -> None:
        stand_in = StandIn()

        reply = client_of(standing_in(stand_in)).post("/v1/ask", json={"question": "增长多少？"})

        passage = {
            "passage_id": "d1-0",
            "document_id": "d1",
            "collection": "default",
            "title": "<script>alert(1)</script>",
            "source": "hefei.txt",
            "section": ["二、2024年工作安排"],
            "text": TEXT,
            "start": 100,
            "end": 100 + len(TEXT),
            "score": 0.75,
            "page": 3,
            "metadata": {"place": "合肥", "year": 2024},
        }
        citation = {
            "marker": 1,
            "passage_id": "d1-0",
            "document_id": "d1",
            "title": "<script>alert(1)</script>",
            "source": "hefei.txt",
            "section": ["二、2024年工作安排"],
            "quote": QUOTE,
            "start": CITATION.start,
            "end": CITATION.end,
            "page": 3,
        }
        assert reply.json() == {
            "id": "a1",
            "question": "增长多少？",
            "rewritten": "合肥 增长多少？",
            "answer": f"「{QUOTE}」[1]",
            "answered": True,
            "refusal": None,
            "confidence": 0.9,
            "citations": [citation],
            "passages": [passage],
            "composer": "extractive",
            "notice": None,
            "filters": {"place": "合肥"},
            "took_ms": 10.0,
        }
        # What documents hold is data: it is sent as JSON, which no browser takes for a page.
        assert reply.headers["content-type"] == "application/json"
        assert reply.headers["x-content-type-options"] == "nosniff"

    def test_a_refusal_says_why(self) -> None:
        client = client_of(standing_in(StandIn(refused=True)))

        reply = client.post("/v1/ask", json={"question": "?"}).json()

        assert reply["answered"] is False
        assert reply["refusal"] == {"code": "no_evidence", "message": "文件里没有说明。"}
        assert reply["citations"] == []
        assert len(reply["passages"]) == 1

    def test_everything_asked_for_reaches_the_assistant(self) -> None:
        stand_in = StandIn()
        body = {
            "question": "那2023年呢？",
            "collection": "reports",
            "filters": {"place": "合肥", "year": 2024},
            "history": [
                {"role": "user", "content": "2024年呢？"},
                {"role": "assistant", "content": "6%"},
            ],
            "top_k": 7,
            "composer": "extractive",
            "exact": True,
        }

        reply = client_of(standing_in(stand_in)).post("/v1/ask", json=body)

        assert reply.status_code == 200, reply.text
        assert stand_in.calls == [
            (
                "ask",
                {
                    **body,
                    "history": [
                        Turn(role="user", content="2024年呢？"),
                        Turn(role="assistant", content="6%"),
                    ],
                },
            )
        ]

    def test_what_is_left_out_comes_from_the_settings(self) -> None:
        stand_in = StandIn()
        application = standing_in(stand_in, Settings(top_k=9))

        client_of(application).post("/v1/search", json={"query": "增长"})

        assert stand_in.calls == [
            (
                "search",
                {
                    "query": "增长",
                    "collection": "default",
                    "filters": {},
                    "top_k": 9,
                    "exact": False,
                },
            )
        ]

    @pytest.mark.parametrize(("path", "field"), [("/v1/search", "query"), ("/v1/ask", "question")])
    def test_an_explanation_is_given_only_when_asked_for(self, path: str, field: str) -> None:
        client = client_of(standing_in(StandIn()))

        plain = client.post(path, json={field: "增长"}).json()["passages"][0]
        explained = client.post(path, json={field: "增长", "explain": True}).json()["passages"][0]

        assert explained == {**plain, "rank": 1, "signals": {"dense": 0.5}}
        assert "rank" not in plain

    def test_the_sample_is_searched(self, sample: TestClient) -> None:
        reply = sample.post("/v1/search", json={"query": "保障性住房", "top_k": 3}).json()

        assert len(reply["passages"]) == 3
        assert "保障性住房" in reply["passages"][0]["text"]
        scores = [passage["score"] for passage in reply["passages"]]
        assert scores == sorted(scores, reverse=True)

    def test_every_place_in_a_reply_is_exact(self, sample: TestClient) -> None:
        question = {"question": "2024年地区生产总值增长目标是多少？"}

        reply = sample.post("/v1/ask", json=question).json()

        assert reply["answered"], reply
        document_id = reply["citations"][0]["document_id"]
        text = sample.get(f"/v1/documents/{document_id}").json()["text"]
        for citation in reply["citations"]:
            assert text[citation["start"] : citation["end"]] == citation["quote"]
            assert f"[{citation['marker']}]" in reply["answer"]
        for passage in reply["passages"]:
            assert text[passage["start"] : passage["end"]] == passage["text"]

    def test_the_same_question_has_the_same_answer(self, sample: TestClient) -> None:
        body = {"question": "2024年将建设多少套保障性住房？"}

        first, second = (sample.post("/v1/ask", json=body).json() for _ in range(2))

        del first["took_ms"], second["took_ms"]
        assert first == second

    def test_questions_are_answered_while_others_are(self, sample: TestClient) -> None:
        queries = ["轨道交通", "保障性住房", "地区生产总值", "新能源汽车"] * 5

        def first_passage(query: str) -> str:
            reply = sample.post("/v1/search", json={"query": query, "top_k": 1})
            passage_id: str = reply.json()["passages"][0]["passage_id"]
            return passage_id

        alone = [first_passage(query) for query in queries]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(first_passage, queries))

        assert together == alone


class TestDocuments:
    def test_a_document_goes_in_is_shown_and_goes(self, client: TestClient) -> None:
        status, reply = upload(client, [("report.md", REPORT)])
        document_id = reply["results"][0]["document_id"]
        assert status == 200
        assert reply["kept"] == 1
        assert reply["results"][0]["status"] == "added"

        shown = client.get(f"/v1/documents/{document_id}").json()
        passages = client.get(f"/v1/documents/{document_id}/passages").json()["passages"]
        listed = client.get("/v1/documents").json()

        assert shown["source"] == "report.md"
        assert shown["characters"] == len(shown["text"])
        assert shown["passages"] == len(passages) == reply["results"][0]["passages"]
        for passage in passages:
            assert shown["text"][passage["start"] : passage["end"]] == passage["text"]
        del shown["text"]
        assert listed == {"collection": "default", "total": 1, "documents": [shown]}

        gone = client.delete(f"/v1/documents/{document_id}")

        assert (gone.status_code, gone.content) == (204, b"")
        assert client.get("/v1/documents").json()["total"] == 0
        for again in (
            client.get(f"/v1/documents/{document_id}"),
            client.get(f"/v1/documents/{document_id}/passages"),
            client.delete(f"/v1/documents/{document_id}"),
        ):
            assert again.status_code == 404
            assert again.json()["code"] == "document_not_found"
        assert client.post("/v1/search", json={"query": "住房"}).json()["passages"] == []

    def test_a_passage_is_shown_among_its_neighbours(self, client: TestClient) -> None:
        text = "\n\n".join(f"## 第{number}节\n\n这里有{number}件事。" for number in range(4))
        _, reply = upload(client, [("four.md", text.encode())])
        document_id = reply["results"][0]["document_id"]
        passages = client.get(f"/v1/documents/{document_id}/passages").json()["passages"]

        middle = client.get(f"/v1/passages/{passages[1]['passage_id']}").json()
        first = client.get(f"/v1/passages/{passages[0]['passage_id']}?neighbours=20").json()
        alone = client.get(f"/v1/passages/{passages[3]['passage_id']}?neighbours=0").json()

        assert middle == {
            "document_id": document_id,
            "before": passages[:1],
            "passage": passages[1],
            "after": passages[2:3],
        }
        assert (first["before"], first["after"]) == ([], passages[1:])
        assert (alone["before"], alone["after"]) == ([], [])

    @pytest.mark.parametrize(
        ("path", "status", "code", "detail"),
        [
            ("nonsense", 404, "passage_not_found", "Expected the passage_id of a search"),
            ("{document}-99", 404, "passage_not_found", "go from '{document}-0' to '{document}-"),
            ("d0000000000000000-0", 404, "document_not_found", "no document 'd0000000000000000'"),
            ("{document}-0?neighbours=21", 422, "invalid_request", "neighbours"),
            ("{document}-0?neighbours=-1", 422, "invalid_request", "neighbours"),
            ("{document}-0?neighbours=two", 422, "invalid_request", "neighbours"),
            ("{document}-0?neighbors=2", 422, "invalid_request", "'neighbours'"),
        ],
    )
    def test_passages_that_are_not_there_are_explained(
        self, client: TestClient, path: str, status: int, code: str, detail: str
    ) -> None:
        _, reply = upload(client, [("report.md", REPORT)])
        document = reply["results"][0]["document_id"]

        shown = client.get("/v1/passages/" + path.format(document=document))

        assert (shown.status_code, shown.json()["code"]) == (status, code)
        assert detail.format(document=document) in shown.json()["detail"]

    def test_a_passage_of_a_document_that_changed_names_the_new_one(
        self, client: TestClient
    ) -> None:
        _, old = upload(client, [("report.md", REPORT)])
        _, new = upload(client, [("report.md", REPORT.replace(b"3000", b"4000"))])

        shown = client.get(f"/v1/passages/{old['results'][0]['document_id']}-0")

        assert shown.status_code == 404
        assert shown.json()["replacement"] == new["results"][0]["document_id"]

    def test_what_filters_may_name_is_counted(self, client: TestClient) -> None:
        metadata = '{"place": "芜湖", "year": 2031, "rank": 4}'
        upload(client, [("report.md", REPORT), ("note.txt", b"A note.")], metadata=metadata)
        upload(client, [("other.txt", b"Another note.")], metadata='{"year": 2024}')
        upload(client, [("plain.txt", b"Without any.")], collection="plain")

        found = client.get("/v1/collections/default/metadata").json()

        assert found["collection"] == "default"
        assert found["metadata"]["place"] == [{"value": "芜湖", "documents": 2}]
        assert found["metadata"]["year"] == [
            {"value": 2024, "documents": 1},
            {"value": 2031, "documents": 2},
        ]
        # What tells single documents apart, or is no filter, is left out.
        assert not found["metadata"].keys() & {"title", "source", "document_id", "rank"}
        for key, values in found["metadata"].items():
            for each in values:
                documents = client.get("/v1/documents", params={key: each["value"]}).json()
                assert documents["total"] == each["documents"]
        empty = client.get("/v1/collections/plain/metadata").json()
        assert empty == {"collection": "plain", "metadata": {}}
        missing = client.get("/v1/collections/nowhere/metadata")
        assert (missing.status_code, missing.json()["code"]) == (404, "collection_not_found")

    def test_good_files_of_a_batch_are_kept(self, client: TestClient) -> None:
        status, reply = upload(
            client,
            [("empty.txt", b""), ("report.md", REPORT), ("binary.txt", bytes(range(256)) * 8)],
        )

        assert status == 200
        assert [result["status"] for result in reply["results"]] == ["failed", "added", "failed"]
        assert (reply["kept"], reply["failed"]) == (1, 2)
        assert reply["results"][0]["error"]["code"] == "unreadable_document"
        assert "empty.txt" in reply["results"][0]["error"]["message"]
        assert client.get("/v1/documents").json()["total"] == 1

    def test_a_batch_that_keeps_nothing_is_an_error_with_the_same_results(
        self, client: TestClient
    ) -> None:
        status, reply = upload(client, [("empty.txt", b""), ("notes.exe", b"MZ")])

        assert status == 422
        assert reply["code"] == "no_document_added"
        assert [result["status"] for result in reply["results"]] == ["failed", "failed"]
        assert "empty.txt" in reply["detail"]
        assert "notes.exe" in reply["detail"]

    def test_a_new_version_replaces_the_old_one(self, client: TestClient) -> None:
        upload(client, [("report.md", REPORT)])

        _, same = upload(client, [("report.md", REPORT)])
        _, new = upload(client, [("report.md", REPORT.replace(b"3000", b"4000"))])

        assert same["results"][0]["status"] == "unchanged"
        assert new["results"][0]["status"] == "replaced"
        assert client.get("/v1/documents").json()["total"] == 1

    def test_two_files_of_one_name_do_not_replace_each_other(self, client: TestClient) -> None:
        _, reply = upload(client, [("2023/report.md", REPORT), ("2024/report.md", b"# Other")])

        assert [result["status"] for result in reply["results"]] == ["added", "failed"]
        assert reply["results"][1]["error"]["code"] == "duplicate_name"

    def test_metadata_and_collection_are_kept(self, client: TestClient) -> None:
        upload(
            client,
            [("report.md", REPORT)],
            collection="reports",
            metadata='{"place": "芜湖", "year": 2031}',
        )

        documents = client.get("/v1/documents?collection=reports&year=2031&place=芜湖").json()
        assert documents["total"] == 1
        assert documents["documents"][0]["metadata"]["place"] == "芜湖"
        assert client.get("/v1/documents?collection=reports&year=2030").json()["total"] == 0
        names = [each["name"] for each in client.get("/v1/collections").json()["collections"]]
        assert names == ["default", "reports"]

    def test_a_single_file_may_be_called_file(self, client: TestClient) -> None:
        reply = client.post("/v1/documents", files={"file": ("report.md", REPORT)})

        assert reply.json()["kept"] == 1

    def test_a_long_list_comes_in_pages(self, client: TestClient) -> None:
        upload(client, [(f"{number}.txt", f"第{number}号文件。".encode()) for number in range(5)])

        first = client.get("/v1/documents?limit=2").json()
        last = client.get("/v1/documents?limit=2&offset=4").json()

        assert first["total"] == last["total"] == 5
        assert [each["source"] for each in first["documents"]] == ["0.txt", "1.txt"]
        assert [each["source"] for each in last["documents"]] == ["4.txt"]

    def test_what_was_kept_before_the_engine_failed_is_told(
        self, application: Application, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        add = application.library.add_bytes

        def failing(data: bytes, *, name: str, **arguments: Any) -> FileOutcome:
            if name == "second.txt":
                raise Unavailable("The disk is full. Free some space.")
            return add(data, name=name, **arguments)

        monkeypatch.setattr(application.library, "add_bytes", failing)

        status, reply = upload(client_of(application), [("a.txt", b"One."), ("second.txt", b"Two")])

        assert status == 503
        assert reply["code"] == "unavailable"
        assert "The disk is full" in reply["detail"]
        assert [result["source"] for result in reply["results"]] == ["a.txt"]
        assert client_of(application).get("/v1/documents").json()["total"] == 1

    def test_uploads_at_once_are_all_kept(self, application: Application) -> None:
        app = create_app(application.settings, application=application)

        def add(number: int) -> int:
            client = TestClient(app, base_url="http://localhost")
            return upload(client, [(f"{number}.txt", f"文件{number}的内容。".encode())])[0]

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(add, range(4))) == [200] * 4
        assert client_of(application).get("/v1/documents").json()["total"] == 4


FEEDBACK = {"answer_id": "a1", "rating": -1, "comment": "应为6%"}


class TestFeedback:
    def test_it_is_kept(self, client: TestClient) -> None:
        reply = client.post("/v1/feedback", json=FEEDBACK)

        assert (reply.status_code, reply.json()) == (201, FEEDBACK)


ERRORS = [
    (InvalidInput("x"), 422),
    (CollectionNotFound("x"), 404),
    (UnreadableDocument("x"), 422),
    (IndexMissing("x"), 503),
    (IndexDamaged("x"), 503),
    (IndexMismatch("x"), 503),
    (IndexLocked("x"), 503),
    (ModelUnavailable("x"), 503),
    (MissingDependency("x"), 503),
    (Unavailable("x"), 503),
    (RagError("x"), 500),
]


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "status"), ERRORS, ids=lambda each: getattr(each, "code", "")
    )
    def test_every_error_of_the_product_is_a_problem(self, error: RagError, status: int) -> None:
        reply = client_of(standing_in(StandIn(error=error))).post("/v1/ask", json={"question": "?"})

        assert reply.status_code == status
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["content-security-policy"].startswith("default-src 'none'")
        body = reply.json()
        assert body["code"] == error.code
        assert body["detail"] == "x"
        assert body["status"] == status
        assert body["type"] == "about:blank"
        assert body["title"]

    def test_an_unexpected_error_tells_nothing_but_an_id(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        stand_in = StandIn(error=ZeroDivisionError("secret"))

        reply = client_of(standing_in(stand_in)).post("/v1/ask", json={"question": "?"})

        assert reply.status_code == 500
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert "secret" not in reply.text
        assert reply.json()["code"] == "unexpected_error"
        assert reply.json()["id"] in caplog.text
        assert "ZeroDivisionError: secret" in caplog.text

    @pytest.mark.parametrize("mounted", [False, True], ids=["no page", "page"])
    def test_paths_and_methods_there_are_not(self, mounted: bool) -> None:
        client = client_of(standing_in(StandIn()))
        if mounted:
            page = Mount("/", PlainTextResponse("page"))
            client.app.router.routes.append(page)  # type: ignore[attr-defined]

        unknown = client.get("/v1/answers")
        wrong = client.get("/v1/ask")
        other = client.put("/v1/documents")

        assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_path")
        assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
        assert wrong.headers["allow"] == "POST"
        assert other.headers["allow"] == "GET, POST"
        for reply in (unknown, wrong, other):
            assert reply.headers["content-type"] == "application/problem+json"
        assert client.get("/elsewhere").status_code == (200 if mounted else 404)

    def test_openai_clients_find_the_message_where_they_look(self) -> None:
        stand_in = StandIn(error=InvalidInput("The question is empty."))

        reply = client_of(standing_in(stand_in)).post(
            "/v1/chat/completions",
            json={"model": "any", "messages": [{"role": "user", "content": " "}]},
        )

        assert reply.json()["error"] == {
            "message": "The question is empty.",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_input",
        }


class TestService:
    def test_it_is_alive_and_ready(self, sample: TestClient) -> None:
        assert sample.get("/healthz").json() == {"status": "ok"}
        reply = sample.get("/readyz")
        assert reply.status_code == 200
        assert reply.json()["documents"] == 1
        assert reply.json()["passages"] > 20

    def test_it_is_not_ready_while_it_opens(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        may_open = threading.Event()

        def slow(settings: Settings) -> Application:
            may_open.wait()
            return open_application(settings)

        monkeypatch.setattr("rag.api.opening.open_application", slow)
        app = create_app(open_settings(tmp_path))
        with TestClient(app, base_url="http://localhost") as client:
            early = client.get("/readyz")
            alive = client.get("/healthz")
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(client.get, "/v1/collections")
                may_open.set()
                served = waiting.result()
            late = client.get("/readyz")

        assert early.status_code == 503
        assert early.headers["retry-after"] == "1"
        assert early.json()["code"] == "not_ready"
        assert "index and the model" in early.json()["detail"]
        assert alive.status_code == 200
        assert served.status_code == 200
        assert late.json()["status"] == "ready"

    def test_an_index_that_cannot_be_opened_is_told_by_every_request(self, tmp_path: Path) -> None:
        settings = open_settings(tmp_path)
        settings.data_dir.mkdir()
        (settings.data_dir / "catalog.sqlite3").write_bytes(b"not a database" * 100)
        with TestClient(create_app(settings), base_url="http://localhost") as client:
            asked = client.post("/v1/ask", json={"question": "?"})
            ready = client.get("/readyz")
            alive = client.get("/healthz")

        assert (asked.status_code, asked.json()["code"]) == (503, "index_damaged")
        assert (ready.status_code, ready.json()["code"]) == (503, "index_damaged")
        assert str(settings.data_dir) in ready.json()["detail"]
        assert alive.status_code == 200

    def test_what_it_opened_it_closes(self, tmp_path: Path) -> None:
        settings = open_settings(tmp_path)
        with TestClient(create_app(settings), base_url="http://localhost") as client:
            upload(client, [("report.md", REPORT)])

        # A second process could not write while the first held its lock.
        with TestClient(create_app(settings), base_url="http://localhost") as client:
            assert upload(client, [("other.txt", b"Another document.")])[0] == 200
            assert client.get("/readyz").json()["documents"] == 2

    def test_what_was_given_stays_open(self, application: Application) -> None:
        app = create_app(application.settings, application=application)
        with TestClient(app, base_url="http://localhost") as client:
            assert client.get("/readyz").status_code == 200

        assert application.library.collections()[0].name == "default"

    @pytest.mark.parametrize("error", [None, IndexLocked("Another process writes.")], ids=str)
    def test_it_asks_itself_first_so_that_nobody_waits(self, error: RagError | None) -> None:
        stand_in = StandIn(error=error)
        app = create_app(Settings(), application=standing_in(stand_in))

        with TestClient(app, base_url="http://localhost") as client:
            assert client.get("/healthz").status_code == 200

        assert [name for name, _ in stand_in.calls] == ["ask"]

    def test_before_it_starts_it_says_so(self, tmp_path: Path) -> None:
        client = TestClient(create_app(open_settings(tmp_path)), base_url="http://localhost")

        assert client.get("/v1/models").json()["code"] == "unavailable"


class TestReference:
    def test_the_page_needs_nothing_from_elsewhere(self, sample: TestClient) -> None:
        page = sample.get("/docs")
        addresses = re.findall(r'(?:src|href|url)\s*[=:]\s*"([^"]*)"', page.text)
        addresses += re.findall(r'url: "([^"]*)"', sample.get("/docs/start.js").text)

        assert len(addresses) == 6
        for address in addresses:
            if address != "data:,":
                assert sample.get(f"/{address}").status_code == 200, address
        policy = page.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "http" not in policy

    def test_a_sample_report_goes_through_a_real_server(self, tmp_path: Path) -> None:
        import httpx2

        app = create_app(open_settings(tmp_path))
        with serving(app) as address, httpx2.Client(base_url=address, timeout=60) as client:
            added = client.post(
                "/v1/documents", files=[("files", ("合肥-2024.txt", SAMPLE.read_bytes()))]
            )
            found = client.post("/v1/search", json={"query": "保障性住房3000套", "top_k": 1})

        assert added.json()["results"][0]["source"] == "合肥-2024.txt"
        assert "保障性住房3000套" in found.json()["passages"][0]["text"]
