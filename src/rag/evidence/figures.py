"""Kinds of things written in a text: figures and their units, dates, names of persons."""

from __future__ import annotations

import re

from rag.text import contains_han, tagged_words

__all__ = [
    "figure_agreement",
    "has_date",
    "has_day",
    "has_figure",
    "has_hour",
    "has_person",
    "has_year",
]

_ENGLISH_NUMBER = (
    r"(?i:\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty"
    r"|dozens?)\b)"
)
_QUANTITY = (
    r"(?:\d+(?:[.,]\d+)*|[一二三四五六七八九十百千两]+"
    rf"|{_ENGLISH_NUMBER})"
    r"[余多]?[十百千万亿]*[余多]?"
    r"(?:\s*(?:hundred|thousand|million|billion|trillion|-))*\s*"
)
_FIGURE = re.compile(
    r"\d+(?:\.\d+)?|[一二三四五六七八九十百千万亿两]+"
    r"(?:成|倍|分之|连[冠丰增升]|[个家项条座次位名户人所种款台艘只支层栋岁辆套])|翻番|过半|全覆盖"
    rf"|{_ENGLISH_NUMBER}"
)
# Figures that name or number something instead of counting it: “6+5+X”, 1号线, 第十四届, 12345热线;
# and the one that is an article: 其中一个种.
_NAMING = re.compile(
    r"“[^“”\n]{0,12}\d[^“”\n]{0,12}”|(?<![一二三四五六七八九十百千万])一[个家项条座次位名户]|(?:19|20)\d\d\s*年|\d{1,2}\s*月(?:\s*\d{1,2}\s*日)?|\d+\s*号|\d{4,}热线|[A-Za-z]\d+"
    r"|(?i:\b(?:in|of|by|since|from|until|for|during|year)\s+)(?:19|20)\d\d\b"
    r"|第?[\d一二三四五六七八九十]+(?:届|期(?!间))|第[\d一二三四五六七八九十]+次"
)

_LENGTH = r"(?:公里|千米|[厘毫]?米|公尺|公分|kilomet(?:re|er)s?|met(?:re|er)s?|miles?|feet|km)"
_DURATION = (
    r"(?:小时|分钟?|秒|天|个?工作日|日|个?月|周|年|hours?|minutes?|days?|weeks?|months?|years?)"
)
_MONEY = r"(?:元|yuan|dollars?|euros?|pounds?|円|€|원|руб)"
_WEIGHT = r"(?:公?斤|千克|公?吨|tonnes?|tons?|kg|kilograms?)"
_AREA = r"(?:平方|亩|公顷|square|hectares?|acres?)"
_POWER = r"(?:[兆千]瓦|(?:kilo|mega|giga)watts?|[kMG]W)"
_VISITS = r"人次"
_VOLUME = r"(?:毫?升|立方米|方|lit(?:re|er)s?|gallons?)"
_SHARE = r"(?:%|％|[成倍]|个百分点|per\s?cent|percentage points?)"
_RANK = (
    r"第[\d一二三四五六七八九十]+|首位|前[\d一二三四五六七八九十]+|\d+位"
    r"|\b(?:\d+(?:st|nd|rd|th)|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
    r"|top|highest|largest|leading)\b"
)

