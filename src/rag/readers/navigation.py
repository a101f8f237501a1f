"""Lines that lead about a site instead of saying something: menus, paths, imprints; pure.

A menu looks like a list and a path like a formula, so neither its words nor its marks decide alone.
Only the edges of a page are looked at, only lines all of whose parts are short, and one part must
be a control that no text needs (设为首页, Log in, ©) unless the line's place tells what it is. What
people ask a page for is never taken: telephone numbers, addresses, opening hours, prices, dates of
publication, rows of tables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rag.text import contains_han

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rag.schema import Block

__all__ = ["navigation"]

_HEAD_LINES = 16
_TAIL_LINES = 8
_SENTENCE = re.compile(r"[。！？!?；;]|[a-z]\.(?:\s|$)")
_LONG = 60
"""A line of more characters, or twice as many Latin ones, is text: a page's head ends there."""

_CONTROL = re.compile(
    r"(?:网站|返回|设为|回到)?(?:首页|主页)|加入收藏|收藏本[页站]|\S{0,6}登[录陆]|联系我们|关于我们|站内搜索"
    r"|(?:网站|站点)(?:地图|导航)|意见箱|(?:我要)?(?:打印|分享|举报|反馈)(?:本[页文])?|关闭(?:窗口|本页)"
    r"|返回(?:顶部|列表|上一页)|推荐给好友|分享到.{0,4}|无障碍(?:浏览|阅读)?|繁[體体](?:中文)?|手机版"
    r"|二维码|扫一扫.{0,10}|我要办理|查看历史|QQ空间|(?:\S+ )?home|intranet|log ?(?:in|out)"
    r"|sign ?(?:in|up)|(?:privacy|cookie)s?(?: \w+)?|accessibility|imprint|site ?map|contact us"
    r"|about us|faqs?|print(?: this page)?|share(?: (?:on \w+|this page))|skip to (?:main )?content"
    r"|back to top|apply now|terms of \w+",
    re.I,
)
_IMPRINT = re.compile(
    r"©|版权所有|^copyright\b|all rights reserved|ICP备|公网安备|技术支持|powered by"
    r"|(?:政府|局|处)主办$",
    re.I,
)
_STAMP = re.compile(
    r"(?:本?页面?)?(?:最[后近])?(?:更新|修改|修订)(?:时间|日期)?于?\s*[：:]?\s*[\d年月日/.\-: ]+"
    r"|(?:浏览|点击|阅读|访问)(?:次数|量|数)?\s*[：:]?\s*[\[(]?[\d,]+[\])]?次?"
    r"|last (?:modified|updated)[: ]*[\w ,/.\-]+|page id \d+|(?:好差评|评分)\s*[\d.]+分?",
    re.I,
)
_CONTACT = re.compile(
    r"电话|热线|传真|邮[箱编件]|地址|信箱[：:]|@|\btel\b|phone|e-?mail|\d{3,4}-\d{6,}|\d:\d\d", re.I
)
_LINKS = re.compile(
    r"(?:相关(?:链接|阅读|文[章档]|新闻|推荐|信息|内容)?|(?:友情|快速|常用|校内|站内)链接"
    r"|大家都在看|猜你喜欢|推荐阅读|延伸阅读|热门(?:推荐|文章)|分享[到至]"
    r"|related(?: \w+)?|see also|quick links|follow us|share(?: on)?)\s*[：:]\s*(?P<rest>.*)",
    re.I,
)
_TURN = re.compile(
    r"[【\[（(]?[上下]一[篇条页章]\s*(?:[】\]）)：:|]|$)"
    r"|(?:previous|prev|next)(?: \w+)?\s*[:：»→]",
    re.I,
)
_BULLETED = re.compile(r"[·•▪‧]\s*\S")

_BETWEEN = re.compile(r"\s*[|｜·•»›[\]【】>]+\s*|\s+[/–—\-]\s+|\s{2,}|\u3000+")
_PATH_MARK = re.compile(r"\s*(?:->|>{1,2}|»|›)\s*")
_PATH_SLASH = re.compile(r"\s+/\s+")
_PATH_BEGINS = re.compile(
    r"(?:(?:您|你)?(?:的|现在的|当前的?)?位置|当前位置|breadcrumbs?|you are here)\s*[：:]?\s*", re.I
)
_HOME = re.compile(r"首页|主页|\bhome\b", re.I)
_TEXTUAL = re.compile(r"[。！？!?；;，,：:=@%％￥¥$]")
_PART, _PATH_PART = 12, 22
"""Characters at most of an entry of a menu and of a step of a path; Latin ones count half."""

_MENU = 4
"""So many entries make a menu where the line's place is that of one."""


