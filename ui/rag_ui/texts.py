"""What the page says, in Chinese and in English."""

from __future__ import annotations

from collections.abc import Mapping

from rag_ui.markup import both, escape

__all__ = ["TEXTS", "TITLE", "plain", "say"]

TITLE = ("有据 · 文档问答", "Quoted · answers from your documents")

TEXTS: Mapping[str, tuple[str, str]] = {
    # The header
    "brand": ("有据", "Quoted"),
    "tagline": ("每个回答都是可核对的原文引用", "Every answer is a quotation you can check"),
    "documents": ("文档", "Documents"),
    "new_conversation": ("新对话", "New chat"),
    "language": ("切换到英文", "Switch to Chinese"),
    "theme": ("切换深色或浅色", "Switch between dark and light"),
    # The conversation
    "conversation": ("对话", "Conversation"),
    "placeholder": (
        "就文档内容提问",
        "Ask about the documents",
    ),
    "filter_place": ("地点", "Place"),
    "filter_year": ("年份", "Year"),
    "any_place": ("全部地点", "All places"),
    "any_year": ("全部年份", "All years"),
    "question": ("问题", "Question"),
    "send": ("发送", "Send"),
    "stop": ("停止", "Stop"),
    "welcome": ("想从文档中了解什么？", "What would you like to know?"),
    "welcome_about": ("资料库中有 {count} 份文档。", "The library holds {count} documents."),
    "welcome_one": ("资料库中有《{title}》。", "The library holds {title}."),
    "welcome_quoted": (
        "回答逐字引自原文并注明位置；文档里没有的，会如实说明。",
        (
            " Answers are quoted word for word, with their exact place; what the documents do not"
            " say, you are told."
        ),
    ),
    "welcome_worded": (
        "回答由语言模型表述，每句都附有核对过的原文；文档里没有的，会如实说明。",
        (
            " Answers are in a language model's words, each sentence with the quotations that"
            " support it; what the documents do not say, you are told."
        ),
    ),
    "welcome_empty": (
        "资料库还是空的。请先在“文档”中添加文件，然后提问。",
        "The library is empty. Add files under Documents, then ask.",
    ),
    "searching": ("正在查找…", "Searching…"),
    "no_answer": ("没有答案", "No answer"),
    "problem": ("无法处理", "Not possible"),
    "stopped": ("已停止", "Stopped"),
    "broken": (
        "出了意料之外的问题，这个问题没有得到回答。请再试一次；服务端的日志说明了原因。",
        (
            "Something unexpected went wrong and the question was not answered. Try again; the"
            " server's log says why."
        ),
    ),
    "exact_question": ("按原文检索", "searched as typed"),
    "rewritten": ("按“{rewritten}”检索。", "Searched for: {rewritten} "),
    "search_exactly": ("改为只按原话检索", "Search exactly what I typed"),
    "again_extractive": ("改为只引用原文", "Quote the documents only"),
    "again_chat": ("改由语言模型表述", "Let the language model word it"),
    "nearest": ("最接近的段落（不是答案）：", "Nearest passages (not an answer):"),
    "nearest_chip": ("段落 {number}", "Passage {number}"),
    "confidence_high": ("把握较大", "Confident"),
    "confidence_medium": ("把握一般", "Fairly confident"),
    "confidence_low": ("把握较小，请核对原文", "Tentative, please check the source"),
    "took": ("{milliseconds} 毫秒", "{milliseconds} ms"),
    "copy": ("复制回答与引文", "Copy with citations"),
    "copied": ("已复制", "Copied"),
    "good": ("有用", "Helpful"),
    "bad": ("不对", "Wrong"),
    "judged": ("已记下，谢谢。", "Noted, thank you."),
    "what_is_wrong": ("哪里不对？应该怎么回答？", "What is wrong? What should it say?"),
    "tell": ("提交", "Send"),
    "skip": ("跳过", "Skip"),
    "show_quotation": ("查看引文 {marker}", "Show quotation {marker}"),
    "show_passage": ("查看段落 {marker}", "Show passage {marker}"),
    # The panel
    "evidence": ("引文出处", "Evidence"),
    "close": ("关闭", "Close"),
    "evidence_empty": (
        "点按回答中的编号，这里会显示原文段落，并标出引用的字句。",
        "Choose a number in an answer: the passage appears here with the quoted words marked.",
    ),
    "evidence_for": ("问题", "Question"),
    "cited": ("引用的段落", "Quoted passages"),
    "near": ("最接近的段落，不是答案", "Nearest passages, not an answer"),
    "others": ("另外找到的段落（{count}）", "Other passages found ({count})"),
    "beside": ("前后的段落", "Before and after"),
    "before": ("前一段", "Before"),
    "after": ("后一段", "After"),
    "whole": ("段落", "Passage"),
    "place": ("第 {start}–{end} 字", "characters {start}–{end}"),
    "page": ("第 {page} 页", "page {page}"),
    "since_changed": (
        "这份文件后来有了新版本；引文出自旧版本。",
        "This document has changed since; the quotation is from the version of then.",
    ),
    "since_gone": (
        "这份文件后来已被移除；引文仍如当时所示。",
        "This document has been removed since; the quotation stands as it was given.",
    ),
    # Documents
    "add_files": ("添加文件", "Add files"),
    "add_hint": (
        "支持 {suffixes}，可多选。同名文件会替换旧版本。",
        "{suffixes}; several at once. A file of the same name replaces the older version.",
    ),
    "reading_files": ("正在读取…", "Reading…"),
    "no_documents": ("还没有文档。", "No documents yet."),
    "document_facts": (
        "{passages} 个段落，{characters} 字",
        "{passages} passages, {characters} characters",
    ),
    "document_more": (
        "另有 {count} 份文档未列出；命令 rag documents list 列出全部。",
        "{count} more are not shown; the command rag documents list shows all.",
    ),
    "remove": ("移除", "Remove"),
    "remove_which": ("移除“{title}”", "Remove {title}"),
    "remove_sure": ("移除后，回答不再引用它。", "Answers will no longer quote it."),
    "cancel": ("取消", "Cancel"),
    "added": ("已添加，{passages} 个段落", "Added, {passages} passages"),
    "replaced": ("已替换旧版本，{passages} 个段落", "Replaced, {passages} passages"),
    "unchanged": ("没有变化", "Unchanged"),
    "failed": ("未添加：", "Not added: "),
    "removed": ("已移除。", "Removed."),
    "gone": ("它已经不在资料库中了。", "It is no longer in the library."),
}
"""By key: Chinese, English. Names in braces are filled in by ``say``."""


def say(key: str, values: Mapping[str, object] | None = None) -> str:
    """A text as HTML in both languages; the values filled in are escaped."""
    shown = {name: escape(value) for name, value in (values or {}).items()}
    chinese, english = TEXTS[key]
    return both(chinese.format_map(shown), english.format_map(shown))


def plain(key: str, values: Mapping[str, object] | None = None) -> tuple[str, str]:
    """A text as it is, Chinese and English, for attributes and for what is no HTML."""
    chinese, english = TEXTS[key]
    return chinese.format_map(values or {}), english.format_map(values or {})
