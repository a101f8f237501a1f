from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rag import readers
from rag.chunking import chunk
from rag.errors import InvalidInput
from rag.schema import Turn
from rag_eval.cases import Case, load_cases, select_cases
from rag_eval.matching import holds_quote, missing_facts

if TYPE_CHECKING:
    from rag.schema import Passage

PROJECT = Path(__file__).resolve().parents[2]
HEFEI = PROJECT / "eval" / "data" / "hefei-2024.jsonl"
DATA = HEFEI.parent
SETS = [
    ("hefei-2024", PROJECT / "corpus" / "hefei-2024.txt"),
    ("port-of-ellsmouth-2022", DATA / "documents" / "port-of-ellsmouth-2022.txt"),
    ("library-handbook", DATA / "documents" / "library-handbook.md"),
]
"""Case files, and what they are about."""


@pytest.fixture
def cases(request: pytest.FixtureRequest) -> tuple[Case, ...]:
    return load_cases(DATA / f"{request.param}.jsonl")


def _file(folder: Path, *lines: object) -> Path:
    path = folder / "mine.jsonl"
    path.write_text(
        "\n".join(
            line if isinstance(line, str) else json.dumps(line, ensure_ascii=False)
            for line in lines
        ),
        encoding="utf-8",
    )
    return path


class TestLoading:
    def test_a_question_and_a_fact_are_enough(self, tmp_path: Path) -> None:
        path = _file(tmp_path, {"question": "增长多少？", "expected": ["5.8%"]})
        (case,) = load_cases(path)
        assert (case.case_id, case.expected, case.answerable) == ("mine-001", (("5.8%",),), True)
        assert (case.language, case.split, case.line) == ("zh", "development", 1)

    def test_every_field_is_read(self, tmp_path: Path) -> None:
        path = _file(
            tmp_path,
            "",
            {
                "id": "a",
                "question": "And in 2024?",
                "language": "en",
                "answerable": True,
                "expected": [["6%", "6 percent"], "GDP"],
                "evidence": ["增长6%左右"],
                "tags": ["english", "follow-up"],
                "history": [
                    {"role": "user", "content": "GDP growth in 2023?"},
                    {"role": "assistant", "content": "5.8% [1]"},
                ],
                "filters": {"place": "合肥市", "year": 2024},
                "split": "test",
                "must_pass": True,
                "note": "a note",
            },
        )
        (case,) = load_cases(path)
        assert case.expected == (("6%", "6 percent"), ("GDP",))
        assert case.history == (
            Turn(role="user", content="GDP growth in 2023?"),
            Turn(role="assistant", content="5.8% [1]"),
        )
        assert case.filters == {"place": "合肥市", "year": 2024}
        assert (case.split, case.must_pass, case.note, case.line) == ("test", True, "a note", 2)

    def test_a_byte_order_mark_does_no_harm(self, tmp_path: Path) -> None:
        path = tmp_path / "cases.jsonl"
        path.write_bytes(b"\xef\xbb\xbf" + b'{"question": "Why?", "expected": ["so"]}\r\n')
        assert load_cases(path)[0].question == "Why?"

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ({"expected": ["5"]}, 'field "question": found nothing; expected a text'),
            ({"question": 5, "expected": ["5"]}, 'field "question": found 5; expected a text'),
            ({"question": "?"}, 'field "expected": found nothing; expected facts or evidence'),
            (
                {"question": "?", "expcted": ["5"]},
                "field \"expcted\": found an unknown field. Did you mean 'expected'?",
            ),
            (
                {"question": "?", "expected": "5"},
                'field "expected": found "5"; expected a list of facts',
            ),
            ({"question": "?", "expected": [[]]}, 'field "expected[0]": found []; expected a text'),
            ({"question": "?", "expected": ["a", " "]}, 'field "expected[1]": found " "; expected'),
            (
                {"question": "?", "expected": ["5"], "answerable": "yes"},
                'field "answerable": found "yes"; expected true or false',
            ),
            (
                {"question": "?", "expected": ["5"], "answerable": False},
                'field "expected": found facts on a case with answerable false',
            ),
            (
                {"question": "?", "expected": ["5"], "split": "train"},
                'field "split": found "train"; expected one of development, test',
            ),
            (
                {"question": "?", "expected": ["5"], "language": "Chinese"},
                'field "language": found "Chinese"; expected one of zh, en, other',
            ),
            (
                {"question": "?", "expected": ["5"], "history": [{"role": "robot", "content": ""}]},
                'field "history[0]": found {"role": "robot", "content": ""}; expected',
            ),
            (
                {"question": "?", "expected": ["5"], "filters": {"year": 20.5}},
                'field "filters.year": found 20.5; expected a text or a whole number',
            ),
            ({"question": "?", "evidence": [5]}, 'field "evidence[0]": found 5; expected a quote'),
            ([1], "found [1], expected one object"),
            ("{no json", "not JSON"),
        ],
        ids=lambda value: json.dumps(value, ensure_ascii=False)[:40],
    )
    def test_a_mistake_is_named_by_file_line_and_field(
        self, tmp_path: Path, line: object, message: str
    ) -> None:
        path = _file(tmp_path, {"question": "?", "expected": ["5"]}, line)
        with pytest.raises(InvalidInput, match=re.escape(f"{path}, line 2")) as caught:
            load_cases(path)
        assert message in str(caught.value)

    def test_all_mistakes_are_named_at_once(self, tmp_path: Path) -> None:
        path = _file(tmp_path, {"expected": ["5"]}, {"question": "?", "expected": 5})
        with pytest.raises(InvalidInput, match=r"line 1.*\n.*line 2"):
            load_cases(path)

    def test_many_mistakes_are_counted(self, tmp_path: Path) -> None:
        path = _file(tmp_path, *["{"] * 25)
        with pytest.raises(InvalidInput, match="… and 5 more problems"):
            load_cases(path)

    def test_an_id_twice(self, tmp_path: Path) -> None:
        case = {"id": "a", "question": "?", "expected": ["5"]}
        with pytest.raises(
            InvalidInput, match=r"line 2, field \"id\": found 'a', which line 1 has"
        ):
            load_cases(_file(tmp_path, case, case))

    def test_an_empty_file(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="holds no cases"):
            load_cases(_file(tmp_path, "", " "))

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="There is no case file"):
            load_cases(tmp_path / "nothing.jsonl")

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="cannot be read"):
            load_cases(tmp_path)

    def test_another_encoding(self, tmp_path: Path) -> None:
        path = tmp_path / "cases.jsonl"
        path.write_bytes('{"question": "增长多少？"}'.encode("gb18030"))
        with pytest.raises(InvalidInput, match=r"not UTF-8 text \(byte 14 is"):
            load_cases(path)


