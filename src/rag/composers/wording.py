"""Does a clause turn round what its evidence says: direction, denial, plan, comparison; pure.

These are closed classes of words, Chinese and English together, so that an English sentence can be
held against Chinese evidence. Where a clause has such a word, the evidence must have one of its
kind: grew of what fell, the largest of what is merely large, more than of what is exactly so much.
"""

from __future__ import annotations

import re

__all__ = ["compares", "overstates"]


def _words(chinese: str, english: str) -> re.Pattern[str]:
    return re.compile(rf"{chinese}|\b(?:{english})\b", re.I)


_RISES = _words(
    r"增[长加速幅收产进]|提[高升]|上[升涨]|扩大|翻番|翻一番|壮大|新增|突破|创.{0,2}新高|改善|好转|向好",
    r"gr[eo]w\w*|increas\w+|rose|ris(?:e|es|en|ing)|climb\w*|gain\w*|expand\w*|surg\w+"
    r"|(?:went|go|goes|going|is|was|were) up|up (?:by )?(?=\d)|doubl\w+"
    r"|exceed\w*|improv\w+",
)
_FALLS = _words(
    r"下[降滑跌]|减[少缓]|降[低幅]|回落|缩[减小]|萎缩|负增长|变差|恶化|转差",
    r"f[ae]ll(?:s|en|ing)?|declin\w+|decreas\w+|drop\w*|shr[aiu]nk\w*|reduc\w+|lower(?:ed|s|ing)"
    r"|down (?:by )?(?=\d)|(?:went|go|goes|going|is|was|were) down|contract(?:ed|ion)"
    r"|worsen\w*|deteriorat\w+",
)
_DENIES = re.compile(
    r"没(?!收)|不(?![断仅但只少同过久动良论管错可便利到超])|未(?![来央])|并非|无(?![人锡线论疑废缝障纸])"
    r"|\b(?:not|never|no longer|failed|without|unsafe|unable|unlikely|insufficient|illegal)\b"
    r"|n['’]t\b",
    re.I,
)
_AIMED = _words(
    r"目标|计划|预期|预计|力争|将(?!军|领|士)|拟|打算|要(?=[建完实达新])",
    r"targets?|targeted|goals?|plan\w*|aim\w*|expect\w*|will|intend\w*|is to|are to|to be|should",
)
_DONE = _words(
    r"已(?!知)|(?<![为除])了(?!解)",
    r"was|were|has|have|had|did|grew|rose|fell|increased|reached|achieved|completed|built"
    r"|produced|opened|added|created",
)

_NEEDED: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    # Most of all, or alone.
    (
        _words(
            r"最(?!近|终|后|低生活)|唯一|首[位个家次]|第一(?![产批季阶])|居首|冠军",
            r"largest|biggest|highest|best|lowest|smallest|fastest|foremost|only|sole|unique"
            r"|no\.? ?1|number one|ranks? first|ranked first|first place|first time",
        ),
        _words(
            r"最|唯一|首|第一|第1(?!\d)|冠|独|仅|只",
            r"\w+est|only|sole|unique|first|no\.? ?1|number one|most|top|lead\w*",
        ),
    ),
    # More than, and less than, a figure.
    (
        _words(
            r"超过?|多于|高于|大于|不低于|不少于|至少|以上|突破",
            r"over(?=\s+[\d$]|\s+half)|more than|exceed\w*|above|at least|surpass\w*|beyond"
            r"|topp?(?:ed|ing)",
        ),
        _words(
            r"超|多|高于|大于|不低于|不少于|至少|以上|突破|余|跨越|迈上|站上|倍增|新高",
            r"over|more than|exceed\w*|above|at least|surpass\w*|beyond"
            r"|topp?(?:ed|ing)|greater|plus",
        ),
    ),
    (
        _words(
            r"不(?:到|足|超过)|低于|少于|小于|不超过|至多|以内|以下|控制在",
            r"under(?=\s+[\d$])|less than|fewer than|below|at most|up to(?=\s+\d)|within(?=\s+\d)"
            r"|no more than|nearly|almost",
        ),
        _words(
            r"不(?:到|足|超过)|低于|少于|小于|至多|以内|以下|控制在|近|左右|约",
            r"under|less|fewer|below|at most|up to|within|no more|nearly|almost|about|around",
        ),
    ),
    # Every single one.
    (
        _words(
            r"全部|所有|一律|每[个家户人]|无一",
            r"all of|all the|entire|entirely|every|always|completely|none",
        ),
        _words(
            r"全(?![国省市球社面力年新球区县村党国])|所有|一律|每|均|都|皆|各|100%|无一|零",
            r"all|entire|entirely|every|each|always|complete\w*|100 ?(?:%|percent)|full\w*|none|no",
        ),
    ),
    # Why.
    (
        _words(
            r"因为|由于|因此|导致|得益于|归功于|归因|造成|原因",
            r"because|due to|thanks to|caus\w+|led to|leads to|result(?:ed|s)? (?:in|from)"
            r"|as a result|therefore|driven by|owing to",
        ),
        _words(
            r"因|由于|使|致|得益|归功|带动|推动|促进|拉动|通过|助力|造成|原因|从而|以.{1,12}(?:促|带|推)",
            r"because|due|thanks|caus\w+|led|leads|result\w*|therefore|driv\w+|owing|by|through",
        ),
    ),
)
"""What a clause says, and the words of which the evidence must have one for that."""


def compares(word: str) -> bool:
    """Whether ``overstates`` judges a word by its class, so that no other need be near it."""
    patterns = [_RISES, _FALLS, _DENIES, _AIMED, _DONE, *(said for said, _ in _NEEDED)]
    return any(pattern.fullmatch(word) for pattern in patterns)


def overstates(clause: str, *, beside: str, evidence: str, planned: bool | None) -> bool:
    """Whether a clause says other or more than its evidence, by words of these classes.

    ``beside`` is the part of ``evidence`` with the clause's figures; ``planned`` says whether the
    evidence stands among plans (True) or results (False).
    """
    rises, falls = _RISES.search(clause), _FALLS.search(clause)
    if rises and not falls and not _RISES.search(evidence):
        return True
    if falls and not rises and not _FALLS.search(beside):
        return True
    if rises and not falls and _FALLS.search(beside) and not _RISES.search(beside):
        return True
    if bool(_DENIES.search(clause)) != bool(_DENIES.search(beside)):
        return True
    if any(said.search(clause) and not written.search(beside) for said, written in _NEEDED):
        return True
    aimed, done = _AIMED.search(clause), _DONE.search(clause)
    if planned is True and done and not aimed:
        return not _DONE.search(beside)
    if aimed:
        return planned is False and not done and not _AIMED.search(beside)
    return bool(_AIMED.search(beside)) and not _DONE.search(beside)
