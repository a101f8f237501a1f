"""Lines that say of what they are by a label: 咨询电话：020-…, or a row of a table; pure.

Forms and service guides hold one fact a line, about the thing that the title names. Such a line
answers what its label says and nothing else, and does not repeat the thing.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from rag.text import simplified

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from rag.schema import Hit, Question

    FloatArray = npt.NDArray[np.float32]

__all__ = ["fields_among", "is_field", "label_agreement", "label_of", "value_of"]

_LABELLED = re.compile(r"[^：:\n|。，；！？]{2,16}[：:]\s*\S")
_ROW = re.compile(r"[^=\n|]{1,30}=[^|\n]*(?:\||；$)")
"""As ``readers.building`` writes the rows of tables: 城市=合肥 | 增速=5.8%；"""

# What is asked for, and the labels of lines that hold it.
_LABELS = tuple(
    (re.compile(asked, re.I), re.compile(label, re.I))
    for asked, label in (
        (
            (
                r"(?:哪个?|什么)(?:部门|单位|机构|机关)|归谁|谁(?:负责|主管|来管)"
                r"|\bwh(?:at|ich) (?:department|office|authority)\b"
            ),
            r"实施|部门|主管|主体|单位|机[构关]|\b(?:department|office|authority)\b",
        ),
        (
            r"哪[里儿]|什么地方|在哪|何处|地[点址]|\bwhere\b|\baddress\b",
            r"地[点址]|位置|窗口|场所|\b(?:address|location|venue|place)\b",
        ),
        (
            r"多久|几个?工作日|多少(?:个?工作日|天)|时限|\bhow long\b",
            r"时限|期限|周期|时长|时间|工期|\b(?:duration|period|time)\b",
        ),
        (
            r"材料|资料|准备什么|带什么|\bdocuments?\b",
            r"材料|资料|证件|\b(?:documents?|papers)\b",
        ),
        (
            r"条件|资格|\brequirements?\b",
            r"条件|资格|要求|\brequirements?\b",
        ),
        (
            r"(?:谁|哪些人|什么人)(?:能|可以)|\bwho (?:can|may)\b|\beligib",
            r"条件|对象|资格|范围|\b(?:requirements?|eligib\w+|who)\b",
        ),
        (
            r"电话|热线|联系方式|\bphone\b|\bhotline\b",
            r"电话|热线|联系|咨询|\b(?:phone|tel|contact|hotline)\b",
        ),
        (
            r"多少钱|收费|费用|价格|租金|票价|押金|怎么算|\b(?:fees?|costs?|price|rent|fare|tuition)\b",
            r"费|价|租|票|金额|标准|押金|\b(?:fees?|costs?|price|rent|fare|tuition|amount|rate)\b",
        ),
        (
            r"几点|什么时候|(?<!办理)时间|\bwhat time\b|\bwhen\b|\bhours\b",
            r"时[间刻]|日期|开放|营业|截止|\b(?:dates?|time|hours|deadline|open)\b",
        ),
    )
)
_ASKED_FOR, _SOMETHING_ELSE = 0.4, -0.5
"""What a label says for its line that is one for what is asked, and against it that is one for
something else."""
_SHARED = 0.4
"""What it says for a line that its label holds all that is asked of the thing: 投诉电话 is not
咨询电话."""
_THING = 0.85
"""Share of the words for the thing asked about that the title holds, at least."""
_NAMED = 0.8
"""A match from which on the title names a term."""
_TELLING = 0.4
"""Words of less than this share of the heaviest one's weight say nothing of what is asked."""


def is_field(line: str) -> bool:
    """Whether a line is a label with what stands for it, or a row of a table."""
    return _LABELLED.match(line) is not None or _ROW.match(line) is not None


def value_of(line: str) -> str:
    """A line without its label."""
    return re.split("[：:=]", line, maxsplit=1)[-1]


def fields_among(places: Sequence[tuple[Hit, int, int]]) -> list[bool]:
    """Which stretches of passages are lines with labels, in passages that have several."""
    labelled = [is_field(hit.passage.text[start:end]) for hit, start, end in places]
    passages = [hit.passage.passage_id for hit, _, _ in places]
    counts = Counter(each for each, is_one in zip(passages, labelled, strict=True) if is_one)
    return [is_one and counts[each] > 1 for each, is_one in zip(passages, labelled, strict=True)]


def label_of(line: str) -> str:
    """What stands before the value of a line with a label; all labels of a row."""
    if _ROW.match(line):
        return " ".join(re.findall(r"([^=|\n]+)=", line))
    return re.split("[：:]", line, maxsplit=1)[0]


def label_agreement(
    question: Question,
    line: str,
    own: FloatArray,
    label: FloatArray,
    title: FloatArray,
    *,
    kind: float,
) -> float:
    """Whether a line with a label is what is asked of the thing that its title names.

    ``own``, ``label`` and ``title`` are how well the line, its label and its headings hold each
    term, ``kind`` whether the line is of the kind asked for. More than 0 where the label is one for
    what is asked; 0 where the line is of the kind, or holds a word that the title does not; down
    to -1 where neither.
    """
    left = [
        (weight, float(match), float(labelled))
        for weight, match, labelled, named in zip(question.weights, own, label, title, strict=True)
        if named < _NAMED
    ]
    total = sum(weight for weight, _, _ in left) or 1.0
    shared = _SHARED * sum(weight * labelled for weight, _, labelled in left) / total
    # Of another thing than its title names, a line with the right label says nothing.
    thing = [
        (weight, float(named))
        for weight, labelled, named in zip(question.weights, label, title, strict=True)
        if labelled < _NAMED
    ]
    meant = sum(weight * named for weight, named in thing)
    if meant < _THING * sum(weight for weight, _ in thing):
        shared = 0.0
    asked_for = _ASKED_FOR if shared else 0.0
    told, wording = simplified(label_of(line)), simplified(question.wording)
    wanted = [held for asked, held in _LABELS if asked.search(wording)]
    if any(held.search(told) for held in wanted):
        return asked_for + shared
    if wanted and any(held.search(told) for _, held in _LABELS):
        return _SOMETHING_ELSE
    heaviest = max((weight for weight, _, _ in left), default=0.0)
    telling = [match for weight, match, _ in left if weight > _TELLING * heaviest]
    if kind >= 1.0 or not telling:
        return shared
    return min(0.0, max(telling) / _NAMED - 1.0) or shared
