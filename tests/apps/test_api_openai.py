"""OpenAI's endpoints, as OpenAI's own client uses them, over a real server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import openai
import pytest

from rag.api.app import create_app
from rag.embedders.ranking_fake import RankingFakeEmbedder
from rag.errors import Unavailable
from rag.schema import Turn
from tests.api_samples import QUOTE, StandIn, client_of, events_of, serving, standing_in

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam
    from starlette.testclient import TestClient

    from rag.factory import Application

QUESTION = "2024年将建设多少套保障性住房？"
MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def official(sample_application: Application) -> Iterator[openai.OpenAI]:
    """OpenAI's client over the sample report. Not to be written to."""
    app = create_app(sample_application.settings, application=sample_application)
    with (
        serving(app) as address,
        openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def native(sample_application: Application) -> TestClient:
    """The same application over the native paths."""
    return client_of(sample_application)


def _chat(stand_in: StandIn, **body: object) -> Any:
    messages = body.pop("messages", MESSAGES)
    client = client_of(standing_in(stand_in))
    return client.post("/v1/chat/completions", json={"model": "any", "messages": messages, **body})


class TestOfficialClient:
    def test_models(self, official: openai.OpenAI, sample_application: Application) -> None:
        names = [model.id for model in official.models.list()]

        assert names == ["rag-extractive", sample_application.embedder.info.name]

    def test_a_completion_is_the_native_answer(
        self, official: openai.OpenAI, native: TestClient
    ) -> None:
        expected = native.post("/v1/ask", json={"question": QUESTION}).json()

        completion = official.chat.completions.create(model="any", messages=MESSAGES)

        assert completion.model == "rag-extractive"
        assert completion.choices[0].message.content == expected["answer"]
        assert completion.choices[0].finish_reason == "stop"
        extra = completion.model_extra or {}
        assert extra["citations"] == expected["citations"]
        assert extra["evidence"] == {
            "answer_id": expected["id"],
            "answered": expected["answered"],
            "refusal": expected["refusal"],
            "confidence": expected["confidence"],
            "notice": None,
            "passages": expected["passages"],
        }

    def test_a_streamed_completion_is_the_same(self, official: openai.OpenAI) -> None:
        plain = official.chat.completions.create(model="any", messages=MESSAGES)

        chunks = list(
            official.chat.completions.create(
                model="any",
                messages=MESSAGES,
                stream=True,
                stream_options={"include_usage": True},
            )
        )

        words = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
        assert "".join(words) == plain.choices[0].message.content
        assert {chunk.id for chunk in chunks} == {plain.id}
        assert chunks[0].choices[0].delta.role == "assistant"
        assert chunks[-2].choices[0].finish_reason == "stop"
        assert (chunks[-2].model_extra or {})["citations"] == (plain.model_extra or {})["citations"]
        assert (chunks[-2].model_extra or {})["evidence"] == (plain.model_extra or {})["evidence"]
        assert chunks[-1].usage == plain.usage

    def test_fields_of_our_own(self, official: openai.OpenAI) -> None:
        completion = official.chat.completions.create(
            model="any", messages=MESSAGES, extra_body={"top_k": 1, "filters": {"year": 1999}}
        )

        evidence = (completion.model_extra or {})["evidence"]
        assert evidence["refusal"]["code"] == "no_documents"
        assert (completion.model_extra or {})["citations"] == []

    def test_embeddings(self, official: openai.OpenAI, sample_application: Application) -> None:
        texts = ["合肥市政府工作报告", "rail transit"]

        reply = official.embeddings.create(model="any", input=texts)  # in base64, by default

        expected = sample_application.embedder.embed_passages(texts)
        vectors = np.array([each.embedding for each in reply.data], dtype=np.float32)
        np.testing.assert_array_equal(vectors, expected)
        assert reply.model == sample_application.embedder.info.name

    def test_its_errors_say_what_is_wrong(self, official: openai.OpenAI) -> None:
        with pytest.raises(openai.UnprocessableEntityError, match="The question is empty"):
            official.chat.completions.create(
                model="any", messages=[{"role": "user", "content": " "}]
            )
        with pytest.raises(openai.NotFoundError, match="collection 'nowhere'"):
            official.chat.completions.create(
                model="any", messages=MESSAGES, extra_body={"collection": "nowhere"}
            )
        with pytest.raises(openai.UnprocessableEntityError, match="Unknown field 'colection'"):
            official.chat.completions.create(
                model="any", messages=MESSAGES, extra_body={"colection": "x"}
            )


class TestDialogue:
    def test_the_last_user_message_is_the_question(self) -> None:
        stand_in = StandIn()
        messages = [
            {"role": "system", "content": "You are a pirate."},
            {"role": "user", "content": [{"type": "text", "text": "2024年呢？"}]},
            {"role": "assistant", "content": "6%"},
            {"role": "user", "content": "2023年呢？", "name": "somebody"},
            {"role": "assistant", "content": "Let me see."},
        ]

        _chat(stand_in, messages=messages)

        _, arguments = stand_in.calls[0]
        assert arguments["question"] == "2023年呢？"
        assert arguments["history"] == [
            Turn(role="user", content="2024年呢？"),
            Turn(role="assistant", content="6%"),
        ]

    def test_without_one_there_is_no_question(self) -> None:
        reply = _chat(StandIn(), messages=[{"role": "system", "content": "Be brief."}])

        assert reply.status_code == 422
        assert reply.json()["error"]["param"] == "messages"
        assert "holds no user message (found: system)" in reply.json()["detail"]

    def test_what_steers_other_models_is_accepted(self) -> None:
        reply = _chat(
            StandIn(), temperature=0.2, max_tokens=5, tools=[], n=1, user="me", stop=["a"]
        )

        assert reply.json()["choices"][0]["message"]["content"] == f"「{QUOTE}」[1]"

    @pytest.mark.parametrize(
        ("field", "value"), [("n", 2), ("response_format", {"type": "json_object"})]
    )
    def test_what_cannot_be_had_is_refused(self, field: str, value: object) -> None:
        reply = _chat(StandIn(), **{field: value})

        assert reply.status_code == 422
        assert reply.json()["errors"][0]["field"].startswith(field)

    def test_a_refusal_is_an_answer_without_citations(self) -> None:
        reply = _chat(StandIn(refused=True)).json()

        assert reply["choices"][0]["message"]["content"] == "文件里没有说明。"
        assert reply["citations"] == []
        assert reply["evidence"]["refusal"]["code"] == "no_evidence"

    def test_a_stream_ends_as_clients_expect(self) -> None:
        events = events_of(_chat(StandIn(), stream=True).text)

        assert events[-1] == ("message", "[DONE]")
        chunks = [json.loads(data) for _, data in events[:-1]]
        assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
        # Absent is not the same as null to clients that read without asking.
        assert all("finish_reason" in chunk["choices"][0] for chunk in chunks)

    def test_a_stream_that_fails_says_so_and_ends(self) -> None:
        events = events_of(
            _chat(StandIn(stream_error=Unavailable("No reply. Try again.")), stream=True).text
        )

        assert json.loads(events[-2][1])["error"]["message"] == "No reply. Try again."
        assert events[-1][1] == "[DONE]"


class TestEmbeddings:
    def test_the_two_formats_hold_the_same_numbers(self) -> None:
        client = client_of(standing_in(StandIn()))
        body = {"model": "any", "input": "合肥"}

        numbers = client.post("/v1/embeddings", json=body).json()["data"][0]["embedding"]
        encoded = client.post("/v1/embeddings", json={**body, "encoding_format": "base64"}).json()

        decoded = np.frombuffer(base64.b64decode(encoded["data"][0]["embedding"]), dtype="<f4")
        np.testing.assert_array_equal(np.array(numbers, dtype=np.float32), decoded)
        np.testing.assert_allclose(np.linalg.norm(decoded), 1.0, rtol=1e-6)

    def test_questions_are_embedded_as_questions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opposite = -RankingFakeEmbedder().embed_query("合肥")
        monkeypatch.setattr(RankingFakeEmbedder, "embed_query", lambda _self, _text: opposite)
        body = {"model": "any", "input": ["合肥"], "input_type": "query"}

        reply = client_of(standing_in(StandIn())).post("/v1/embeddings", json=body).json()

        np.testing.assert_allclose(reply["data"][0]["embedding"], opposite)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"input": []}, "at least 1 item"),
            ({"input": [1, 2]}, "a text"),
            ({"input": ["", "a"]}, "empty"),
            ({"input": ["a"] * 2049}, "at most 2048"),
            ({"dimensions": 3}, "vectors of 256 numbers"),
            ({"encoding_format": "hex"}, "'float' or 'base64'"),
        ],
        ids=["none", "tokens", "empty", "many", "dimensions", "format"],
    )
    def test_what_cannot_be_embedded_is_said(self, change: dict[str, Any], message: str) -> None:
        body = {"model": "any", "input": "合肥", **change}

        reply = client_of(standing_in(StandIn())).post("/v1/embeddings", json=body)

        assert reply.status_code == 422
        assert message in reply.json()["detail"]
