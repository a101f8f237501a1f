"""Which passages of a report review the past and which plan what is to come; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.schema import Period

__all__ = ["periods_of"]

_REPORT = re.compile(
    r"工作报告|报告(?:政府)?工作|work of the government|government work report",
    re.I,
)
_HEAD = 1_500
_REVIEW = re.compile(
    r"回顾|成就|成绩|成效|工作总结|工作情况|主要工作(?!任务|安排)|过去[一五]年|这五年|[Rr]eview|[Aa]chievements"
)
_PLAN = re.compile(
    r"安排|任务|目标|部署|要求|打算|重点工作|工作重点|规划|今后|下一步|下一阶段|明年|思路|建议"
    r"|(?:做好|抓好).{0,12}工作|[Tt]asks|[Oo]bjectives|[Pp]lan|[Rr]equirements|[Oo]rientations|[Pp]riorities"
)


def periods_of(text: str, sections: Sequence[tuple[str, ...]]) -> list[Period | None]:
    """The period of each passage, given their heading paths in order.

    None throughout for documents that are no work reports. In a report, chapters after the first
    planning chapter plan as well: how to govern better is said of the year to come.
    """
    if not _REPORT.search(text[:_HEAD]):
        return [None] * len(sections)
    chapters: dict[str, Period | None] = {}
    planning = False
    for section in sections:
        if section and section[0] not in chapters:
            period = _period(section[0])
            if period is None and planning:
                period = "plan"
            planning = planning or period == "plan"
            chapters[section[0]] = period
    return [_deepest(section, chapters) for section in sections]


def _deepest(section: tuple[str, ...], chapters: dict[str, Period | None]) -> Period | None:
    return chapters[section[0]] if section else None


def _period(heading: str) -> Period | None:
    review, plan = _REVIEW.search(heading), _PLAN.search(heading)
    if review:
        return "review"
    return "plan" if plan else None
