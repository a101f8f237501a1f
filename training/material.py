"""Where the raw material lies, and how it is read. Nothing here is random."""

from __future__ import annotations

import gzip
import json
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = [
    "CACHE",
    "HELD_OUT_YEARS",
    "PROJECT",
    "SHARED",
    "TRAIN",
    "fold",
    "news_texts",
    "parallel_reports",
    "read",
    "report_texts",
]

PROJECT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("RAG_SHARED_DATA", PROJECT.parent / "shared")).resolve()
TRAIN = SHARED / "data" / "train"
CACHE = PROJECT / ".cache" / "training"

HELD_OUT_YEARS = ("gwr2021", "gwr2022")
"""Parallel reports that no step of the training reads; evaluation asks for their sentences."""

_HELD_OUT_REPORTS = ("全国-2021", "全国-2022", "national-2021", "national-2022")
_SAMPLE = "合肥"
_SPACES = re.compile(r"[ \t\u3000]+")


def read(name: str) -> Iterator[dict[str, Any]]:
    """Records of one training file, such as ``plain/xinwenlianbo``."""
    with gzip.open(TRAIN / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def report_texts(folder: str) -> Iterator[tuple[str, str]]:
    """Titles and texts of ``reports`` or ``reports_en``, without held-out years and the sample."""
    for path in sorted((SHARED / "corpus" / folder).glob("*.txt")):
        if not path.name.startswith((*_HELD_OUT_REPORTS, _SAMPLE)):
            place, _, year = path.name.split(".")[0].rpartition("-")
            english = f"Report on the work of the government {year}"
            chinese = f"{year}年{place.replace('全国', '国务院')}政府工作报告"
            title = english if folder == "reports_en" else chinese
            yield title, path.read_text(encoding="utf-8")


def news_texts() -> Iterator[str]:
    """News of 2023 and the evening news, spaces inside Chinese text joined."""
    for name in ("plain/crud_news_2023", "plain/xinwenlianbo"):
        for record in read(name):
            yield _SPACES.sub(" ", record["text"])


def parallel_reports(*, held_out: bool) -> list[dict[str, str]]:
    """Aligned sentences ``zh`` and ``en`` of national reports: the held-out years or the rest."""
    records = read("parallel_gwr_zh_en")
    return [record for record in records if (record["src"] in HELD_OUT_YEARS) == held_out]


_simplified: dict[int, str] = {}


def fold(text: str) -> str:
    """What the tokeniser's own normaliser does: NFKC, case folding, simplified characters."""
    if not _simplified:
        characters = json.loads((TRAIN / "t2s_char_map.json").read_text(encoding="utf-8"))
        _simplified.update((ord(old), new) for old, new in characters.items())
    folded = unicodedata.normalize("NFKC", text).casefold()
    # Folding may undo composition (ß, dotted I) and the other way round; once more settles it.
    return unicodedata.normalize("NFKC", folded).translate(_simplified)
