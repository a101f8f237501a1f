"""Parsers that hang, break down or eat memory cost the file they were given, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import MissingDependency, UnreadableDocument
from rag.readers import ParsingLimits, read
from rag.readers.worker import parse_apart
from tests import format_samples as samples

WILD = '''
"""A parser that does as the file says."""
import os, sys, time

def parse(data, *, name, limits):
    from rag.schema import Block, ParsedDocument
    order = data.decode()
    if order == "hang":
        time.sleep(600)
    if order == "spin":
        while True:
            pass
    if order == "crash":
        os.kill(os.getpid(), 11)
    if order == "exit":
        os._exit(7)
    if order == "eat":
        bytearray(10**10)
    if order == "recurse":
        parse(data, name=name, limits=limits)
    if order == "need":
        import a_parser_that_is_not_here
    print("noise on standard output")
    text = f"{order} {os.getpid()}"
    return ParsedDocument(text=text, blocks=(Block(start=0, end=len(text)),))
'''
LIMITS = ParsingLimits(seconds=30, memory_bytes=600 * 2**20)


@pytest.fixture(autouse=True)
def wild(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that workers find among those of the readers."""
    (tmp_path / "wild.py").write_text(WILD)
    (tmp_path / "sitecustomize.py").write_text(
        f"import rag.readers\nrag.readers.__path__.append({str(tmp_path)!r})\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    monkeypatch.setenv("PYTHONPATH", path)


def parse(order: str, limits: ParsingLimits = LIMITS) -> str:
    return parse_apart("wild", order.encode(), name="wild.bin", limits=limits).text


@pytest.mark.parametrize("order", ["hang", "spin"])
def test_a_parser_that_takes_too_long_is_stopped(order: str) -> None:
    limits = ParsingLimits(seconds=2, memory_bytes=LIMITS.memory_bytes)
    with pytest.raises(UnreadableDocument, match=r"wild\.bin took longer than 2 s"):
        parse(order, limits)
    assert parse("fine", limits).startswith("fine ")


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ("crash", "broke down over it (SIGSEGV)"),
        ("exit", "broke down over it (exit code 7)"),
        ("eat", "needs more memory than its parser may have"),
        ("recurse", "is nested more deeply"),
    ],
)
def test_a_parser_that_breaks_down_costs_its_file(order: str, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=r"wild\.bin") as caught:
        parse(order)
    assert says in str(caught.value)
    assert parse("fine").startswith("fine ")


FILES = {
    "a.pdf": samples.pdf([["一句话。", "Two words."]] * 2),
    "a.docx": samples.word("# 标题", "一句话。", samples.CITIES),
    "a.xlsx": samples.workbook({"一": samples.CITIES}),
    "a.epub": samples.epub("书", ["<h1>一</h1><p>一句话。</p>"]),
    "a.html": "<h1>标题</h1><p>一句话。<table><tr><td>甲<td>1</table>".encode(),
}


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(sorted(FILES)),
    damage=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_any_damage_is_read_or_refused_with_a_reason(
    name: str, damage: list[tuple[float, int]]
) -> None:
    data = bytearray(FILES[name])
    for place, value in damage:
        data[int(place * (len(data) - 1))] = value
    try:
        parsed = read(bytes(data), name=name, max_bytes=10**7)
    except UnreadableDocument as error:
        said = str(error)
    else:
        said = name + parsed.text
    assert said.startswith(name)
    assert "broke down" not in said


def test_a_missing_parser_says_what_to_install() -> None:
    with pytest.raises(MissingDependency, match="a_parser_that_is_not_here"):
        parse("need")


def test_one_process_serves_many_files_and_several_at_once() -> None:
    first = parse("fine")
    assert parse("fine") == first

    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(parse("fine"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4


def test_a_worker_ends_with_the_process_that_it_works_for() -> None:
    program = (
        "from rag.readers.worker import parse_apart\nfrom rag.readers import ParsingLimits\n"
        "import time\n"
        "print(parse_apart('wild', b'fine', name='x', limits=ParsingLimits()).text, flush=True)\n"
        "time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    worker = int(process.stdout.readline().split()[1])
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    for _ in range(1_000):
        try:
            state = Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        threading.Event().wait(0.01)
    pytest.fail(f"worker {worker} lives on")