def navigation(text: str, blocks: Sequence[Block]) -> set[int]:
    """Indexes of the blocks that only lead elsewhere. Never all of them."""
    lines = [text[block.start : block.end].strip() for block in blocks]
    head = _head(lines)
    heading = next((i for i, block in enumerate(blocks) if block.kind == "heading"), 0)
    tail = range(max(0, len(lines) - _TAIL_LINES), len(lines))
    found: set[int] = set()
    for index in sorted({*head, *tail}):
        if blocks[index].kind not in {"paragraph", "list_item"}:
            continue
        # A paragraph of Markdown may have several lines.
        own = [line.strip() for line in lines[index].split("\n")]
        if (
            all(_is_menu(line) for line in own)
            or (index in head and _is_path(lines, index))
            or (index in head and index < heading and _is_bare_menu(lines[index]))
            or (index in tail and all(_leads_on(line) or _is_menu(line) for line in own))
            or (index - 1 in found and _BULLETED.match(own[0]) and _LINKS.match(lines[index - 1]))
        ):
            found.add(index)
    # An imprint alone is the last of a page; elsewhere it may be what a licence says.
    for index in reversed(tail):
        if index not in found and not _is_imprint(lines[index]):
            break
        found.add(index)
    found |= _stacked(lines, [i for i in head if i < heading and i not in found])
    return found if len(found) < len(blocks) else set()


def _head(lines: Sequence[str]) -> range:
    """The lines before the first that is text."""
    for index, line in enumerate(lines[:_HEAD_LINES]):
        if _size(line) > _LONG or (_SENTENCE.search(line) and not _PATH_BEGINS.match(line)):
            return range(index)
    return range(min(len(lines), _HEAD_LINES))


def _size(text: str) -> float:
    return len(text) if contains_han(text) else len(text) / 2


def _parts(line: str) -> list[str]:
    return [part for part in map(str.strip, _BETWEEN.split(line)) if part]


def _is_short(part: str, limit: int = _PART) -> bool:
    return _size(part) <= limit and _TEXTUAL.search(part) is None


def _is_menu(line: str) -> bool:
    """Short entries, at least one of which is a control or an imprint, and nothing to be asked."""
    if _CONTACT.search(line) or _size(line) > 2 * _LONG:
        return False
    parts = _parts(line)
    if len(parts) == 1:
        parts = line.split() if contains_han(line) else parts
    strong = [part for part in parts if _CONTROL.fullmatch(part) or _IMPRINT.search(part)]
    stamps = [part for part in parts if part not in strong and _STAMP.fullmatch(part)]
    others = [part for part in parts if part not in strong and part not in stamps]
    if not strong or not all(map(_is_short, others)):
        return False
    if len(strong) + len(stamps) > 1:
        return True
    # Home | 3 | 1 and Home | Away are rows of a table.
    return len(parts) >= _MENU and not any(any(map(str.isdigit, part)) for part in others)


def _is_bare_menu(line: str) -> bool:
    """Entries and nothing else, before the page's heading."""
    parts = _parts(line)
    if len(parts) == 1 and contains_han(line):
        parts = line.split()
    return (
        len(parts) >= _MENU
        and _CONTACT.search(line) is None
        and all(_is_short(part) and not any(map(str.isdigit, part)) for part in parts)
    )


def _is_path(lines: Sequence[str], index: int) -> bool:
    """首页 > 政务信息 > 要闻: steps down to the page itself, and nothing beside them."""
    line = lines[index]
    begins = _PATH_BEGINS.match(line)
    line = line[begins.end() :] if begins else line
    marked = _PATH_MARK.split(line)
    steps = [step for step in (marked if len(marked) > 1 else _PATH_SLASH.split(line)) if step]
    if re.search("[|<]", line) or not all(
        len(step) > 1 and _is_short(step, _PATH_PART) for step in steps
    ):
        return False
    if begins:
        return bool(steps)
    if len(steps) < 2:
        return False
    around = [*lines[:index], *lines[index + 1 : index + 6]]
    return (
        _HOME.search(steps[0]) is not None
        or (len(marked) > 1 and (not marked[0] or len(steps) > 2))
        or any(steps[-1] in other for other in around)
    )


def _leads_on(line: str) -> bool:
    """A link to the next page, or links to others, at the end of a page."""
    if _CONTACT.search(line) or _size(line) > 2 * _LONG:
        return False
    if _TURN.match(line):
        return True
    links = _LINKS.fullmatch(line)
    if links is None:
        return False
    parts = [each for part in _parts(links["rest"]) for each in re.split("[、，,]", part)]
    return all(
        _is_short(part, _PATH_PART) or _STAMP.fullmatch(part) or _IMPRINT.search(part)
        for part in parts
    )


def _is_imprint(line: str) -> bool:
    return (
        _IMPRINT.search(line) is not None
        and _size(line) <= 2 * _LONG
        and not (_SENTENCE.search(line) or _CONTACT.search(line))
    )


def _stacked(lines: Sequence[str], indexes: Sequence[int]) -> set[int]:
    """A menu with an entry a line, before the page's heading: a run that holds a control."""
    found: set[int] = set()
    run: list[int] = []
    for index in [*indexes, len(lines)]:
        if run and (index != run[-1] + 1 or not _is_entry(lines[index])):
            if len(run) >= _MENU and any(_CONTROL.fullmatch(lines[each]) for each in run):
                found.update(run)
            run = []
        if index < len(lines) and _is_entry(lines[index]):
            run.append(index)
    return found


def _is_entry(line: str) -> bool:
    return _is_short(line) and not any(map(str.isdigit, line))
