"""Question sets as the field publishes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rag.errors import InvalidInput, Unavailable
from rag_eval.case import Place, record_of
from rag_eval.cases import load_cases, save_cases
from rag_eval.public_sets import read_folder, read_set, read_squad, write_documents

CONTEXT = "合肥是安徽省的省会。2023年，地区生产总值增长5.8%。人口超过一千万。"
SQUAD: dict[str, Any] = {
    "version": "v2.0",
    "data": [
        {
            "title": "合肥市",
            "paragraphs": [
                {
                    "context": CONTEXT,
                    "qas": [
                        {
                            "id": "q1",
                            "question": "2023年增长多少？",
                            "answers": [
                                {"text": "5.8%", "answer_start": CONTEXT.index("5.8%")},
                                {"text": "5.8%", "answer_start": CONTEXT.index("5.8%")},
                                {"text": "增长5.8%", "answer_start": 0},
                            ],
                        },
                        {
                            "id": "q2",
                            "question": "市长是谁？",
                            "is_impossible": True,
                            "answers": [],
                        },
                    ],
                },
                {
                    "context": "The lake is called Chaohu. It is large.",
                    "qas": [
                        {
                            "id": "q3",
                            "question": "What is the lake called?",
                            "answers": [{"id": "1", "text": "Chaohu", "answer_start": -1}],
                        }
                    ],
                },
            ],
        }
    ],
}
OLDER_CMRC = [
    {
        "context_id": "DEV_0",
        "context_text": CONTEXT,
        "title": "合肥市",
        "qas": [{"query_id": "DEV_0_0", "query_text": "省会是哪里？", "answers": ["合肥"]}],
    }
]


def _written(folder: Path, content: object, name: str = "set.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


class TestSquad:
    def test_questions_answers_and_the_sentences_that_hold_them(self, tmp_path: Path) -> None:
        found = read_squad(_written(tmp_path, SQUAD))
        first, second, third = found.cases
        assert (first.case_id, first.language) == ("q1", "zh")
        assert first.expected == (("5.8%", "增长5.8%"),)
        assert first.evidence == ("2023年，地区生产总值增长5.8%。",)
        assert (second.answerable, second.expected, second.evidence) == (False, (), ())
        assert (third.language, third.evidence) == ("en", ("The lake is called Chaohu.",))
        (document,) = found.documents
        assert document.name == "合肥市.txt"
        assert document.text.split("\n\n")[:2] == ["合肥市", CONTEXT]

    def test_the_older_form_of_cmrc(self, tmp_path: Path) -> None:
        found = read_squad(_written(tmp_path, OLDER_CMRC))
        (case,) = found.cases
        assert (case.case_id, case.question) == ("DEV_0_0", "省会是哪里？")
        assert case.evidence == ("合肥是安徽省的省会。",)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ({"data": [{"title": "x"}]}, "is no question set in SQuAD's form: KeyError"),
            ([1], "is no question set in SQuAD's form: TypeError"),
            ({"data": []}, "holds no questions"),
            ({"rows": []}, "holds no questions"),
        ],
    )
    def test_another_form(self, tmp_path: Path, content: object, message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            read_squad(_written(tmp_path, content))

    def test_no_json(self, tmp_path: Path) -> None:
        path = tmp_path / "set.json"
        path.write_text("{", encoding="utf-8")
        with pytest.raises(InvalidInput, match="is not JSON"):
            read_set(path)
        with pytest.raises(InvalidInput, match="There is no file"):
            read_set(tmp_path / "none.json")


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    corpus = [
        {"_id": "doc/1", "title": "安徽", "text": "合肥是省会。"},
        {"_id": "doc 1", "title": "合肥", "text": "合肥有巢湖。"},
        {"_id": "2", "title": "", "text": "芜湖在长江边。"},
    ]
    queries = [
        {"_id": "a", "text": "哪个是省会？"},
        {
            "_id": "b",
            "text": "Where is Wuhu?",
            "answers": ["长江边"],
            "lang": "en",
            "type": "place",
        },
        {"_id": "c", "text": "没有判断的问题？"},
        {"_id": "d", "text": "没有答案的问题？", "answerable": False, "answers": ["无"]},
    ]
    for name, entries in (("corpus", corpus), ("queries", queries)):
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    judged = "query-id\tcorpus-id\tscore\na\tdoc/1\t2\na\tdoc 1\t0\nb\t2\t1\n"
    (folder / "qrels" / "test.tsv").write_text(judged, encoding="utf-8")
    return folder


class TestFolders:
    def test_judged_documents_are_places(self, beir: Path) -> None:
        found = read_set(beir)
        first, second, third = found.cases
        assert first.evidence == (Place(document=found.documents[0].name),)
        assert (first.case_id, first.expected) == ("a", ())
        assert (second.expected, second.language, second.tags) == ((("长江边",),), "en", ("place",))
        assert (third.case_id, third.answerable, third.expected) == ("d", False, ())
        assert [document.text for document in found.documents] == [
            "安徽\n\n合肥是省会。",
            "合肥有巢湖。",
            "芜湖在长江边。",
        ]
        assert len({document.name for document in found.documents}) == 3
        assert all("/" not in document.name for document in found.documents)

    def test_documents_become_files(self, beir: Path, tmp_path: Path) -> None:
        documents = read_folder(beir).documents
        write_documents(documents, tmp_path / "documents")
        written = {path.name for path in (tmp_path / "documents").iterdir()}
        assert written == {document.name for document in documents}
        (tmp_path / "file").write_text("", encoding="utf-8")
        with pytest.raises(Unavailable, match="cannot be written to"):
            write_documents(documents, tmp_path / "file")

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("qrels/test.tsv", "a\tdoc/1\n", r"test\.tsv, line 1: found \['a', 'doc/1'\]"),
            ("qrels/test.tsv", "x\ty\t1\n", "and 1 judged queries|Expected some of both"),
            ("corpus.jsonl", "{}\n", r"corpus\.jsonl, line 1: expected an object"),
            ("corpus.jsonl", "no\n", r"corpus\.jsonl, line 1: not JSON"),
            ("queries.jsonl", "", "3 documents and 0 judged queries"),
        ],
    )
    def test_a_mistake_is_named(self, beir: Path, name: str, text: str, message: str) -> None:
        (beir / name).write_text(text, encoding="utf-8")
        if name == "qrels/test.tsv" and text.startswith("x"):
            (beir / "queries.jsonl").write_text('{"_id": "a", "text": "?"}\n', encoding="utf-8")
        with pytest.raises(InvalidInput, match=message):
            read_folder(beir)

    def test_no_judgements(self, beir: Path) -> None:
        (beir / "qrels" / "test.tsv").unlink()
        with pytest.raises(InvalidInput, match="has no relevance judgements"):
            read_folder(beir)


class TestSaving:
    def test_what_is_saved_is_what_is_loaded(self, beir: Path, tmp_path: Path) -> None:
        for number, source in enumerate((beir, _written(tmp_path, SQUAD))):
            cases = read_set(source).cases
            path = tmp_path / f"cases-{number}.jsonl"
            save_cases(path, cases)
            assert [record_of(case) for case in load_cases(path)] == [
                record_of(case) for case in cases
            ]
            assert [case.digest for case in load_cases(path)] == [case.digest for case in cases]

    def test_no_file_is_overwritten(self, beir: Path, tmp_path: Path) -> None:
        path = tmp_path / "cases.jsonl"
        path.write_text("work", encoding="utf-8")
        with pytest.raises(Unavailable, match="exists, and may hold work"):
            save_cases(path, read_set(beir).cases)
        assert path.read_text(encoding="utf-8") == "work"
