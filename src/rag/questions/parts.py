"""Questions that ask several things at once, taken apart into questions of one thing each; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.questions.dialogue import carry_over, goes_on
from rag.questions.languages import spoken_language
from rag.questions.places import find_places, place_spans, province_of
from rag.questions.terms import content_terms, is_bare
from rag.questions.years import explicit_years
from rag.schema import Turn
from rag.text import contains_han, simplified

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["split_question"]

_MOST = 3
_CHINESE_BREAK = re.compile(r"[，,、；;？?]+")
_CHINESE_ASKS = re.compile(
    r"多少|几(?!乎|十|百)|多[大高长久快远]|哪|谁|什么|怎么(?![说讲写提])|如何|吗|是否|呢[？?]?$"
    r"|(?P<verb>[\u4e00-\u9fff])[不没](?P=verb)"
)
_YEAR = r"(?:(?:19|20)\d\d年|[去今明]年|上年)"
_OF_TWO_YEARS = re.compile(
    rf"^(?P<first>[^，。？?]*{_YEAR}[^，。？?]*?)(?:和|与|跟|及|以及|、)"
    rf"(?P<second>{_YEAR}(?P<topic>[^，。？?]*?))(?:(?:分别|各自?)(?P<asked>[^，。]*)|[对相]比|比较)[？?]?$"
)
"""What was and what is to be, in one breath: 2024年增速和2025年目标分别是多少."""
_OF_TWO_THINGS = re.compile(
    r"^(?P<first>[^和与跟、，。？?]{2,14}?)(?:和|与|跟|以及|、)(?P<second>[^和与跟、，。？?]{2,14}?)"
    r"(?:各自?|分别)(?P<asked>(?:[是有为要]|达到?|增长|涨)?了?(?:多少|几)[^，。？?]*)[？?]?$"
)
"""Two things, each with a figure: 老旧小区改造和城中村改造各多少."""
_SHARED = re.compile(r"的[^的]+$|目标$")
"""What stands after the second of two things and is asked of both."""
_WHOSE = re.compile(rf"(?:的|{_YEAR})+")
_SCOPE = re.compile(
    r"全[国省市]|世界|全球|[中西东]部|[省国]内|长三角|省会(?:城市)?|排[名第行位]|第几|老几"
    r"|花(?:了|费)|多少钱|[总一]共|同比"
)
"""Says among what or in what way, and not of what, something is asked: 全国排第几."""
_BETWEEN_PLACES = re.compile(
    r"\s*(?:和|与|跟|同|及|以及|还是|[、,，&]|(?:['’]s)?,?\s+(?:and|or|vs\.?|versus|with)\s)\s*",
    re.I,
)
_EACH = re.compile(
    r"分别|各自?(?=[是有为要]|达|增|多少|几|\W|$)|[相]?对比(?:一下)?|相比|比较(?:一下)?|比一?比"
    r"|,?\s*\b(?:respectively|each(?!\s+\w)|compared?|both)\b",
    re.I,
)
"""Says that something is asked of each of several places."""
_COMPARED = re.compile(r"^\s*(?:compare|how\s+(?:do|does|did))\s+", re.I)
_COMPARES = re.compile(r"\bcompare\b", re.I)
_TOGETHER = re.compile(r"^(?:[两二三](?:个?[省市地区]|者)|这[两几]个?(?:省市|[省市地]))")
_JOINTLY = re.compile(
    r"共建|共同|合作|联合|之间|一体化|协同|签"
    r"|除|\b(?:jointly?|together|between|agree\w*|sign\w*|cooperat\w*|apart|except|besides)",
    re.I,
)
"""Says that something is not asked of each of several places, but of all together."""
_TOGETHER_OFTEN = frozenset({"香港", "澳门", "台湾", "全国"})
"""Not asked of one by one unless a question says so."""
_GOES_ON_BEFORE = re.compile(r"(?:[、,]|和|以及|\band|\bor)\s*$", re.I)
_GOES_ON_AFTER = re.compile(r"\s*(?:[、和等]|以及|\s(?:and|or)\b|,\s*(?:and|or)\b)", re.I)
"""The list has other members, which are no places."""
_WHICH_OF_THEM = re.compile(
    r"[，,]?(?:哪个|哪家|哪[里边]|谁)(?:的(?P<of>[^，。？?]*?))?"
    r"(?:更|比较|要)?[高大多快低少小长]一?[些点]?[？?]?$"
)
"""Asks in which of two places there is more of something: how much in each is to be told."""
_ENGLISH_BREAK = re.compile(
    r"(?:[?;]|,?\s+and\b)\s*(?=(?:by\s+)?(?:how|what|which|who|when|where|whose)\b)"
    r"|,\s+and\s+(?=(?:did|does|do|is|was|were|has|have|will)\b)",
    re.I,
)
_FEWEST_WORDS = 4
"""Of a question in English: "how many passengers and how much cargo did …" asks once."""


def split_question(text: str, *, known_places: Iterable[str] = ()) -> tuple[str, ...]:
    """The two or three questions in one, each standing on its own; or none at all.

    产量2023年是多少，2024年要达到多少？ asks two things. What the first names (a topic, a place,
    a year) and a later one leaves out is put back there.
    """
    if spoken_language(text):  # which says "and" in words of its own
        return ()
    plain = simplified(text)
    pieces = _chinese_pieces(plain) if contains_han(plain) else _english_pieces(plain)
    if of_two_years := _OF_TWO_YEARS.match(plain):
        asked = of_two_years["asked"] or "是多少"
        first, second = of_two_years["first"], of_two_years["second"]
        pieces = [first + of_two_years["topic"] * is_bare(first) + asked, second + asked]
    known = tuple(known_places)
    if of_places := _of_several_places(plain, known):
        return tuple(of_places)
    if len(pieces) == 1:
        pieces = _of_two_things(plain, known) or pieces
    if not 1 < len(pieces) <= _MOST:
        return ()
    first = pieces[0]
    places, years = find_places(first, known=known), explicit_years(first)
    whole = [first]
    for piece in pieces[1:]:
        topical = max(content_terms(_SCOPE.sub("", piece))[0].values(), default=0.0) >= 1.0
        if not topical or goes_on(piece):
            # It goes on with what the first is about.
            before = [Turn(role="user", content=first)]
            asked = carry_over(piece, before, known_places=known, whatever_its_form=True)
        else:
            asked = _placed(
                piece,
                places=() if find_places(piece, known=known) else places,
                years=() if explicit_years(piece) else years,
            )
        whole.append(asked)
    return tuple(whole)


def _of_several_places(text: str, known: tuple[str, ...]) -> list[str]:
    """The question asked of each place where it names two or three in a row and no other, all of
    which documents are about, or where it says so (分别, *each*); else nothing.
    """
    run: list[tuple[int, int, str]] = []
    alone = True
    for span in place_spans(text, known=known):
        if not run or _BETWEEN_PLACES.fullmatch(text, run[-1][1], span[0]):
            run.append(span)
        elif len(run) == 1:
            run, alone = [span], False
        else:
            alone = False
    names = {name for _, _, name in run}
    if not 1 < len(names) == len(run) <= _MOST or names & set(map(province_of, names)):
        return []
    before, rest = text[: run[0][0]], text[run[-1][1] :]
    if _GOES_ON_BEFORE.search(before) or _GOES_ON_AFTER.match(rest):
        return []
    whether = _WHICH_OF_THEM.search(rest)
    separate = alone and names <= set(known) - _TOGETHER_OFTEN and not _JOINTLY.search(text)
    if not (separate or whether or _EACH.search(text)):
        return []
    if whether:
        rest = f"{rest[: whether.start()]}{'的' * bool(whether['of'])}{whether['of'] or ''}是多少"
    if _COMPARES.search(text):
        before = _COMPARED.sub("What about ", before)
    before = _EACH.sub("", before)
    rest = _EACH.sub("", _TOGETHER.sub("", rest)).rstrip(" ?？")
    return [before + text[start:end] + rest for start, end, _ in run]


def _of_two_things(text: str, known: tuple[str, ...]) -> list[str]:
    """老旧小区改造多少 and 城中村改造多少, or nothing where no two things are asked about."""
    named = max(
        (text.find(place) + len(place) for place in find_places(text, known=known)), default=0
    )
    opening = max([named, *(match.end() for match in _WHOSE.finditer(text))], default=0)
    head, rest = text[:opening], text[opening:]
    found = _OF_TWO_THINGS.match(rest)
    if found is None or not all(
        max(content_terms(found[each])[0].values(), default=0.0) >= 1.0
        for each in ("first", "second")
    ):
        return []
    shared = _SHARED.search(found["second"])
    own = found["first"] + (shared.group() if shared else "")
    return [head + own + found["asked"], head + found["second"] + found["asked"]]


def _chinese_pieces(text: str) -> list[str]:
    """Stretches between punctuation marks, joined until each asks something."""
    pieces: list[str] = []
    waiting = ""
    position = 0
    for end in [*(match.end() for match in _CHINESE_BREAK.finditer(text)), len(text)]:
        waiting += text[position:end]
        position = end
        if _CHINESE_ASKS.search(waiting):
            pieces.append(waiting.strip(" ，,、；;？?"))
            waiting = ""
    if waiting.strip() and pieces:
        pieces[-1] += waiting
    return pieces


def _english_pieces(text: str) -> list[str]:
    pieces = [piece.strip(" ,?;") for piece in _ENGLISH_BREAK.split(text)]
    return pieces if all(len(piece.split()) >= _FEWEST_WORDS for piece in pieces) else []


def _placed(piece: str, *, places: tuple[str, ...], years: tuple[int, ...]) -> str:
    if contains_han(piece):
        return "".join([*places[:1], *(f"{year}年" for year in years[:1]), piece])
    return " ".join([piece, *(f"in {place}" for place in places[:1]), *map(str, years[:1])])
