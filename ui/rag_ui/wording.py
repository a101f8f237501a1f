"""Every word of the page, in Chinese and English."""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["EXAMPLES", "Tongue", "tongue_of", "words"]

Tongue: TypeAlias = Literal["zh", "en"]

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("文档问答", "Ask your documents"),
    "promise": (
        "每个回答都由原文引语组成，点角标看出处；文档里没有的，就说没有。",
        "Every answer is made of verbatim quotations; follow a marker to see its place.",
    ),
    "question": ("问题", "Question"),
    "placeholder": (
        "问一个关于这些文档的问题，按回车发送",
        "Ask about these documents; Enter sends",
    ),
    "send": ("提问", "Ask"),
    "clear": ("清空对话", "Clear"),
    "theme": ("深色／浅色", "Dark / light"),
    "tongue": ("界面语言", "Language"),
    "conversation": ("对话", "Conversation"),
    "empty": (
        "### 想知道什么？\n从下面的例子开始，或直接输入问题。",
        "### What would you like to know?\nStart from an example below, or type a question.",
    ),
    "examples": ("试着问", "Try"),
    "evidence": ("出处", "Evidence"),
    "no_evidence": (
        "回答引用的段落会显示在这里，引语在原文中标出。",
        "The passages that an answer quotes appear here, with the quoted words marked.",
    ),
    "nearest": ("最接近的段落（不构成回答）", "Nearest passages (not an answer)"),
    "refused": ("未作回答", "No answer"),
    "place": ("第 {start}–{end} 字", "characters {start}–{end}"),
    "back": ("回到回答", "Back to the answer"),
    "rewritten": ("按上文理解为：{question}", "Understood as: {question}"),
    "exact": ("只按我输入的字面搜索", "Search exactly what I typed"),
    "sure": ("依据充分", "well supported"),
    "fair": ("依据尚可", "supported"),
    "documents": ("文档", "Documents"),
    "no_documents": (
        "还没有文档。在下面添加 .txt 或 .md 文件。",
        "No documents yet. Add .txt or .md files below.",
    ),
    "column_title": ("标题", "Title"),
    "column_place": ("地区", "Place"),
    "column_year": ("年份", "Year"),
    "column_passages": ("段落", "Passages"),
    "upload": ("添加文档（.txt、.md，可多选）", "Add documents (.txt, .md; several at once)"),
    "remove_which": ("移除文档", "Remove a document"),
    "remove": ("移除", "Remove"),
    "confirm": (
        "确定移除？文档和它的索引都会删除。",
        "Remove it? The document and all that derives from it is deleted.",
    ),
    "yes": ("确定移除", "Yes, remove"),
    "no": ("取消", "Cancel"),
    "removed": ("已移除。", "Removed."),
    "gone": ("这个文档已经不在了。", "This document is already gone."),
    "added": ("已添加：{source}（{passages} 段）", "Added: {source} ({passages} passages)"),
    "replaced": ("已替换：{source}（{passages} 段）", "Replaced: {source} ({passages} passages)"),
    "unchanged": ("没有变化：{source}", "Unchanged: {source}"),
    "failed": ("未添加：{error}", "Not added: {error}"),
    "trouble": ("没能回答：{error}", "That did not work: {error}"),
}

EXAMPLES: dict[Tongue, tuple[str, ...]] = {
    "zh": (
        "2023年研发投入强度是多少？",
        "2024年重点做好哪九个方面的工作？",
        "新能源汽车去年造了多少辆，今年目标是多少？",
        "How many new energy vehicles did Hefei produce in 2023?",
    ),
    "en": (
        "How many new energy vehicles did Hefei produce in 2023?",
        "What is the GDP growth target for 2024?",
        "How clean is the water of Chaohu Lake?",
        "2023年研发投入强度是多少？",
    ),
}
"""Questions about the sample report, shown only where the library has it."""


def words(tongue: Tongue, key: str) -> str:
    """A piece of wording. Keys are this module's own: an unknown one is a programming error."""
    chinese, english = _WORDS[key]
    return chinese if tongue == "zh" else english


def tongue_of(choice: str | None) -> Tongue:
    """The interface language for a browser's language or the switch's value."""
    return "zh" if (choice or "zh").lower().startswith(("zh", "中")) else "en"
