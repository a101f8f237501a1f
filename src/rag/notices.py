"""What the reader is told where an answer is not all that was hoped for; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Notice", "NoticeCode", "notice_of"]

NoticeCode: TypeAlias = Literal[
    "llm_unreachable",  # no connection to the language model's server
    "llm_timeout",  # it did not answer in time
    "llm_busy",  # it has too much to do, or the account's limit is reached
    "llm_error",  # it answered with an error
    "llm_interrupted",  # its reply broke off
    "llm_malformed",  # its reply is empty, or nothing that can be read
    "llm_declined",  # it found no answer in the passages
    "llm_unsupported",  # nothing that it said has a citation that supports it
    "llm_shortened",  # some sentences were left out because nothing supports them
    "part_unanswered",  # of several things that the question asks, some have no answer
]

_REASONS: dict[NoticeCode, tuple[str, str]] = {
    "llm_unreachable": ("语言模型无法连接", "The language model cannot be reached"),
    "llm_timeout": ("语言模型没有及时回答", "The language model did not answer in time"),
    "llm_busy": ("语言模型正忙", "The language model is busy"),
    "llm_error": ("语言模型服务出错", "The language model's server reported an error"),
    "llm_interrupted": ("语言模型的回答中断了", "The language model's answer broke off"),
    "llm_malformed": (
        "语言模型没有给出可读的回答",
        "The language model gave no answer that can be read",
    ),
    "llm_declined": (
        "语言模型没有在段落中找到答案",
        "The language model found no answer in the passages",
    ),
    "llm_unsupported": (
        "语言模型的回答没有得到文档的支持",
        "The language model's answer is not supported by the documents",
    ),
    "llm_shortened": (
        "语言模型的回答中有些句子没有得到文档的支持，已略去。",
        "Sentences of the language model that the documents do not support were left out.",
    ),
    "part_unanswered": (
        "文档中没有直接回答其中这一部分的内容：{about}",
        "Nothing in the documents answers this part directly: {about}",
    ),
}
_WHOLE = frozenset({"llm_shortened", "part_unanswered"})
"""Those that say all there is to say: nothing is quoted instead."""
_INSTEAD = ("，改为引用文档原文。", "; the documents are quoted instead.")
_BESIDES = ("，其余引用文档原文。", "; the rest is quoted from the documents.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """How an answer came about, where the reader should know: a code, and a sentence."""

    code: NoticeCode
    message: str
    about: tuple[str, ...] = ()
    """The parts of the question that it is about, each a question that stands on its own."""


def notice_of(
    code: NoticeCode, *, chinese: bool, begun: bool = False, about: tuple[str, ...] = ()
) -> Notice:
    """The notice in Chinese, for a question in Chinese, or in English.

    ``begun`` says that verified sentences of the model stand before the quotations; ``about`` are
    the parts of the question without an answer.
    """
    place = 0 if chinese else 1
    message = _REASONS[code][place].format(about=("；", "; ")[place].join(about))
    if code not in _WHOLE:
        message += (_BESIDES if begun else _INSTEAD)[place]
    return Notice(code=code, message=message, about=about)