class TestSelection:
    def test_by_split_and_by_any_of_the_tags(self, tmp_path: Path) -> None:
        path = _file(
            tmp_path,
            {"id": "a", "question": "?", "expected": ["5"], "tags": ["name"]},
            {"id": "b", "question": "?", "expected": ["5"], "tags": ["list"], "split": "test"},
            {"id": "c", "question": "?", "expected": ["5"], "tags": ["open"]},
        )
        cases = load_cases(path)

        def ids(**choice: object) -> list[str]:
            return [case.case_id for case in select_cases(cases, **choice)]  # type: ignore[arg-type]

        assert ids() == ["a", "b", "c"]
        assert ids(split="test") == ["b"]
        assert ids(tags=["name", "list"]) == ["a", "b"]
        assert ids(split="development", tags=["name", "list"]) == ["a"]
        with pytest.raises(InvalidInput, match=r"No case has the tag 'nmae'\. Did you mean 'name'"):
            ids(tags=["nmae"])
        with pytest.raises(InvalidInput, match="None of the 3 cases is in split 'test' with"):
            ids(split="test", tags=["name"])


class TestDigest:
    def test_it_changes_with_what_decides_the_outcome_and_nothing_else(
        self, tmp_path: Path
    ) -> None:
        plain = {"question": "?", "expected": ["5"]}
        variants = [
            plain,
            {**plain, "note": "n", "tags": ["t"], "id": "x", "must_pass": True, "split": "test"},
            {**plain, "question": "??"},
            {**plain, "expected": [["5", "6"]]},
            {**plain, "evidence": ["5"]},
            {**plain, "history": [{"role": "user", "content": "a"}]},
            {**plain, "filters": {"year": 2024}},
            {"question": "?", "answerable": False},
        ]
        digests = [case.digest for case in load_cases(_file(tmp_path, *variants))]
        assert digests[0] == digests[1]
        assert len(set(digests)) == len(digests) - 1


