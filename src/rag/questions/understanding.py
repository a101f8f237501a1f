"""Reading a question: language, kind of answer, years, period, places, content words; pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.questions.dialogue import carry_over
from rag.questions.glossary import is_name
from rag.questions.languages import gloss_of, spoken_language
from rag.questions.lexicon import in_chinese
from rag.questions.places import find_places, names_place
from rag.questions.terms import capitalised, content_terms, latin_words, proper_nouns, quoted
from rag.questions.years import explicit_years, report_years
from rag.schema import Question
from rag.text import language, simplified

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rag.schema import AnswerKind, Period, Turn

__all__ = ["understand"]

_RELATIVE_YEARS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"前年|the year before last", re.I), -2),
    (re.compile(r"去年|上年|上一年|last year|previous year|past year", re.I), -1),
    (re.compile(r"今年|本年|这一年|this year|current year", re.I), 0),
    (re.compile(r"明年|来年|下一年|next year|coming year", re.I), 1),
)
_THAT_YEAR = re.compile(r"当年|that (?:same )?year|the same year", re.I)
"""Beside the year of a report: the year that it was given in."""

_PLAN = re.compile(
    r"目标|计划|预期|力争|提出|打算|将要|将会|将(?=[^来军领士])|(?<![重主需摘首必还])要(?![求素点件么紧闻职塞害领好几多花用]|是|[\u4e00-\u9fff]{1,4}的)|安排|规划|准备|拟"
    r"|(?<![我你您们思设理联感梦构回])想(?=在|让|把|新|建|增|达|做|多|再|到|要(?!知))"
    r"|\b(?:targets?|goals?|plans?|planned|planning|aims?|expect(?:s|ed)?|will|upcoming|projected"
    r"|going to|intends?|set for|aimed|hopes?|shooting for|looking to)\b"
    r"|(?<!\bI )(?<!\bwe )\bwants? (?:to|its|the)\b",
    re.I,
)
_REVIEW = re.compile(
    r"(?:没有?|未能?)(?:如期)?(?:达到|达成|完成|实现)|完成了|实现了|达到了|取得了|建成了|增长了|新增了|已经|回顾|成绩|实际|做了|造了|办了|干了"
    r"|过去(?:的?[一五]年|这?些年)|五年来"
    r"|\b(?:achieved|grew|completed|built|produced|reached|received|recorded"
    r"|so far|past (?:five )?years?|achievements?|actual(?:ly)?|accomplished|opened|added|won"
    r"|became)\b",
    re.I,
)
_LONG = re.compile(
    r"(?:过去的?|这|近|最近)五年|五年(?:来|间)|\b(?:past|last|these|previous) five years", re.I
)
"""Asks what was done in five years."""
_PAST = re.compile(r"\b(?:did|was|were|had|began|opened|won|rose|fell|saw|went|came|got)\b", re.I)
"""Says that a question is put in the past tense, and not that it asks for results: the report
*did* set a target."""

_STATE = re.compile(
    r"怎么?样|(?:情况|形势|状况)(?:如何|好吗)?|好吗|好不好|了(?:吗|么|没有?|多少|几)|进展|成果|成效|恢复得"
    r"|^\W*how\s+(?:is|are)\b|\bhow's\b|\bprogress\b|\bgetting \w+er\b|变[好差干多少]",
    re.I,
)
"""Asks how things stand, and so for what became of them rather than for plans."""

_KINDS: tuple[tuple[AnswerKind, re.Pattern[str]], ...] = (
    (
        "list",
        re.compile(
            r"哪些|哪几|有哪|哪[两三四五六七八九十\d]+|分别(?:是|有|为)|都有(?:什么|谁)|列[出举]"
            r"|什么主要(?:预期)?目标|主要(?:预期)?目标(?:[是有]|都)*(?:什么|啥)"
            r"|\b(?:which\s+(?!(?:day|date|month|year)s?\b)\w+(?:\s+\w+)?\s+(?:are|were|have|did|do|will)"
            r"|(?:what|which)\s+(?:are|were)|list"
            r"|name\s+(?:the|all|some)|what\s+(?:kinds?|types?|measures|steps|projects|areas)"
            r"|which\s+(?!(?:day|date|month|year)s?\b)(?:\w+\s)?(?!(?:is|was|has|does)\b)\w*[^\Ws]s)\b",
            re.I,
        ),
    ),
    (
        "date",
        re.compile(
            r"(?:什么|哪个)时候|何[时年月]|哪[一几]?[年天月日]|几[月号时]|多会儿|什么日期"
            r"|\bwhen\b|\b(?:what|which)\s+(?:date|day|month|year)s?\b|\bhow\s+soon\b"
            r"|\bwhat(?:'s|\s+is|\s+was)\s+the\s+(?:\w+\s)?(?:deadline|date)\b",
            re.I,
        ),
    ),
    (
        "number",
        re.compile(
            r"多少|第?几(?!乎|何)|多[大高长快久远宽重深]|什么(?:规模|水平|程度|比例)|[率额量值数]是(?:什么|啥)|比[例重]|占比|增[速幅]|(?:增长|目标).{0,4}是什么"
            r"|(?:目标|[增产总]长?[率值]|[产总数]量|[总金税]额|余额|收入|里程|面积|[总人次户]数|强度|[增降涨跌][速幅]"
            r"|(?:失业|城镇化|覆盖|就业|负债|优良)率|占比|(?<![a-z])gdp)\s*[?？]?$"
            r"|\bhow\s+(?:many|much|long|large|big|high|tall|deep|wide|heavy|fast|far|old|often)\b|\bwhat\s+(?:percent(?:age)?|share"
            r"|proportion|number|amount|rate|size|length|rank|value|volume|growth|total|level)\b"
            r"|\b(?:where|how)\b.*\brank|\bwhat\b.*\b(?:rate|target|growth|output|volume|number|share|percentage|length|amount|value"
            r"|rank|ranking|intensity|total|mileage|capacity|score|population|spending|investment|revenue"
            r"|wages?|salary|salaries|incomes?|prices?|costs?|fares?|fees?|gdp|product|debt|deficit|budget"
            r"|rents?|deposits?|fines?|scores?|tuition|turnover|profits?|sales|ratio|density|expectancy|average|yield|stock"
            r"|concentration|pm ?2\.5)\b",
            re.I,
        ),
    ),
    (
        "name",
        re.compile(
            r"谁|何人|叫什么|什么名|哪一?[个家座条所位里儿种项届场支部本类处]|什么地方|何[地处]|\bwho(?:m|se)?\b|\bwhere\b|\bwhich\b|\bname\s+of\b|\bcalled\b",
            re.I,
        ),
    ),
    (
        "definition",
        re.compile(r"什么是|是什么意思|指的?是什么|何谓|\bwhat\s+does\b.*\bmean\b|\bdefin", re.I),
    ),
    (
        "yes_no",
        re.compile(
            r"吗|是否|是不是|有没有|能否|能不能|会不会|了没|没有[?？]?$"
            r"|^\s*(?:and\s+)?(?:is|are|was|were|did|does|do|has|have|had|will|can|could|would|should)\b",
            re.I,
        ),
    ),
)
_SMALL_TALK = re.compile(
    r"^\W*(?:(?:hi|hello|hey)(?: there)?[,，!！\s]+)?(?:你好|您好|嗨|哈喽|早上好|晚上好"
    r"|谢谢|多谢|再见|拜拜|好的|你是谁|您是谁|你叫什么(?:名字)?|你会什么|你能做什么"
    r"|hi|hello|hey|thanks?(?:\s+you)?|good\s+(?:morning|evening|bye)|bye|who\s+are\s+you|how\s+are\s+you"
    r"|what(?:'s|\s+is)\s+your\s+name|what\s+can\s+you\s+do)(?:[呀啊吗呢了,，!！.。?？~\s]|there|doing|today|so\s+much|very\s+much)*$",
    re.I,
)
_GREETED = re.compile(
    r"^\W*(?:你好|您好|嗨|哈喽|hi|hello|hey)[呀啊,，!！。~\s]+"
    r"(?!.*(?:[?？\d吗呢谁哪几]|什么|多少|怎|如何|\b(?:what|how|who|when|where|which|why)\b)).{1,24}$",
    re.I,
)
"""A greeting and something said that asks nothing."""
_INSTRUCTION = re.compile(
    r"(?:写|作|编|画|唱|讲)(?:一|个|首|段|篇|张|幅|点)[^?？]{0,8}(?:诗|歌|代码|程序|脚本|函数|故事|笑话|小说|画|作文|文章|稿|邮件|段子|文案)"
    r"|讲个?笑话|翻译(?:成|一下|这)|帮我(?:写|翻译|订|买|算|画|做)|扮演|忽略(?:以上|之前|前面|所有)|\bdef\s+\w+\(|^\s*import\s+\w+|\bSELECT\b.+\bFROM\b"
    r"|\b(?:write|compose|draw|sing|generate|create)\s+(?:me\s+)?(?:an?|some|the)\s+(?:\w+\s+){0,3}"
    r"(?:poem|song|code|program|script|function|story|joke|essay|email|letter|image|haiku|sql|query|regex)\b"
    r"|\btell\s+(?:me\s+)?(?:a|another)\s+(?:joke|story)\b|\btranslate\b|\bignore\s+(?:all|any|the|your|previous)\b"
    r"|\bpretend\s+(?:to|you)\b|\bact\s+as\b|\b(?:in|using)\s+(?:python|javascript|java|c\+\+|rust|sql)\b",
    re.I,
)


def understand(
    text: str,
    *,
    history: Sequence[Turn] = (),
    known_places: Iterable[str] = (),
    exact: bool = False,
    as_follow_up: bool = False,
) -> Question:
    """Read a question. ``exact`` searches what was typed and inherits nothing from ``history``.

    ``known_places`` are the places that documents of the library are about. ``as_follow_up`` lets
    it inherit whatever its form.
    """
    typed = text.strip()
    known = tuple(known_places)
    rewritten = typed
    foreign = "" if exact else spoken_language(typed)
    gloss = gloss_of(typed, foreign) if foreign else None
    if not exact:
        asked, turns = (gloss.text, list(map(_glossed, history))) if gloss else (typed, history)
        implied = carry_over(asked, turns, known_places=known, whatever_its_form=as_follow_up)
        rewritten = typed if implied == asked else implied
    wording = implied if gloss else rewritten
    plain = simplified(wording)
    years = explicit_years(plain)
    places = find_places(plain, known=known)
    plan, review = _PLAN.search(plain), _REVIEW.search(plain)
    period: Period | None = None
    if plan and not review:
        period = "plan"
    elif _LONG.search(plain):
        period = "retrospect"
    elif (review or _PAST.search(plain)) and not plan:
        period = "review"
    named_reports = report_years(plain)
    relative_years = tuple(offset for pattern, offset in _RELATIVE_YEARS if pattern.search(plain))
    if named_reports and not (years or relative_years) and _THAT_YEAR.search(plain):
        relative_years = (0,)
    undated = not (years or relative_years or period or plan)
    past = not (years or period or plan) and max(relative_years, default=0) < 0
    terms, alternatives = content_terms(plain)
    settled = frozenset(alternatives)
    for term in terms:
        chinese = in_chinese(term, rare=not gloss) if term.isascii() else ()
        if chinese and term not in alternatives:
            alternatives[term] = (term, *chinese)
    if gloss:
        # Of scripts that the segmenter does not know it finds no words.
        unknown = {word: 1.0 for word in sorted(gloss.unknown) if len(word) > 1}
        terms = terms | {word: weight for word, weight in unknown.items() if word not in terms}
        # Documents may be in the language of the question.
        for term in terms:
            if forms := gloss.forms(term):
                alternatives[term] = (*forms, *alternatives.get(term, ()))
    # What is not understood has to be there itself, as names have, which are among it: capitals
    # would make names of all German nouns.
    named = (gloss.unknown if gloss else capitalised(plain)) | proper_nouns(plain) | quoted(plain)
    if language(plain) == "zh":
        named |= latin_words(plain)
    names = tuple(
        term
        for term in terms
        if is_name(term) or (term not in settled and (term in named or names_place(term, places)))
    )
    return Question(
        text=typed,
        rewritten=rewritten,
        language="other" if gloss else language(typed),
        kind=_kind(plain),
        gloss=wording if gloss else "",
        years=years,
        report_years=named_reports,
        relative_years=relative_years,
        period=period,
        tends="review" if (undated or past) and _STATE.search(plain) else None,
        places=places,
        terms=tuple(terms),
        weights=tuple(terms.values()),
        alternatives={} if exact else alternatives,
        names=names,
        small_talk=_is_small_talk(gloss.text if gloss else simplified(typed)),
    )


def _glossed(turn: Turn) -> Turn:
    spoken = spoken_language(turn.content)
    return replace(turn, content=gloss_of(turn.content, spoken).text) if spoken else turn


def _is_small_talk(text: str) -> bool:
    """Whether nothing is asked of documents: a greeting, an instruction, or no word at all."""
    wordless = not any(map(str.isalnum, text))
    said = _SMALL_TALK.match(text) or _GREETED.match(text)
    return wordless or bool(said or _INSTRUCTION.search(text))


_WHY = re.compile(r"为什么|为何|为啥|\bwhy\b", re.I)
_WHILE = re.compile(
    r"(?P<asked>\b(?:who|whom|whose|which|what|where|how)\b.*?)\bwhen\b.*", re.I | re.S
)
"""A *when* after another question word says when, and does not ask it."""


def _kind(text: str) -> AnswerKind:
    text = _WHILE.sub(r"\g<asked>", text)
    if _WHY.search(text):
        return "description"
    for kind, pattern in _KINDS:
        if pattern.search(text):
            return kind
    return "description"
