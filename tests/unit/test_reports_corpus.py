"""Reading, chunking and metadata over the development corpus of real reports, where it is there."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from rag import readers
from rag.chunking import chunk
from rag.metadata import describe
from tests.conftest import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from rag.schema import ParsedDocument, Passage

LIMIT = 360


CORPUS = PROJECT.parent / "shared" / "corpus"


@pytest.fixture(scope="module")
def chinese() -> dict[str, ParsedDocument]:
    return _read(CORPUS / "reports", count=120)


@pytest.fixture(scope="module")
def english() -> dict[str, ParsedDocument]:
    return _read(CORPUS / "reports_en", count=18)


def _read(folder: Path, *, count: int) -> dict[str, ParsedDocument]:
    if not folder.is_dir():
        pytest.skip(f"the development corpus is not there: no folder {folder}")
    parsed = {
        path.name: readers.read(path.read_bytes(), name=path.name, max_bytes=10_000_000)
        for path in sorted(folder.glob("*.txt"))
    }
    assert len(parsed) == count
    return parsed


def _passages(parsed: ParsedDocument) -> tuple[Passage, ...]:
    return chunk(parsed, document_id="d", max_characters=LIMIT)


def test_offsets_order_coverage_and_sizes(
    chinese: dict[str, ParsedDocument], english: dict[str, ParsedDocument]
) -> None:
    for name, parsed in {**chinese, **english}.items():
        passages = _passages(parsed)
        end = 0
        for passage in passages:
            assert parsed.text[passage.start : passage.end] == passage.text, name
            assert end <= passage.start, name
            assert len(passage.text) <= LIMIT, name
            between = "".join(parsed.text[end : passage.start].split())
            left_out = _boilerplate(parsed, end, passage.start)
            assert between == left_out, name
            end = passage.end
        assert "".join(parsed.text[end:].split()) == _boilerplate(parsed, end, len(parsed.text))


def _boilerplate(parsed: ParsedDocument, start: int, end: int) -> str:
    blocks = [b for b in parsed.blocks if b.kind == "boilerplate" and start <= b.start < end]
    return "".join("".join(parsed.text[b.start : b.end].split()) for b in blocks)


def test_only_controls_of_web_pages_are_boilerplate(
    chinese: dict[str, ParsedDocument], english: dict[str, ParsedDocument]
) -> None:
    marked = {
        name: [parsed.text[b.start : b.end] for b in parsed.blocks if b.kind == "boilerplate"]
        for name, parsed in {**chinese, **english}.items()
    }
    with_any = {name for name, lines in marked.items() if lines}
    assert with_any == {
        "云南省-2026.txt",
        "四川省-2026.txt",
        "宁夏回族自治区-2026.txt",
        "陕西省-2026.txt",
    }
    assert all(len(line) <= 12 for lines in marked.values() for line in lines)


def test_passages_are_neither_tiny_nor_uniform(chinese: dict[str, ParsedDocument]) -> None:
    sizes = [len(p.text) for parsed in chinese.values() for p in _passages(parsed)]
    assert sum(size < 40 for size in sizes) < 0.01 * len(sizes)
    assert sorted(sizes)[len(sizes) // 2] > 150


def test_metadata_is_that_of_the_list(chinese: dict[str, ParsedDocument]) -> None:
    with (CORPUS / "reports-META.tsv").open(encoding="utf-8") as lines:
        expected = {row["file"]: row for row in csv.DictReader(lines, delimiter="\t")}
    for name, parsed in chinese.items():
        found = describe(parsed, source=name)
        row = expected[name]
        level = {"municipality": "province"}.get(row["level"], row["level"])
        assert (found["place"], found["year"], found["level"]) == (
            row["region"],
            int(row["year"]),
            level,
        )
    kinds = Counter(describe(p, source=name).get("kind") for name, p in chinese.items())
    # One file of 1964 is an excerpt that begins in mid-report and does not say what it is.
    assert kinds == {"government_work_report": 119, None: 1}


def test_without_a_helpful_name_the_text_says_no_wrong_place_or_year(
    chinese: dict[str, ParsedDocument],
) -> None:
    silent = 0
    for name, parsed in chinese.items():
        place, year = name.removesuffix(".txt").rsplit("-", 1)
        found = describe(parsed, source="upload.txt")
        assert found.get("place", place) == place, name
        assert found.get("year", int(year)) == int(year), name
        silent += "place" not in found or "year" not in found
    assert silent <= 26


def test_provincial_reports_of_the_last_years_name_date_and_speaker(
    chinese: dict[str, ParsedDocument],
) -> None:
    recent = {n: p for n, p in chinese.items() if n[-8:-4] >= "2025" and not n.startswith("全国")}
    assert len(recent) == 62
    for name, parsed in recent.items():
        found = describe(parsed, source=name)
        assert str(found["date"]).startswith(name[-8:-4]), name
        assert 2 <= len(str(found["speaker"])) <= 9, name


def test_metadata_of_the_english_reports(english: dict[str, ParsedDocument]) -> None:
    for name, parsed in english.items():
        found = describe(parsed, source=name)
        assert (found["place"], found["year"]) == ("全国", int(name.split("-")[1][:4])), name
        assert found["kind"] == "government_work_report", name
        assert str(found["year"]) in str(found["title"]), name


def test_recent_reports_review_and_plan(chinese: dict[str, ParsedDocument]) -> None:
    for name, parsed in chinese.items():
        if name[-8:-4] < "2003":
            continue
        passages = _passages(parsed)
        counts = Counter(passage.period for passage in passages)
        assert counts["review"] + counts["retrospect"] >= 0.1 * len(passages), name
        assert counts["plan"] >= 0.2 * len(passages), name
        # The review comes first: nothing is reviewed after the plan has begun, but in chapters on
        # five-year plans, which do both.
        chapters = [p.period for p in passages if len(p.section) == 1 or p.ordinal == 0]
        assert chapters[0] is None, name
        first_plan = next(p.ordinal for p in passages if p.period == "plan")
        assert all(p.period in {None, "plan"} for p in passages[first_plan:]), name
        if "全国" not in name and name[-8:-4] == "2025":
            assert not counts["retrospect"], name


def test_recent_english_reports_review_and_plan(english: dict[str, ParsedDocument]) -> None:
    for name, parsed in english.items():
        if name[9:13] in {"2016", "2017", "2018"}:
            continue  # their chapters have no headings
        counts = Counter(passage.period for passage in _passages(parsed))
        assert counts["review"] + counts["retrospect"] > 50, name
        if name[9:13] in {"2008", "2013", "2023"}:  # the last report of a term of five years
            assert counts["retrospect"] > 50, name
        assert counts["plan"] > 150, name


def test_the_chapters_of_recent_reports_are_few_and_numbered_on(
    chinese: dict[str, ParsedDocument],
) -> None:
    for name, parsed in chinese.items():
        if name[-8:-4] < "2003":
            continue
        chapters = list(dict.fromkeys(p.section[0] for p in _passages(parsed) if p.section))
        assert 2 <= len(chapters) <= 10, (name, chapters)
        counted = [chapter[0] for chapter in chapters if chapter[1:2] == "、"]
        assert counted == list("一二三四五六七八九"[: len(counted)]), (name, chapters)
