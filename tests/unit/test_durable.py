"""Locks and published folders: whole or not at all, and no leftovers."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from rag.durable import (
    FileLock,
    Generation,
    Unusable,
    Workshop,
    current_folder,
    load_generation,
    publish_generation,
)


def publish(root: Path, content: str, **facts: int) -> Path:
    workshop = Workshop(root)
    (workshop.folder / "data").write_text(content)
    return publish_generation(workshop, facts)


def read(generation: Generation) -> tuple[str, dict[str, int]]:
    return (generation.folder / "data").read_text(), dict(generation.facts)


def test_the_last_published_is_loaded_with_its_facts_and_older_ones_are_removed(
    tmp_path: Path,
) -> None:
    first = publish(tmp_path, "one", seq=1)
    second = publish(tmp_path, "two", seq=2)
    assert load_generation(tmp_path, read) == ("two", {"seq": 2})
    assert current_folder(tmp_path) == second
    assert not first.exists()


def test_nothing_published_is_no_error(tmp_path: Path) -> None:
    assert load_generation(tmp_path / "none", read) is None
    assert current_folder(tmp_path / "none") is None


@pytest.mark.parametrize(
    "pointer", ["", "generation-x", "../outside 00", "generation-../x 00", "\udcff"]
)
def test_a_damaged_pointer_is_logged_and_leads_nowhere(
    tmp_path: Path, pointer: str, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path, "one")
    (tmp_path / "CURRENT").write_bytes(pointer.encode("utf-8", "surrogateescape"))
    with caplog.at_level(logging.WARNING):
        assert load_generation(tmp_path, read) is None
    assert "it will be rebuilt" in caplog.text


def test_a_reader_may_refuse_what_it_finds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tmp_path, "one")

    def refuse(generation: Generation) -> None:
        raise Unusable(f"{generation.folder.name} is of no use")

    with caplog.at_level(logging.WARNING):
        load_generation(tmp_path, refuse)
    assert "is of no use; it will be rebuilt" in caplog.text


def test_a_reader_overtaken_by_a_publisher_reads_what_is_new(tmp_path: Path) -> None:
    publish(tmp_path, "one")

    def overtaken(generation: Generation) -> str:
        if read(generation)[0] == "one":
            publish(tmp_path, "two")
            raise Unusable("removed while it was read")
        return read(generation)[0]

    assert load_generation(tmp_path, overtaken) == "two"


def test_folders_of_interrupted_builds_go_and_those_under_way_stay(tmp_path: Path) -> None:
    abandoned = tmp_path / "building-1-dead"
    abandoned.mkdir(parents=True)
    (abandoned / "data").write_text("half")
    under_way = Workshop(tmp_path)
    publish(tmp_path, "one")
    assert not abandoned.exists()
    assert under_way.folder.exists()
    under_way.close()
    assert not under_way.folder.exists()


def test_an_adopted_file_is_changed_in_the_new_folder_only(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    (workshop.folder / "segment").write_text("fixed")
    (workshop.folder / "meta.json").write_text("old")
    first = publish_generation(workshop, {})
    second = Workshop(tmp_path)
    second.adopt(first)
    (second.folder / "meta.json").write_text("new")
    assert (first / "meta.json").read_text() == "old"
    assert (second.folder / "segment").read_text() == "fixed"
    second.close()


def test_a_lock_is_held_once_and_says_by_whom(tmp_path: Path) -> None:
    held, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    assert other.holder() == "another process"
    assert held.acquire(timeout_s=0)
    assert not other.acquire(timeout_s=0.05)
    assert other.holder().startswith("process ")
    held.release()
    assert other.acquire(timeout_s=0)
    other.release()
