"""docs/api.md: every command in it works, and replies with what is printed below it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rag.api.app import create_app
from rag.factory import open_application
from rag.settings import Settings, settings_table
from tests.api_samples import client_of, events_of, serving
from tests.conftest import PROJECT, SAMPLE

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from rag.factory import Application

GUIDE = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
COMMANDS = re.findall(r"```console\n\$ (curl .*?[^\\])\n(.*?)```", GUIDE, flags=re.DOTALL)
FILES = {"公园.txt": "本市2025年计划建设公园20个。\n", "empty.txt": ""}


@pytest.fixture(scope="module")
def application(
    tmp_path_factory: pytest.TempPathFactory, sample_embedder: str
) -> Iterator[Application]:
    """The sample report under the name that `make run` gives it."""
    folder = tmp_path_factory.mktemp("guide") / "index"
    with open_application(Settings(data_dir=folder, embedder=sample_embedder)) as opened:
        opened.library.add_bytes(SAMPLE.read_bytes(), name="corpus/hefei-2024.txt")
        yield opened


@pytest.fixture(scope="module")
def client(application: Application) -> TestClient:
    return client_of(application)


def _sent(client: TestClient, command: str) -> Any:
    """Send what a curl command would."""
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    method, address, headers, body, files, form = "GET", "", {}, None, [], {}
    for word in words:
        if word in {"-s", "-sN"}:
            continue
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
            method = "POST" if method == "GET" else method
        elif word == "-F":
            method = "POST"
            name, _, value = next(words).partition("=")
            if value.startswith("@"):
                files.append((name, (value[1:], FILES[value[1:]].encode())))
            else:
                form[name] = value
        else:
            assert word.startswith(ADDRESS), word
            address = word.removeprefix(ADDRESS)
    return client.request(
        method, address, headers=headers, content=body, files=files or None, data=form or None
    )


def _keys(printed: str) -> list[str]:
    """The members of the printed object, in order."""
    if printed.count("\n") == 1:
        return list(json.loads(printed))
    return re.findall(r'^  "(\w+)":', printed, flags=re.MULTILINE)


def test_commands_in_the_guide_work_in_order(client: TestClient) -> None:
    """One after the other: what one uploads, the next ones show and delete."""
    assert len(COMMANDS) >= 14
    for command, printed in COMMANDS:
        reply = _sent(client, command)

        status = re.search(r'"status": (\d+)', printed)
        assert reply.status_code == (int(status[1]) if status else reply.status_code), command
        assert reply.is_success or status, (command, reply.text)
        if printed.startswith("event: "):
            expected = re.findall(r"^event: (\w+)", printed, flags=re.MULTILINE)
            assert set(expected) == {name for name, _ in events_of(reply.text)}
        elif printed:
            assert _keys(printed) == list(reply.json()), command
        else:
            assert reply.content == b""


def test_the_program_in_the_guide_runs(application: Application, client: TestClient) -> None:
    (program, printed) = re.findall(
        r"```python\n(.*?)```\n\n```text\n(.*?)```", GUIDE, flags=re.DOTALL
    )[0]
    asked = {"question": "2024年将建设多少套保障性住房？"}
    expected = client.post("/v1/ask", json=asked).json()
    output = StringIO()

    app = create_app(application.settings, application=application)
    with serving(app) as address, redirect_stdout(output):
        exec(program.replace(ADDRESS, address), {})  # noqa: S102 - our own text

    lines = output.getvalue().splitlines()
    assert lines[0] == lines[-2] == expected["answer"]
    assert lines[1].endswith(expected["citations"][0]["quote"])
    assert lines[-1] == f"2 {application.embedder.info.dimension}"
    assert len(lines) == len(printed.splitlines())


def test_every_setting_that_the_guide_names_is_there() -> None:
    named = set(re.findall(r"`(max_\w+)`", GUIDE))

    assert named
    assert all(f"`{name}`" in settings_table() for name in named)


def test_every_path_of_the_api_is_in_the_guide(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path in paths:
        pattern = re.escape(path).replace(r"\{document_id\}", r"d[0-9a-f]{16}")
        pattern = pattern.replace(r"\{passage_id\}", r"d[0-9a-f]{16}-\d+")
        pattern = pattern.replace(r"\{name\}", r"\w+")
        assert re.search(pattern, GUIDE), path


def test_every_code_of_an_error_is_in_the_guide() -> None:
    sources = (PROJECT / "src" / "rag" / "api").glob("*.py")
    codes = {
        code
        for source in sources
        for code in re.findall(r'Problem\(\s*\d+,\s*code="(\w+)"', Path(source).read_text("utf-8"))
    }

    assert len(codes) > 8
    for code in codes:
        assert f"`{code}`" in GUIDE, code
