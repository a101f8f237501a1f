"""Questions in a spreadsheet."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rag.errors import InvalidInput
from rag_eval.cases import load_cases

if TYPE_CHECKING:
    from collections.abc import Callable


def _csv(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "questions.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[[list[list[Any]]], Path]:
    def write(rows: list[list[Any]], formats: dict[str, str] | None = None) -> Path:
        import openpyxl

        book = openpyxl.Workbook()
        sheet = book.worksheets[0]
        for row in rows:
            sheet.append(row)
        for place, number_format in (formats or {"B2": "0.0%"}).items():
            sheet[place].number_format = number_format
        path = tmp_path / "questions.xlsx"
        book.save(path)
        return path

    return write


class TestCsv:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    def test_chinese_columns_in_any_order_and_encoding(self, tmp_path: Path, encoding: str) -> None:
        text = (
            "序号,答案,问题,标签,备注,负责人\r\n"
            "甲,5.8%,2023年合肥市的地区生产总值增长了多少？,经济、数字,重要,张三\r\n"
            "\r\n"
            "乙,儿童；创伤|创伤中心;中医,哪三个国家区域医疗中心已经开诊？,医疗,,李四\r\n"
        )
        first, second = load_cases(_csv(tmp_path, text, encoding))
        assert (first.case_id, first.expected, first.tags) == ("甲", (("5.8%",),), ("经济", "数字"))
        assert second.expected == (("儿童",), ("创伤", "创伤中心"), ("中医",))
        assert (first.note, second.note, second.line) == ("重要", "", 4)

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_any_delimiter_and_quoted_cells(self, tmp_path: Path, delimiter: str) -> None:
        rows = [
            ["Question", "Answer", "Answerable", "Must pass"],
            ['"How many, and ""why""?"', "12", "yes", "y"],
            ["Who?", "", "no", ""],
        ]
        text = "".join(delimiter.join(row) + "\n" for row in rows)
        first, second = load_cases(_csv(tmp_path, text))
        assert (first.question, first.must_pass) == ('How many, and "why"?', True)
        assert (first.case_id, second.answerable) == ("questions-002", False)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "is empty"),
            (",,\n\n", "is empty. Expected a first row"),
            ("Frage,Antwort\n?,5\n", "found the columns 'Frage', 'Antwort'"),
            ("question,answer,answers\n?,5,6\n", "two columns are 'expected'"),
            ("question,answer\n什么？,\n", 'line 2, field "expected": found nothing'),
            ("question,answerable\n什么？,maybe\n", 'field "answerable": found "maybe"; expected'),
            ("id,question,answer\n1,a,b\n1,c,d\n", "which line 2 has already"),
            ('question,answer\n"a,b\n', "is no table of comma-separated values"),
            ("question,answer\n", "holds no cases"),
        ],
    )
    def test_a_mistake_is_named(self, tmp_path: Path, text: str, message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            load_cases(_csv(tmp_path, text))

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="There is no case file"):
            load_cases(tmp_path / "questions.csv")


class TestExcel:
    def test_figures_are_what_a_person_sees(
        self, workbook: Callable[[list[list[Any]]], Path]
    ) -> None:
        path = workbook(
            [
                ["问题", "答案", "可回答"],
                ["2023年增长多少？", 0.058, None],
                ["多少户？", 1994, True],
                [None, None, None],
                ["2022年呢？", None, "否"],
            ]
        )
        cases = load_cases(path)
        assert [case.expected for case in cases] == [(("5.8%",),), (("1994",),), ()]
        assert [case.answerable for case in cases] == [True, True, False]
        assert cases[2].line == 5

    def test_what_is_no_workbook(self, tmp_path: Path) -> None:
        path = tmp_path / "questions.xlsx"
        path.write_text("question,answer\n", encoding="utf-8")
        with pytest.raises(InvalidInput, match="is no Excel workbook"):
            load_cases(path)