# What is asked for, the unit it comes in, and what a figure with another unit counts.
_WANTED_UNITS: tuple[tuple[re.Pattern[str], str, float], ...] = (
    (
        # Asked for in so many words: a rank or an amount is something else.
        re.compile(r"百分之[几多]|百分比|百分点|\bwhat per\s?cent|\bpercentage\b", re.I),
        _SHARE + "|百分之",
        -0.6,
    ),
    (
        re.compile(r"第几|排名|位次|名次|排第|\brank", re.I),
        _RANK,
        -0.6,
    ),
    (
        re.compile(
            r"多长|里程|多少公里|[体全身]长|身高|\bhow long\b|\blength\b|\bmileage\b|kilomet", re.I
        ),
        f"(?:{_LENGTH}|{_DURATION})",
        0.0,
    ),
    (
        re.compile(
            r"多久|多长时间|几个?工作日|多少(?:个工作日|天)|\bhow long (?:do|did|will|is|was|are)",
            re.I,
        ),
        r"\(?" + _DURATION,
        -0.6,
    ),
    (
        re.compile(r"多大面积|面积|平方|\barea\b", re.I),
        _AREA,
        -0.6,
    ),
    (
        re.compile(
            r"人口(?:数量|总数|规模|总量)?(?:一共|总共|大概)?(?:是|有|为|达)?多少|\bpopulation\b",
            re.I,
        ),
        r"(?:人(?!次|均)|people|inhabitants|residents|habitant|Einwohner|abitanti|inwoners|жител|명)",
        -0.6,
    ),
    (
        # How fast something grows is told by a rate: not by where it ranks, nor by an amount.
        re.compile(
            r"增速|[增涨降]幅|增长率|\bhow fast\b.*\b(?:gr[eo]w|rise|rose|increase|expand|climb)"
            r"|\bgrowth rate\b",
            re.I | re.S,
        ),
        _SHARE + "|百分之|翻番",
        -0.6,
    ),
    (re.compile(r"海拔|多高(?!的?增)|\bhow (?:tall|deep|wide)\b", re.I), _LENGTH, -0.6),
    (
        # The product itself, unless its growth is asked for.
        re.compile(
            r"^(?!.*(?:[增涨降跌升]|目标|占|比[重例]|人均|单位|强度|多快"
            r"|\bgr[eo]w|\bris[ei]|\brose\b|increas|expan|climb|\bfast|\btarget|\brate\b|\bshare\b"
            r"|\bper\b)).*"
            r"(?:生产总值|经济(?:总量|规模)|(?<![a-z])GDP(?![a-z])"
            r"|\bgross (?:regional|domestic) product\b|\beconomy\b"
            r"|\beconomic (?:output|aggregate)\b)",
            re.I | re.S,
        ),
        _MONEY,
        0.0,
    ),
    (re.compile(r"(?:几|多少)倍"), r"倍|倍[差数]\D{0,8}\d|比\D{0,6}\d", -0.6),
    (re.compile(r"多重|\bhow heavy\b", re.I), _WEIGHT, -0.6),
    (
        # What is produced is weighed or counted; the land it grows on is not.
        re.compile(r"^(?!.*(?:第几|增|面积)).*(?:产量|产了|(?<!economic )\boutput\b)", re.I | re.S),
        r"(?:公?斤|吨|担|[辆台部套艘架件箱头只羽枚颗片瓶双]|立方|千瓦时|度|米|[%％倍]|\b(?:tonnes?|tons?|units))",
        0.3,
    ),
    (
        re.compile(
            r"比[例重]|占比|[增涨降跌][速幅]|增长(?:率|多少|了多少|目标)|百分之|强度|[升降涨跌]了?多少"
            r"|percent|\brate\b|\bshare\b|\bgrowth\b|\bgr[eo]w|intensity|proportion",
            re.I,
        ),
        _SHARE,
        0.3,
    ),
    (
        re.compile(
            r"多少钱|(?:多少|几)[十百千万亿]*(?:美|欧|日|港)?元|[票房租单售油电水气]价"
            r"|(?<!消费)价格(?!指数)|工资|薪[资酬水]|租金|学费"
            r"|\bspen[dt]|\byuan\b|\bmoney\b|\bcosts?\b|\bfares?\b"
            r"|\bhow much (?:is|are) an?\b|(?<!consumer )\bprices?\b(?!\s+ind)"
            r"|\bsalar(?:y|ies)\b|\bwages?\b",
            re.I,
        ),
        _MONEY + r"|[£$€¥]\s*\d",
        -0.6,
    ),
    (
        # Trade and what is earned and sold are told in money, or by how much they grow.
        re.compile(
            r"^(?!.*how many).*(?:外贸|进出口|贸易[额量总规]|(?:一般公共|财政)(?:预算)?收入|税收"
            r"|增加值|产值|可支配收入|零售额|零售总额|成交额|交易额|营业收入|存款|贷款余额"
            r"|\bforeign trade\b|\bimports and exports\b|\brevenue\b|\bretail sales\b"
            r"|\bdisposable income\b)",
            re.I | re.S,
        ),
        _MONEY + "|[%％]",
        0.3,
    ),
)
_CLASSIFIER = re.compile(
    r"(?:多少|几)[十百千万亿]*(?P<unit>[家户个条辆套所座项次人名位处种类列亩件支只艘台场趟班间天岁吨度倍页届年对])"
)

_MEASURED = tuple(
    (re.compile(rf"(?:(?:多少|几)[十百千万亿]*|\bhow many (?:\w+illion )?){unit}", re.I), unit)
    for unit in (_AREA, _LENGTH, _WEIGHT, _POWER, _VISITS, _VOLUME)
)
"""Units that a question names itself, each with those that measure the same."""

