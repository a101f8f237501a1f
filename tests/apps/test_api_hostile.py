"""What strangers send: sizes, shapes, names and origins that are not meant well."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from rag.api.app import create_app
from rag.api.documents import plain_name
from rag.api.security import MAX_REQUESTS, MAX_UPLOADS, Guard, is_loopback
from rag.api.wire import AskReply
from rag.factory import Application, open_application
from rag.settings import Settings
from tests.api_samples import client_of, open_settings, serving, upload

if TYPE_CHECKING:
    from pathlib import Path

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """An index with one document."""
    with open_application(open_settings(tmp_path_factory.mktemp("hostile"))) as opened:
        opened.library.add_bytes("建设保障性住房3000套。".encode(), name="plan.txt")
        yield opened


@pytest.fixture(scope="module")
def client(application: Application) -> TestClient:
    return client_of(application)


def _check_problem(reply: Any, status: int, code: str) -> dict[str, Any]:
    assert (reply.status_code, reply.headers["content-type"]) == (
        status,
        "application/problem+json",
    ), reply.text
    body: dict[str, Any] = reply.json()
    assert body["code"] == code, body
    assert body["detail"]
    return body


class TestBodies:
    @pytest.mark.parametrize("stream", [False, True])
    @pytest.mark.parametrize("question", ["", " \n\t", "\u200b", "\x00", "问" * 100_000])
    def test_questions_that_are_none(self, client: TestClient, question: str, stream: bool) -> None:
        reply = client.post("/v1/ask", json={"question": question, "stream": stream})

        body = _check_problem(reply, 422, "invalid_input")
        assert len(body["detail"]) < 300

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"\xff\xfe\x00",
            b'{"question": "?"} and more',
            b"[" * 100_000,
            b'{"question": ' + b'{"a": ' * 50_000,
            b"1" * 5_000,
        ],
        ids=["nothing", "half", "no UTF-8", "more than one", "deep", "deep objects", "a number"],
    )
    def test_bodies_that_are_no_object(self, client: TestClient, content: bytes) -> None:
        reply = client.post("/v1/ask", content=content, headers=JSON)

        assert reply.status_code in {400, 422}
        assert reply.headers["content-type"] == "application/problem+json"
        assert len(reply.text) < 1_000

    @pytest.mark.parametrize(
        ("body", "field", "message"),
        [
            ("[]", "", "The body is an array. Expected an object."),
            ('{"question": 5}', "question", "question is 5. Expected a text."),
            ('{"question": null}', "question", "question is null. Expected a text."),
            ("{}", "question", "question is missing."),
            (
                '{"question": "?", "topk": 3}',
                "topk",
                "Unknown field 'topk'. Did you mean 'top_k'?",
            ),
            (
                '{"question": "?", "top_k": "3"}',
                "top_k",
                'top_k is "3". Expected a whole number.',
            ),
            (
                '{"question": "?", "filters": {"year": 90071992547409930}}',
                "filters.year",
                f"filters.year is 90071992547409930. It should be less than or equal to {2**53}.",
            ),
            (
                '{"question": "?", "filters": []}',
                "filters",
                "filters is an array. Expected an object.",
            ),
            (
                '{"question": "?", "filters": {"year": [2024]}}',
                "filters.year",
                "filters.year is an array. Expected a text or a whole number.",
            ),
            (
                '{"question": "?", "history": [{"role": "user", "text": "?"}]}',
                "history.0.content",
                "history.0.content is missing.",
            ),
            (
                '{"question": "a\\ud800"}',
                "question",
                "question holds half of a surrogate pair (U+D800). Expected Unicode text.",
            ),
        ],
    )
    def test_the_wrong_field_is_named(
        self, client: TestClient, body: str, field: str, message: str
    ) -> None:
        reply = client.post("/v1/ask", content=body, headers=JSON)

        errors = _check_problem(reply, 422, "invalid_request")["errors"]
        assert {"field": field, "message": message} in errors

    @pytest.mark.parametrize("top_k", [0, 51, -1, 10**30, 2.5, True])
    def test_numbers_out_of_range(self, client: TestClient, top_k: float) -> None:
        reply = client.post("/v1/search", json={"query": "住房", "top_k": top_k})

        errors = _check_problem(reply, 422, "invalid_request")["errors"]
        assert [error["field"] for error in errors] == ["top_k"]

    @pytest.mark.parametrize(
        "filters",
        [{"colour": "red"}, {"year": "2024"}, {"year": 10**400}, {"place": 3}, {"\x00": 1}],
        ids=["unknown", "a text", "huge", "a number", "NUL"],
    )
    def test_filters_that_are_none(self, client: TestClient, filters: dict[str, object]) -> None:
        reply = client.post("/v1/ask", json={"question": "?", "filters": filters})

        assert reply.status_code in {400, 422}, reply.text
        assert reply.headers["content-type"] == "application/problem+json"

    def test_names_with_half_characters_can_be_reported(self, client: TestClient) -> None:
        reply = client.post(
            "/v1/ask",
            content=b'{"question": "?", "\\udc00": 1, "filters": {"\\ud83d": 1}}',
            headers=JSON,
        )

        assert reply.status_code == 422
        assert reply.json()["errors"]

    def test_another_content_type_is_refused(self, client: TestClient) -> None:
        # What a page may send elsewhere without being asked for permission.
        for content_type in ("text/plain", "application/x-www-form-urlencoded"):
            reply = client.post(
                "/v1/ask", content='{"question": "?"}', headers={"content-type": content_type}
            )
            _check_problem(reply, 415, "unsupported_media_type")

    def test_packed_bodies_are_not_unpacked(self, client: TestClient) -> None:
        reply = client.post(
            "/v1/ask",
            content=gzip.compress(b'{"question": "?"}'),
            headers={**JSON, "content-encoding": "gzip"},
        )

        _check_problem(reply, 400, "malformed_request")

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(st.text(max_size=60))
    def test_any_text_can_be_asked(self, application: Application, text: str) -> None:
        reply = client_of(application).post("/v1/ask", json={"question": text})

        assert reply.status_code in {200, 422}, reply.text
        if reply.status_code == 200:
            assert 0 <= AskReply.model_validate(reply.json()).confidence <= 1


class TestSizes:
    def test_json_has_a_limit_of_its_own(self, client: TestClient) -> None:
        reply = client.post("/v1/ask", json={"question": "a" * (8 * 2**20)})

        assert "8 MB are accepted" in _check_problem(reply, 413, "request_too_large")["detail"]

    def test_uploads_have_the_limit_that_is_set(self, application: Application) -> None:
        small = client_of(application, Settings(max_request_megabytes=1))

        reply = small.post("/v1/documents", files={"files": ("big.txt", b"a" * 2**20)})

        assert "1 MB are accepted" in _check_problem(reply, 413, "request_too_large")["detail"]

    @pytest.mark.parametrize("path", ["/v1/ask", "/v1/documents"])
    def test_a_body_that_does_not_say_how_long_it_is_is_cut_off(
        self, application: Application, path: str
    ) -> None:
        limits = Settings(max_request_megabytes=1)
        app = create_app(limits, application=application)
        sent = []

        def endless() -> Iterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
            for _ in range(64):
                sent.append(1)
                yield b"a" * 2**18

        kind = (
            "multipart/form-data; boundary=x" if path == "/v1/documents" else JSON["content-type"]
        )
        client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
        reply = client.post(path, content=endless(), headers={"content-type": kind})

        _check_problem(reply, 413, "request_too_large")

    def test_a_file_over_its_limit_fails_alone(self, tmp_path: Path) -> None:
        limits = Settings(
            data_dir=tmp_path / "index", embedder="ranking-fake", max_file_megabytes=1
        )
        with open_application(limits) as application:
            status, reply = upload(
                client_of(application),
                [("big.txt", "长".encode() * 2**19), ("small.txt", "短文。".encode())],
            )

        assert status == 200
        assert [result["status"] for result in reply["results"]] == ["failed", "added"]
        assert "at most 1,048,576" in reply["results"][0]["error"]["message"]

    def test_too_many_files(self, application: Application) -> None:
        limits = Settings(max_upload_files=2)
        application = Application(
            settings=limits,
            library=application.library,
            assistant=application.assistant,
            embedder=application.embedder,
        )

        status, reply = upload(client_of(application), [(f"{n}.txt", b"a") for n in range(3)])

        assert status == 422
        assert "3 files were sent; 2 are accepted" in reply["detail"]

    def test_more_form_parts_than_any_upload_has(self, client: TestClient) -> None:
        parts = [("files", (f"{number}.txt", b"a")) for number in range(1_100)]

        _check_problem(client.post("/v1/documents", files=parts), 400, "malformed_request")


class TestUploads:
    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("../../etc/passwd.txt", "passwd.txt"),
            ("..\\..\\windows\\system.txt", "system.txt"),
            ("/etc/cron.d/job.txt", "job.txt"),
            ("C:\\报告\\合肥.txt", "合肥.txt"),
            ("a\x00b\x1f\x7f.txt", "ab.txt"),
            ("report\u202etxt.md", "reporttxt.md"),
            ("..", "upload"),
            (". . /", "upload"),
            ("", "upload"),
            (None, "upload"),
            ("\ud800.txt", ".txt"),
            ("名" * 300 + ".txt", "名" * 196 + ".txt"),
        ],
        ids=str,
    )
    def test_a_name_is_a_plain_file_name(self, sent: str | None, kept: str) -> None:
        assert plain_name(sent) == kept

    @given(st.text(alphabet=st.characters(), max_size=50))
    def test_no_name_leaves_its_folder(self, sent: str) -> None:
        name = plain_name(sent)

        assert name.strip(". ")
        assert not set(name) & set("/\\\x00\r\n")
        assert plain_name(name) == name

    def test_a_traversing_name_is_kept_plain(self, client: TestClient) -> None:
        _, reply = upload(client, [("../../../tmp/evil.txt", "一句话。".encode())])

        assert reply["results"][0]["source"] == "evil.txt"
        assert client.delete(f"/v1/documents/{reply['results'][0]['document_id']}").is_success

    def test_markup_stays_text(self, client: TestClient) -> None:
        markup = "<script>alert(1)</script><img src=x onerror=alert(1)>报告说明住房三千套。"
        _, reply = upload(client, [("<b>evil</b>.txt", markup.encode())])
        document_id = reply["results"][0]["document_id"]

        shown = client.get(f"/v1/documents/{document_id}")

        assert shown.json()["text"] == markup
        assert shown.headers["content-type"] == "application/json"
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert "script" not in shown.headers["content-security-policy"].replace("script-src", "")
        client.delete(f"/v1/documents/{document_id}")

    @pytest.mark.parametrize(
        ("metadata", "message"),
        [
            ("{", "it is not JSON"),
            ("[" * 100_000, "it is not JSON"),
            ("[1]", "it is a list"),
            ('{"year": 2024.5}', "'year' is a float"),
            ('{"year": true}', "'year' is a bool"),
            ('{"a": {"b": 1}}', "'a' is a dict"),
            ('{"Year": 2024}', "'Year' cannot be a metadata key"),
            ('{"year": 1e999}', "'year' is a float"),
            ('{"title": " "}', "'title'"),
            ('{"title": "\\ud800"}', "half of a surrogate pair"),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_metadata_that_is_none(self, client: TestClient, metadata: str, message: str) -> None:
        status, reply = upload(client, [("a.txt", b"Some words.")], metadata=metadata)

        assert status == 422
        assert message in reply["detail"]

    @pytest.mark.parametrize("collection", ["../x", "a/b", "a" * 65, "\x00", " x"])
    def test_collections_that_cannot_be(self, client: TestClient, collection: str) -> None:
        status, reply = upload(client, [("a.txt", b"Some words.")], collection=collection)

        assert status == 422
        assert "cannot name a collection" in reply["detail"]

    def test_forms_that_are_none(self, client: TestClient) -> None:
        nothing = client.post("/v1/documents")
        json = client.post("/v1/documents", json={"files": []})
        text = client.post("/v1/documents", files={"files": (None, "just text")})
        other = client.post("/v1/documents", files={"document": ("a.txt", b"a")})
        torn = client.post(
            "/v1/documents",
            content=b"--a\r\nContent-Disposition: form-data; name=",
            headers={"content-type": "multipart/form-data; boundary=b"},
        )
        boundless = client.post(
            "/v1/documents", content=b"a", headers={"content-type": "multipart/form-data"}
        )

        assert "No file was sent" in _check_problem(nothing, 422, "invalid_request")["detail"]
        _check_problem(json, 415, "unsupported_media_type")
        assert "a text field" in _check_problem(text, 422, "invalid_request")["detail"]
        assert "'document'" in _check_problem(other, 422, "invalid_request")["detail"]
        _check_problem(torn, 400, "malformed_request")
        _check_problem(boundless, 400, "malformed_request")


class TestPaths:
    @pytest.mark.parametrize(
        "document_id", ["nothing", "..%2f..%2fetc", "%00", "%ff", "'; drop table", "d" * 5_000]
    )
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_documents_there_are_not(
        self, client: TestClient, method: str, document_id: str
    ) -> None:
        reply = client.request(method, f"/v1/documents/{document_id}")

        assert reply.status_code == 404
        assert reply.headers["content-type"] == "application/problem+json"

    @pytest.mark.parametrize(
        ("query", "field"),
        [("limit=0", "limit"), ("limit=x", "limit"), ("offset=-1", "offset"), ("yeer=1", "yeer")],
    )
    def test_queries_that_are_none(self, client: TestClient, query: str, field: str) -> None:
        body = _check_problem(client.get(f"/v1/documents?{query}"), 422, "invalid_request")

        assert [error["field"] for error in body["errors"]] == [field]

    def test_a_collection_there_is_not(self, client: TestClient) -> None:
        for reply in (
            client.get("/v1/documents?collection=nowhere"),
            client.post("/v1/search", json={"query": "?", "collection": "nowhere\x00"}),
        ):
            assert "nowhere" in _check_problem(reply, 404, "collection_not_found")["detail"]


class TestOrigins:
    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"origin": "http://localhost:3000"},
            {"origin": "http://localhost", "sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
        ],
        ids=str,
    )
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", "/v1/ask"),
            ("POST", "/v1/documents"),
            ("DELETE", "/v1/documents/d1"),
            ("POST", "/anything/of/the/page"),
        ],
    )
    def test_other_pages_can_change_nothing(
        self, client: TestClient, method: str, path: str, headers: dict[str, str]
    ) -> None:
        _check_problem(client.request(method, path, headers=headers), 403, "cross_origin")

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"origin": "http://localhost"},
            {"origin": "http://localhost", "sec-fetch-site": "same-origin"},
            {"origin": "https://proxied.example", "sec-fetch-site": "same-origin"},
        ],
        ids=str,
    )
    def test_own_pages_and_programs_can(self, client: TestClient, headers: dict[str, str]) -> None:
        reply = client.post("/v1/search", json={"query": "住房"}, headers=headers)

        assert reply.status_code == 200

    def test_other_pages_may_not_read_either(self, client: TestClient) -> None:
        reply = client.get("/v1/documents", headers={"origin": "https://evil.example"})
        asked = client.options(
            "/v1/ask",
            headers={"origin": "https://evil.example", "access-control-request-method": "POST"},
        )

        assert asked.status_code == 405
        for each in (reply, asked):
            assert "access-control-allow-origin" not in each.headers
            assert each.headers["cross-origin-resource-policy"] == "same-origin"

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "localhost.evil.example", "192.168.1.5:8000", "[::2]:80", ":80"],
    )
    def test_names_that_are_not_this_machine(self, client: TestClient, host: str) -> None:
        for path in ("/v1/documents", "/", "/docs"):
            _check_problem(client.get(path, headers={"host": host}), 421, "unknown_host")

    @pytest.mark.parametrize(
        "host",
        ["localhost:8000", "LOCALHOST", "127.0.0.1", "127.8.9.1:80", "[::1]:8000", "a.localhost"],
    )
    def test_names_that_are(self, client: TestClient, host: str) -> None:
        assert client.get("/healthz", headers={"host": host}).status_code == 200

    def test_a_server_for_others_has_other_names(self, application: Application) -> None:
        client = client_of(application, Settings(host="0.0.0.0"))  # noqa: S104 - what is tested

        assert client.get("/healthz", headers={"host": "rag.example:8000"}).status_code == 200

    def test_what_loopback_is(self) -> None:
        assert is_loopback("::1")
        assert not is_loopback("::")
        assert not is_loopback("localhost.example")

    @pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/v1/models", "/v1/none"])
    def test_every_response_is_marked(self, client: TestClient, path: str) -> None:
        headers = client.get(path).headers

        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors" in headers["content-security-policy"]
        assert "http" not in headers["content-security-policy"]


class TestLoad:
    @pytest.mark.parametrize(
        ("most", "is_upload"), [(MAX_UPLOADS, True), (MAX_REQUESTS, False)], ids=["uploads", "all"]
    )
    def test_only_so_many_requests_are_under_way(self, most: int, is_upload: bool) -> None:
        arrived = threading.Semaphore(0)
        may_go_on = threading.Event()

        async def waiting(scope: Any, _receive: Any, send: Any) -> None:
            assert scope["type"] == "http", "it has no lifespan, which a server takes for an answer"
            arrived.release()
            await anyio.to_thread.run_sync(may_go_on.wait, limiter=anyio.CapacityLimiter(1))
            await PlainTextResponse("done")(scope, _receive, send)

        path = "/v1/documents" if is_upload else "/v1/ask"
        guarded = Guard(waiting, settings=Settings())
        with serving(guarded) as address, ThreadPoolExecutor(most + 1) as pool:
            held = [pool.submit(httpx2.post, address + path, timeout=60) for _ in range(most)]
            for _ in range(most):
                arrived.acquire()
            refused = httpx2.post(address + path, timeout=60)
            alive = pool.submit(httpx2.get, address + "/healthz", timeout=60) if is_upload else None
            may_go_on.set()
            assert {each.result().status_code for each in held} == {200}
            after = httpx2.post(address + path, timeout=60)

        body = _check_problem(refused, 429, "too_many_requests")
        assert refused.headers["retry-after"] == "1"
        assert body["detail"].startswith(f"{most} ")
        assert after.status_code == 200
        assert alive is None or alive.result().status_code == 200
