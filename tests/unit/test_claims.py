"""Figures, years and names as they are written in Chinese and English."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.composers.claims import Figure, figures, names, places, years


def shown(text: str) -> set[str]:
    return {f"{figure.value.normalize():f}{figure.unit}" for figure in figures(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("产量74万辆", {"740000辆"}),
        ("740,000 vehicles", {"740000"}),
        ("0.74 million vehicles", {"740000"}),
        ("seven hundred projects", {"700"}),
        ("two million", {"2000000"}),
        ("增长5.8%", {"5.8%"}),
        ("grew by 5.8 percent", {"5.8%"}),
        ("提高2个百分点", {"2点"}),
        ("up 2 percentage points", {"2点"}),
        ("百分之六", {"6%"}),
        ("三分之一", {"1/3"}),
        ("六家企业", {"6个"}),
        ("6户企业", {"6个"}),
        ("一千二百个", {"1200个"}),
        ("二〇二三个", {"2023个"}),
        ("第七位", {"7第"}),
        ("居全国第1", {"1第"}),
        ("seventh", {"7"}),
        ("首位", {"1第"}),
        ("首届", {"1首"}),
        ("汽车“首位产业”", set()),
        ("翻了一番", {"2倍"}),
        ("doubled", {"2倍"}),
        ("一半以上", {"50%"}),
        ("半数", {"50%"}),
        ("1月16日", {"1月", "16日"}),
        ("on January 16", {"1月", "16"}),
        ("2023年产量", set()),
        ("2023个项目", {"2023个"}),
        ("十四五规划统一部署", set()),
        ("一个目标", set()),
        ("G60科创走廊", set()),
        ("三公里", {"3公"}),
    ],
)
def test_figures(text: str, expected: set[str]) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("claimed", "written", "held"),
    [
        ("74万辆", "740,000 vehicles", True),
        ("6%", "6个", False),
        ("6%", "6", False),
        ("6个百分点", "6%", False),
        ("6家", "6个", True),
        ("6人", "6家", False),
        ("第6位", "6位", False),
        ("sixth", "第6位", True),
        ("3.9%", "3.91%", False),
    ],
)
def test_a_figure_is_a_value_of_what_it_counts(claimed: str, written: str, held: bool) -> None:
    (figure,) = figures(claimed)
    assert figure.is_in(figures(written)) is held


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023年和2024年", {2023, 2024}),
        ("in 2023", {2023}),
        ("2000个项目", set()),
        ("2,024户", set()),
        ("1999年以来", {1999}),
    ],
)
def test_years(text: str, expected: set[int]) -> None:
    assert years(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("支持比亚迪做大做强", {"比亚迪"}),
        ("Mayor Luo said", {"Luo"}),
        ("It was built by Elon Musk.", {"Elon Musk"}),
        ("Metro Line 3 opened", set()),
        ("合肥GDP增长", {"GDP"}),
        ("the A380 and eVTOL", {"A380", "eVTOL"}),
        ("In Hefei it rained", set()),
        ("The economy grew", set()),
    ],
)
def test_names(text: str, expected: set[str]) -> None:
    assert set(names(text)) == expected


def test_places_are_known_in_both_languages() -> None:
    assert places("Shanghai's exports and 合肥市的出口") == ("上海", "合肥")


@given(st.integers(1, 10**9), st.sampled_from(["个", "辆", "%", "元", "人", ""]))
def test_a_number_is_itself_however_it_is_grouped(number: int, unit: str) -> None:
    plain, grouped = figures(f"有{number} {unit}"), figures(f"有{number:,} {unit}")
    if not 1900 <= number <= 2099:
        assert plain == grouped
        assert Figure(value=Decimal(number), unit="").is_in(plain) or unit == "%"


@given(st.text(max_size=80))
def test_any_text_has_figures_years_and_names(text: str) -> None:
    for figure in figures(text):
        assert figure.is_in(figures(text))
    assert all(1900 <= year < 2100 for year in years(text))
    assert all(names(text))