_PEOPLE = r"(?:人|名(?!牌|优|录)|位(?!于|居|列)|people|persons?)"
_COUNTED = tuple(
    (re.compile(asked, re.I), unit)
    for asked, unit in (
        (
            (
                "(?:多少|几)个?(?:人(?!次|均|口)|[游旅乘]客|学生|[职员]工|居民|老年?人|儿童|[小女男]?孩"
                "|农民|工人|观众|病人|患者|群众|毕业生|[教老]师|医生|护士|志愿者|人才|村民)"
                r"|\bhow many (?:\w+ ){0,3}(?:people|passengers|visitors|tourists|travell?ers"
                "|students|pupils|workers|employees|residents|teachers|doctors|nurses|patients|graduates"
                "|volunteers|farmers|children)"
            ),
            _PEOPLE,
        ),
        (r"\bhow many (?:\w+ ){0,3}(?:cars|vehicles|buses|trucks|automobiles)\b", "辆"),
        (
            r"\bhow many (?:\w+ ){0,3}(?:compan(?:y|ies)|enterprises|firms|businesses)\b",
            "[家户个]",
        ),
        (r"\bhow many (?:\w+ ){0,3}(?:homes|houses|flats|apartments|dwellings)\b", "[套户间座]"),
        (r"\bhow many (?:\w+ ){0,2}(?:cities|counties|villages|towns|countries)\b", "[个座]"),
        (r"\bhow many (?:\w+ ){0,2}households\b", "户"),
    )
)
"""What is asked for without a measure word, and the measure words that Chinese counts it with."""

_COUNTERS = (
    "间座所家个处栋户",
    "名人位个",
    "次场届班趟",
    "条列个",
    "只头件台",
    "部个首本册",
    "件项个",
    "度℃",
)

_THINGS = re.compile(
    r"\bhow many (?!(?:more |of the |\w+illion |thousand |hundred |square |cubic )*"
    r"(?:hectares?|acres?|mu|k?m|k?g|\w*met(?:re|er)s?|miles?|feet|tonnes?|tons?|kilo\w+|hours?|minutes?"
    r"|days?|weeks?|months?|years?|times|per\s?cent|percent\w*|points?|yuan|dollars?|euros?|pounds?"
    r"|degrees?|\w*watts?|lit(?:re|er)s?|gallons?)\b)",
    re.I,
)
"""Asks how many things there are, which no length, weight or sum of money tells."""
_MEASURES = (
    r"(?:公里|千米|[厘毫]?米|平方|立方|亩|公顷|公?斤|千克|公?吨|[美欧日港]?元|[%％]|个?百分点|倍|成(?!套)"
    r"|[兆千]?瓦|小时|分钟"
    r"|\b(?:k?m|k?g|kilomet(?:re|er)s?|met(?:re|er)s?|miles?|feet|tonnes?|tons?|hectares?|acres?|square|cubic"
    r"|per\s?cent|percent\w*|yuan|dollars?|euros?|pounds?|\w*watts?|hours?|minutes?)\b)"
)
_NUMBER_OF_THINGS = rf"(?<![£$€¥.,\dA-Za-z])(?=[\d一-鿿])(?>{_QUANTITY})(?!\s*{_MEASURES})"
_IN_WORDS = 0.5
"""What a number in words says, which counts things in passing more often: two red bands."""

_HAN_DIGITS = "[〇零元一二三四五六七八九十]"
_DATE = re.compile(
    r"\d{3,4}\s*年(?:\d{1,2}月(?:\d{1,2}日)?)?|\d{1,2}月(?:\d{1,2}日|[底初份])?|年底|上半年|下半年"
    r"|(?:公元前?|民国)\d+\s*年|世纪|[\d〇零一二三四五六七八九]0?[十0]?年代|[一二三四五六七八九十正腊]月(?!均)"
    # Years of an era: 嘉靖七年, and not so many years: 连续三年.
    rf"|(?!连续|过去|未来|今后|最近|此后|其后|前后|为期|历时|长达|任期|累计|用了|近|这|前|后)"
    rf"[\u4e00-\u9fff]{{2}}{_HAN_DIGITS}{{1,3}}年(?![来以内间多])"
    r"|[夏商周秦汉隋唐宋元明清]朝|[汉唐宋元明清]代(?!表)|[南北东西][宋汉晋](?=[时朝代末初年皇中后]|$)"
    r"|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b"
    r"|\b(?:19|20)\d\d\b"
)

_HOUR = re.compile(
    r"周[一二三四五六日天末]|星期|每[天日周]|\d{1,2}\s*[:：]\s*\d\d|[\d一二三四五六七八九十]点"
    r"|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b|\b(?:weekdays?|weekends?|daily|noon|midnight)\b"
    r"|\b\d{1,2}[.:]\d\d\b(?!\s*(?:%|per|m\b|million|billion))|\b\d{1,2}\s*[ap]\.?m\b"
)

