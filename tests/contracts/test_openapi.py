"""The API's description is complete and true: every operation, every example, every reply."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema_rs import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from rag.api.app import create_app
from rag.factory import Application, open_application
from tests.api_samples import client_of, events_of, open_settings
from tests.conftest import SAMPLE

if TYPE_CHECKING:
    from starlette.testclient import TestClient

METHODS = {"delete", "get", "patch", "post"}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The sample report, in an index that may be written to."""
    with open_application(open_settings(tmp_path_factory.mktemp("openapi"))) as opened:
        # As the examples have it: uploaded under its plain name, which is part of all ids.
        opened.library.add_bytes(SAMPLE.read_bytes(), name=SAMPLE.name)
        yield opened


@pytest.fixture(scope="module")
def client(application: Application) -> TestClient:
    return client_of(application)


@pytest.fixture(scope="module")
def description(client: TestClient) -> dict[str, Any]:
    described: dict[str, Any] = client.get("/openapi.json").json()
    return described


def _operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            assert method in METHODS
            yield method.upper(), path, operation


def _check(description: dict[str, Any], schema: dict[str, Any], instance: object) -> None:
    whole = {**schema, "components": description["components"]}
    Draft202012Validator(whole).validate(instance)


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def test_every_operation_has_a_name_a_tag_and_an_explanation(description: dict[str, Any]) -> None:
    names = [operation["operationId"] for *_, operation in _operations(description)]
    tags = {tag["name"] for tag in description["tags"]}

    assert len(set(names)) == len(names)
    for _, _, operation in _operations(description):
        assert set(operation["tags"]) <= tags
        assert operation["summary"]
        assert operation["description"]


def test_every_reference_leads_somewhere(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    references = set(_references(description))

    assert {reference.removeprefix("#/components/schemas/") for reference in references} <= set(
        schemas
    )
    # Errors are problems: the shape that the framework would describe is never sent.
    assert "HTTPValidationError" not in schemas


def test_errors_are_described_as_problems(description: dict[str, Any]) -> None:
    for method, path, operation in _operations(description):
        errors = {status for status in operation["responses"] if status >= "400"}
        if path == "/healthz":
            assert not errors
            continue
        assert "503" in errors
        if path != "/readyz":
            assert "429" in errors
        if method == "POST":
            assert {"400", "413", "415", "422"} <= errors
        if "{" in path:
            assert "404" in errors
        for status in errors:
            content = operation["responses"][status]["content"]["application/problem+json"]
            _check(description, content["schema"], content["example"])
            assert content["example"]["status"] == int(status)


def test_every_example_fits_its_schema(description: dict[str, Any]) -> None:
    checked = 0
    for _, path, operation in _operations(description):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None:
            assert body["examples"], path
            for example in body["examples"].values():
                _check(description, body["schema"], example["value"])
                checked += 1
        for status in ("200", "201"):
            content = operation["responses"].get(status, {}).get("content", {})
            reply = content.get("application/json", {})
            if "example" in reply:
                _check(description, reply["schema"], reply["example"])
                checked += 1
    assert checked > 20


def test_every_reply_but_the_simplest_has_an_example(description: dict[str, Any]) -> None:
    without = {
        operation["operationId"]
        for _, _, operation in _operations(description)
        if not any(
            "example"
            in operation["responses"].get(status, {}).get("content", {}).get("application/json", {})
            for status in ("200", "201")
        )
    }

    assert without == {"delete_collection", "delete_document", "health"}


def test_examples_are_true_of_the_sample(description: dict[str, Any], client: TestClient) -> None:
    paths = description["paths"]
    found = paths["/v1/search"]["post"]["responses"]["200"]["content"]["application/json"]
    asked = paths["/v1/ask"]["post"]["responses"]["200"]["content"]["application/json"]
    chat = paths["/v1/chat/completions"]["post"]["responses"]["200"]["content"]["application/json"]
    document_id = client.get("/v1/documents").json()["documents"][0]["document_id"]
    text = client.get(f"/v1/documents/{document_id}").json()["text"]
    citations = [*asked["example"]["citations"], *chat["example"]["citations"]]

    assert asked["example"]["answered"]
    assert citations
    for citation in citations:
        assert citation["document_id"] == document_id
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    for passage in [*found["example"]["passages"], *asked["example"]["passages"]]:
        assert passage["document_id"] == document_id
        assert text[passage["start"] : passage["end"]] == passage["text"]


@pytest.mark.parametrize("path", ["/v1/search", "/v1/ask", "/v1/embeddings", "/v1/feedback"])
def test_every_example_request_is_answered(
    description: dict[str, Any], client: TestClient, path: str
) -> None:
    operation = description["paths"][path]["post"]
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        reply = client.post(path, json=example["value"])

        assert reply.is_success, reply.text


def test_an_example_of_a_stream_is_the_example_reply(description: dict[str, Any]) -> None:
    for path in ("/v1/ask", "/v1/chat/completions"):
        content = description["paths"][path]["post"]["responses"]["200"]["content"]
        reply = content["application/json"]["example"]
        events = events_of(content["text/event-stream"]["example"])
        if path == "/v1/ask":
            last = json.loads(events[-1][1])
            assert events[-1][0] == "done"
            assert last["answer"] == reply["answer"]
            _check(description, content["application/json"]["schema"], last)
        else:
            assert events[-1][1] == "[DONE]"
            assert json.loads(events[-2][1])["citations"] == reply["citations"]


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
"""Not among them: that all data that fits the schema is accepted. An empty question fits it."""


@pytest.fixture(scope="module")
def api_schema(application: Application) -> Any:
    # The tool calls its server by another name than this machine's.
    open_to_all = replace(application.settings, host="0.0.0.0")  # noqa: S104 - nothing listens
    app = create_app(open_to_all, application=application)
    return schemathesis.openapi.from_asgi("/openapi.json", app)


OPERATIONS = [
    ("POST", "/v1/search"),
    ("POST", "/v1/ask"),
    ("POST", "/v1/feedback"),
    ("GET", "/v1/documents"),
    ("POST", "/v1/documents"),
    ("GET", "/v1/documents/{document_id}"),
    ("DELETE", "/v1/documents/{document_id}"),
    ("GET", "/v1/documents/{document_id}/passages"),
    ("GET", "/v1/passages/{passage_id}"),
    ("GET", "/v1/collections"),
    ("POST", "/v1/collections"),
    ("PATCH", "/v1/collections/{name}"),
    ("DELETE", "/v1/collections/{name}"),
    ("GET", "/v1/collections/{name}/metadata"),
    ("GET", "/v1/models"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1/chat/completions"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
]


def test_all_paths_of_the_contract_are_there(description: dict[str, Any]) -> None:
    assert {(method, path) for method, path, _ in _operations(description)} == set(OPERATIONS)


CASES = [(*operation, GenerationMode.POSITIVE) for operation in OPERATIONS] + [
    # Where nothing is asked for, or any text will do, no request can be wrong.
    (method, path, GenerationMode.NEGATIVE)
    for method, path in OPERATIONS
    if method == "POST" or path in {"/v1/documents", "/v1/passages/{passage_id}"}
]


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    CASES,
    ids=[f"{mode.value} {method} {path}" for method, path, mode in CASES],
)
def test_replies_are_as_described(
    api_schema: Any, method: str, path: str, mode: GenerationMode
) -> None:
    """Requests that fit the description, and requests that do not, made up by schemathesis."""
    operation = api_schema[path][method]

    @settings(
        max_examples=20,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=CHECKS)

    check()