def _quotes(case: Case) -> list[str]:
    return [str(each) for each in case.evidence]


def _fits_one_passage(quote: str, passages: Sequence[Passage]) -> bool:
    return any(holds_quote(passage.text, quote) for passage in passages)


@pytest.mark.parametrize(("cases", "document"), SETS, indirect=["cases"], ids=[n for n, _ in SETS])
class TestSets:
    """The case files of the project say only what their documents say."""

    def test_every_quote_and_every_fact_is_in_the_document(
        self, cases: tuple[Case, ...], document: Path
    ) -> None:
        text = document.read_text(encoding="utf-8")
        for case in cases:
            for quote in _quotes(case):
                assert quote in text, case.case_id
            for group in case.expected:
                assert any(fact in text for fact in group), (case.case_id, group)
            assert bool(case.expected and case.evidence) == case.answerable, case.case_id

    def test_one_passage_holds_each_quote(self, cases: tuple[Case, ...], document: Path) -> None:
        parsed = readers.read(document.read_bytes(), name=document.name, max_bytes=10**6)
        passages = chunk(parsed, document_id="d", max_characters=360)
        for case in cases:
            for quote in _quotes(case):
                assert "\n" not in quote, case.case_id
                assert len(quote) <= 120, case.case_id
                assert _fits_one_passage(quote, passages), case.case_id

    def test_no_question_is_asked_twice(self, cases: tuple[Case, ...], document: Path) -> None:
        asked = Counter((case.question, case.history) for case in cases)
        assert [question for question, times in asked.items() if times > 1] == []
        assert document.is_file()

    def test_there_are_enough_of_either_kind_in_either_half(
        self, cases: tuple[Case, ...], document: Path
    ) -> None:
        assert len(cases) >= 25, document
        for split in ("development", "test"):
            half = [case for case in cases if case.split == split]
            assert 0.4 <= len(half) / len(cases) <= 0.6
            assert sum(not case.answerable for case in half) >= 0.2 * len(half)
        for case in cases:
            assert case.answerable != case.tags[0].startswith("unanswerable"), case.case_id
            assert ("follow-up" in case.tags) == bool(case.history), case.case_id
            if case.tags[0] in ("english", "chinese"):
                assert case.language == {"english": "en", "chinese": "zh"}[case.tags[0]]

    def test_the_counts_in_the_readme_are_right(
        self, cases: tuple[Case, ...], document: Path
    ) -> None:
        readme = (DATA / "README.md").read_text(encoding="utf-8")
        unanswerable = sum(not case.answerable for case in cases)
        rows = [line for line in readme.splitlines() if line.startswith("| `")]
        (row,) = [line for line in rows if f"{document.name}`" in line]
        assert row.endswith(f"| {len(cases)} | {unanswerable} |")


class TestHefei:
    """What only the set about the sample report must have."""

    def test_the_evidence_holds_every_alternative(self) -> None:
        for case in load_cases(HEFEI):
            each_alone = [(fact,) for group in case.expected for fact in group]
            assert missing_facts("\n".join(_quotes(case)), each_alone) == (), case.case_id

    def test_every_kind_is_there_in_both_halves(self) -> None:
        cases = load_cases(HEFEI)
        kinds = Counter(case.tags[0] for case in cases)
        least = {
            "number-2023": 30,
            "number-2024": 30,
            "name": 20,
            "list": 20,
            "paraphrase": 30,
            "english": 30,
            "follow-up": 12,
            "yes-no": 8,
            "open": 8,
            "unanswerable-near": 25,
            "unanswerable-far": 12,
        }
        assert {kind: min(kinds[kind], count) for kind, count in least.items()} == least
        assert set(kinds) == set(least)
        halves = Counter((case.tags[0], case.split) for case in cases)
        for kind, count in kinds.items():
            assert abs(halves[kind, "development"] - halves[kind, "test"]) <= 2, kind
            assert halves[kind, "development"] + halves[kind, "test"] == count
        for tag in {tag for case in cases for tag in case.tags}:
            assert {case.split for case in cases if tag in case.tags} == {"development", "test"}