_DAY = re.compile(
    r"\d{1,2}\s*月\s*\d{1,2}|(?<![\d.])\d{1,2}\s*[日号](?![线楼])|[一二三四五六七八九十]月[一二三四五六七八九十]+"
    r"|周[一二三四五六日天末]|星期|初[一二三四五六七八九十]|节"
    r"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d{1,2}\b(?!\d)"
    r"|\b\d{1,2}(?:st|nd|rd|th)? (?:of )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b|\b\d{4}-\d\d?-\d\d?\b"
)

_ANY_YEAR = re.compile(
    rf"\d{{2,4}}\s*年|[〇零一二三四五六七八九]{{4}}年|年代|世纪|(?:公元前?|民国){_HAN_DIGITS}+年"
    rf"|[\u4e00-\u9fff]{{2}}{_HAN_DIGITS}{{1,3}}年(?![来以内间多])|\b(?:1\d|20)\d\d\b"
)

# A title with a name, or two capitals in a row inside a sentence or beside what somebody is.
_CAPITAL = r"[A-Z\u00c0-\u00de][\w'’-]*[a-z\u00df-\u024f]"
_FULL_NAME = rf"{_CAPITAL} (?:[A-Z]\. |(?:van|von|de|da|di|del|der|la|al|bin) )*{_CAPITAL}"
_TITLED = re.compile(
    r"\b(?:Mr|Ms|Mrs|Dr|Prof|Professor|Sir|Dame|President|Premier|Mayor|Governor|Captain|Councillor"
    r"|Minister|Admiral|Judge)\.?\s+[A-Z]"
    rf"|(?<=[a-z,:;–—(] ){_FULL_NAME}|^\W*{_FULL_NAME}\s*(?:[,(–—]|$)",
    re.M,
)


_RANKED = re.compile(
    r"(?:第|前)[\d一二三四五六七八九十]+(?:[位名强]|(?=[、，。；”]|$))|[居列]\D{0,12}\d+[位名强]|首位"
)
_ONLY_RANKED = -0.6
"""What the place in a ranking says where an amount is asked for."""


def has_figure(text: str) -> bool:
    """Whether a quantity is written, apart from years and numbers that only name something."""
    return _FIGURE.search(_NAMING.sub("", text)) is not None


def figure_agreement(question: str, text: str) -> float:
    """Does a text hold the kind of figure that a question asks for?

    1 for a figure with the unit asked for, or any figure where no unit is; less for a figure with
    another unit (-0.6 where the question names the unit itself: 多少亿元, 几家), -1 for none.
    """
    if not has_figure(text):
        return -1.0
    classifier = _CLASSIFIER.search(question)
    if classifier and classifier["unit"] not in "个位倍":
        wanted, otherwise = f"{_QUANTITY}{_likes(classifier['unit'])}", -0.6
    elif measured := next((unit for asked, unit in _MEASURED if asked.search(question)), None):
        wanted, otherwise = _QUANTITY + measured, -0.6
    elif contains_han(text) and (
        counted := next((unit for asked, unit in _COUNTED if asked.search(question)), None)
    ):
        # English counts the things themselves, by as many words as there are things.
        wanted, otherwise = _QUANTITY + counted, -0.6
    elif _THINGS.search(question):
        told = re.search(_ENGLISH_NUMBER, text)
        wanted, otherwise = _NUMBER_OF_THINGS, _IN_WORDS if told else -0.6
    else:
        found = next((entry for entry in _WANTED_UNITS if entry[0].search(question)), None)
        ranked = found is not None and found[1] is _RANK
        if not ranked and not has_figure(_RANKED.sub(" ", text)):
            return _ONLY_RANKED
        if found is None:
            return 1.0
        _, unit, otherwise = found
        wanted = f"(?i:{unit})" if unit is _RANK else _QUANTITY + unit
    return 1.0 if re.search(wanted, _NAMING.sub("", text)) else otherwise


def _likes(unit: str) -> str:
    """The counters that count the same things: 几间 may be answered by 3座, 多少次 by 300万人次."""
    units = "".join(group for group in _COUNTERS if unit in group) or unit
    return f"(?:人次|[{units}])" if unit == "次" else f"[{units}]"


def has_date(text: str) -> bool:
    """Whether a date, a year or a part of a year is written."""
    return _DATE.search(text) is not None


def has_hour(text: str) -> bool:
    """Whether a day of the week or a time of day is written."""
    return _HOUR.search(text) is not None


def has_day(text: str) -> bool:
    """Whether a day is written, of a month or of a week."""
    return _DAY.search(text) is not None


def has_year(text: str) -> bool:
    """Whether a year is written, and not only a day of one."""
    return _ANY_YEAR.search(text) is not None


def has_person(text: str) -> bool:
    """Whether a person's name seems to be written, by the segmenter's own judgement."""
    return any(tag.startswith("nr") for _, tag in tagged_words(text)) or bool(_TITLED.search(text))
