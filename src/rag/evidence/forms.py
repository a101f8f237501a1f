"""The form that an answer takes where it is neither a quantity nor a date nor a person.

Some questions ask for what has a form of its own: a telephone number, a price, a time of day. A
passage that speaks of the thing but holds no such form does not answer them. Others ask for what
is told in certain words (a reason, a way, a place): these make a sentence likelier and are missed
less, since there are many ways to tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["asks_for_form", "form_agreement"]

_ABSENT = -1.0
"""What the absence of a form says that has no other."""
_HINTED = 0.8


@dataclass(frozen=True, slots=True)
class _Form:
    """Questions that ask for it, texts that hold it, and what its absence says."""

    asked: re.Pattern[str]
    told: re.Pattern[str]
    absent: float
    hinted: re.Pattern[str] | None = None
    """Texts that may hold it, which count ``_HINTED``."""


def _form(asked: str, told: str, absent: float = _ABSENT, *, hinted: str = "") -> _Form:
    hint = re.compile(hinted, re.I) if hinted else None
    return _Form(re.compile(asked, re.I), re.compile(told, re.I), absent, hint)


_HOW_MUCH = r"(?:是|要|为|大概|平均|涨到|降到)*(?:多少|几|怎么[算样]|[?？]|$)"

_MONEY = (
    r"[\d一二三四五六七八九十百千万亿几两]\s*[余多来]?(?:(?:hundred|[mb]illion|trillion|thousand)\s+)?"
    r"(?:[美欧日港]?元|块|角|镑|卢布|yuan|dollars?|euros?|pounds?|cents?)"
    r"|[￥¥$£€]\s*\d|\b(?:CNY|RMB|USD|EUR|GBP)\b|元/|（元"
)

_FORMS = (
    _form(  # a telephone number
        r"(?:电话|手机|热线|传真|联系方式)(?:号码?)?(?:是|是多少|多少|几|[?？]|$)|电话号|怎么联系"
        r"|打(?:哪个|什么|几号|谁的)电话|\bphone\b.*\bnumber\b|\btelephone\b|\bhotline\b|\bfax\b",
        r"(?<!\d)(?:\+?\d[\d\- ()（）]{5,}\d|1[12]\d{3}|9\d{4,5}|11[0-9])(?![\d年])",
    ),
    _form(r"邮箱|电子邮件|\be-?mail\b", r"@|邮箱"),
    _form(  # an address on the web
        r"网址|官网|哪个网站|什么网站|\bwebsite\b|\burl\b",
        r"https?:|www\.|\.(?:com|cn|org|net|gov)\b|网站?|\bportal\b",
    ),
    _form(  # a time of day
        r"几点|(?:开放|营业|办公|上班|办理|服务)时间|什么时候(?:开门|关门|开放|营业|上班|下班)"
        r"|\bwhat time\b|\b(?:opening|office|business) hours\b",
        r"\d{1,2}\s*[:：]\s*\d\d|[\d一二三四五六七八九十]+\s*点|\d\s*[ap]\.?m\b|全天|24\s*小时"
        r"|昼夜|周[一二三四五六日]至|\bo'clock\b|\bnoon\b|\bmidnight\b",
    ),
    _form(  # what somebody gets, which is never free
        r"(?:补贴|津贴|补助|奖励|奖金|养老金|退休金|低保|工资|月薪|薪[资酬水]|[领拿赔挣赚发])[^，。？?]{0,12}"
        r"(?:多少钱|(?:多少|[几好]多?)[十百千万亿]*(?:块(?=钱|[了呢吗?？]|$)|元))|几[百千万]+(?:块|元)"
        r"|能?(?:领|拿|挣|赔)(?:到|得|回)?多少(?!人|个|家|次|名|户|年|天|[本张]|证)"
        r"|^(?!.*\b(?:ris|rose|gr[eo]w|increas|f[ae]ll|up\b)).*\bhow much\b.*"
        r"\b(?:earns?|wages?|salar(?:y|ies)|pension|allowance|subsid(?:y|ies))\b"
        r"|\bwhat (?:does|do|did) .*\bearn\b",
        _MONEY,
    ),
    _form(  # lives that were lost, and how
        r"死了?(?:多少|几)|(?:多少|几)[^，。？?]{0,6}(?:死|遇难|伤亡|丧生|牺牲)|(?:死亡|遇难|伤亡)人数|怎么死的|死因"
        r"|\bhow many\b.*\b(?:died?|deaths?|killed|fatalities)\b|\bdie(?:d|s)? of\b",
        r"[死亡]|遇难|牺牲|丧生|罹难|遇害|去世|逝世|病逝"
        r"|\bdie[ds]?\b|\bdea(?:d|ths?)\b|\bkill|\blives?\b|\bfatal|\bdrown|\bperish|\blost\b",
    ),
    _form(  # a price
        r"多钱|多少钱|(?:多少|[几好]多?)[十百千万亿]*(?:块(?=钱|[了呢吗?？]|$)|元)|怎么收费"
        r"|(?:[票房租售油电水气单物]价|价格|收费|费用|学费|房租|租金|工资|月薪|薪[资酬水]|造价|身价"
        rf"|罚款|手续费|工本费)(?:标准)?{_HOW_MUCH}"
        r"|[花亏赚付捐罚补]了?多少(?!人|个|次|年|天)"
        r"|\bhow much (?:does|do|did|will|would|is|was|are)\b.*"
        r"\b(?:cost|pay|paid|charged?|fee|fare|ticket|priced?|rent)\b"
        r"|\bwhat (?:does|do|did|will|would|should|must) .*\b(?:cost|pay)\b|\bhow expensive\b"
        r"|\bhow much .*\b(?:cost|pay|charged?|fined?)\b"
        r"|\bwhat(?:'s| is) the (?:price|cost|fee|fare|fine)\b"
        r"|\b(?:price|cost|fee|fare|salary|wage|rent|tuition) (?:of|for|per)\b",
        _MONEY + r"|免费|不收费|\bfree\b",
    ),
    _form(  # the model of a product
        r"(?:什么|哪个|何种)型号|型号是|\bwh(?:at|ich) model\b",
        r"[A-Za-z]+[-\s]?\d|\d+[A-Za-z]+|型(?!号)",
        -0.6,
    ),
    _form(  # an organisation
        r"(?:哪个?|什么)(?:部门|单位|机构|机关)|归谁管|谁(?:负责|主管|来管)"
        r"|\bwh(?:at|ich) (?:department|office|authority|agency|organi[sz]ation)\b",
        r"[局厅委](?![外员])|部(?:门|$|[，。；：])|委员会|中心|协会|研究[所院]|公司|大学|学院|\b(?:Department|Office|Bureau|Ministry)\b",
        -0.3,
    ),
    _form(  # a reason
        r"为什么|为何|为啥|因为[啥何]|因为什么|什么原因|原因是|怎么会|因何|凭什么|\bwhy\b"
        r"|\bwhat (?:caused|made|led|set|started|triggered|brought)\b|\breasons?\b|\bhow come\b"
        r"|\b(?:was|is) behind\b",
        r"因(?:为|此|而|[\u4e00-\u9fff])|由于|所以|导致|原因|为了|以便|以免|缘于|源于|归功|出于"
        r"|引起|造成|致使|使得|以致|诱因|得益于|据此|遂"
        r"|受[^，。]{1,20}影响|\bbecause\b|\bdue to\b|\bsince\b|\bso (?:that|as)\b|\bowing\b"
        r"|\breason\b|\bafter\b|\bin order\b|\bcaused?\b|\bstarted by\b|\btraced to\b|\bthanks to\b"
        r"|\bresult(?:ed|s)?\b|\bled to\b|\bblamed?\b|\bput down to\b|\bcame (?:\w+ ){0,2}from\b",
        -0.3,
    ),
    _form(  # a way
        r"怎么(?:办|做|申请|弄|处理|设置|操作|报名|查询|缴|交|走|去|用|选|预约)|咋(?:办|弄|做)|如何"
        r"|怎样(?!$|[?？])|步骤|流程|\bhow (?:do|can|should|to)\b",
        r"[应须需]|可以?|通过|登录|填写|提交|点击|步骤|先|再|携带|凭|申请|采[取用]"
        r"|\b(?:must|should|can|may|apply|submit|register|fill|click|first|then|please)\b",
        -0.2,
    ),
    _form(
        r"哪条(?:街|路|马路|巷)|\bwhich street\b",
        r"路(?![径线])|街|大道|巷|胡同|\b(?:Street|Road)\b",
    ),
    _form(  # a place
        r"哪里|哪儿|何处|什么地方|什么位置|啥地方|地址|位于|哪[个座]?(?:城市|国家|省|市|村|岛|镇)"
        r"|\bwhere\b|\bwhich (?:city|country|town|village|island|province|building)\b",
        r"位于|坐落|地址|地点",
        -0.3,
        hinted=r"[省市区县镇乡村路街道][\u4e00-\u9fff\d]|\d\s*[号楼室层]|在[\u4e00-\u9fff]{2,}"
        r"|[州国岛港寨站湾山]|\b(?:in|at|on|near|from) (?:the )?[A-Z]",
    ),
)


def asks_for_form(question: str) -> bool:
    """Whether a question asks for something that has a form of its own."""
    return _asked_for(question, strict=False) is not None


def form_agreement(question: str, text: str, *, strict: bool = False) -> float | None:
    """Whether a text holds the form that a question asks for; None where it asks for none.

    1 where it does; where it does not, -1 for what has no other form, less for what may be told
    in other words. ``strict`` looks for forms of the first kind alone.
    """
    form = _asked_for(question, strict=strict)
    if form is None:
        return None
    if form.told.search(text):
        return 1.0
    return _HINTED if form.hinted and form.hinted.search(text) else form.absent


@lru_cache(maxsize=256)  # a question is held against every sentence
def _asked_for(question: str, *, strict: bool) -> _Form | None:
    asked = (form for form in _FORMS if form.absent == _ABSENT or not strict)
    return next((form for form in asked if form.asked.search(question)), None)
