"""The chat page: a Gradio application mounted at / on top of the API's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import DocumentNotFound, RagError
from rag.schema import Turn
from rag_ui.evidence import documents_table, panel, turn_section
from rag_ui.messages import answer_markdown, literal
from rag_ui.style import (
    FONTS,
    MONO_FONTS,
    READ_TONGUE,
    SAVE_TONGUE,
    TOGGLE_THEME,
    asset,
)
from rag_ui.wording import EXAMPLES, tongue_of, words

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI

    from rag.assistant import Assistant
    from rag.library import Library
    from rag.schema import Answer
    from rag_ui.wording import Tongue

    Message = dict[str, str]
    Update = dict[str, Any]

__all__ = ["mount"]

_CONCURRENT = 8
"""Questions answered at once; the framework's own default is one for the whole page."""

_SAMPLE_PLACE, _SAMPLE_YEAR = "合肥市", 2024


def mount(
    app: FastAPI, *, assistant: Callable[[], Assistant], library: Callable[[], Library]
) -> FastAPI:
    """Mount the page at / of ``app``, which may already be answering. Returns ``app``."""
    import gradio as gr

    theme = gr.themes.Base(
        primary_hue="teal",
        neutral_hue="slate",
        radius_size="lg",
        font=FONTS,
        font_mono=MONO_FONTS,
    )
    return gr.mount_gradio_app(
        app,
        _Page(assistant, library).build(),
        path="/",
        footer_links=[],
        run_history=False,
        allowed_paths=[],
        show_error=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        theme=theme,
        css=asset("page.css"),
        js=asset("page.js"),
    )


class _Page:
    """Builds the page. Everything a visitor says or sees is in that visitor's session."""

    def __init__(self, assistant: Callable[[], Assistant], library: Callable[[], Library]) -> None:
        self._assistant = assistant
        self._library = library

    def build(self) -> gr.Blocks:
        import gradio as gr

        zh: Tongue = "zh"
        blocks: gr.Blocks
        with gr.Blocks(title="文档问答 · Ask your documents", analytics_enabled=False) as blocks:
            turns = gr.State([])  # what was said, for follow-ups
            sections = gr.State([])  # the evidence of each answer
            asked = gr.State("")  # the last question as typed
            with gr.Row(elem_id="masthead"):
                with gr.Column(scale=3, min_width=260):
                    masthead = gr.HTML(_masthead(zh))
                with gr.Column(scale=1, min_width=220), gr.Row(elem_classes=["tools"]):
                    tongue = gr.Radio(
                        ["中文", "English"],
                        value="中文",
                        show_label=False,
                        container=False,
                        elem_id="tongue",
                        min_width=150,
                    )
                    theme = gr.Button(words(zh, "theme"), size="sm", min_width=90)
            with gr.Row():
                with gr.Column(scale=6, min_width=320):
                    chat = gr.Chatbot(
                        label=words(zh, "conversation"),
                        show_label=False,
                        height="58vh",
                        placeholder=words(zh, "empty"),
                        latex_delimiters=[],
                        sanitize_html=True,
                        allow_tags=False,
                        feedback_options=None,
                        buttons=["copy"],
                        layout="bubble",
                        group_consecutive_messages=False,
                        elem_id="conversation",
                    )
                    exact = gr.Button(words(zh, "exact"), size="sm", visible=False, elem_id="exact")
                    with gr.Row(elem_id="ask-row"):
                        box = gr.Textbox(
                            label=words(zh, "question"),
                            show_label=False,
                            placeholder=words(zh, "placeholder"),
                            lines=1,
                            max_lines=5,
                            autofocus=True,
                            scale=8,
                            min_width=200,
                            elem_id="question",
                        )
                        send = gr.Button(
                            words(zh, "send"),
                            variant="primary",
                            scale=1,
                            min_width=80,
                            elem_id="ask",
                        )
                    with gr.Row(elem_id="examples"):
                        examples = [
                            gr.Button(text, size="sm", variant="secondary", visible=False)
                            for text in EXAMPLES["zh"]
                        ]
                    clear = gr.Button(words(zh, "clear"), size="sm", variant="secondary")
                with gr.Column(scale=5, min_width=320), gr.Tabs(elem_id="tabs"):
                    with gr.Tab(words(zh, "evidence"), id="evidence") as evidence_tab:
                        evidence = gr.HTML(panel([], tongue="zh"), elem_id="evidence")
                    with gr.Tab(words(zh, "documents"), id="documents") as documents_tab:
                        listing = gr.HTML()
                        upload = gr.File(
                            label=words(zh, "upload"),
                            file_count="multiple",
                            file_types=[".txt", ".md"],
                            type="filepath",
                            height=140,
                        )
                        outcome = gr.Markdown(sanitize_html=True, latex_delimiters=[])
                        which = gr.Dropdown(label=words(zh, "remove_which"), choices=[], value=None)
                        remove = gr.Button(words(zh, "remove"), size="sm")
                        with gr.Group(visible=False) as confirmation:
                            confirm_text = gr.Markdown(words(zh, "confirm"))
                            with gr.Row():
                                yes = gr.Button(words(zh, "yes"), variant="stop", size="sm")
                                no = gr.Button(words(zh, "no"), size="sm")

            conversation = [chat, box, turns, sections, asked, evidence, exact]
            asking = [box, chat, turns, sections, tongue]
            for event in (box.submit, send.click):
                event(self._ask, asking, conversation, api_visibility="private")
            for button in examples:
                button.click(
                    self._ask, [button, *asking[1:]], conversation, api_visibility="private"
                )
            exact.click(
                self._ask_exactly, [asked, *asking[1:]], conversation, api_visibility="private"
            )
            clear.click(self._clear, [tongue], conversation, api_visibility="private")
            theme.click(None, js=TOGGLE_THEME)

            spoken = [
                masthead, chat, box, send, clear, theme, exact, evidence_tab, documents_tab,
                upload, which, remove, confirm_text, yes, no, evidence, listing, *examples,
            ]  # fmt: skip
            tongue.change(self._speak, [tongue, sections], spoken, api_visibility="private").then(
                None, [tongue], js=SAVE_TONGUE
            )
            chosen = gr.State("")
            blocks.load(
                lambda choice: "中文" if tongue_of(choice) == "zh" else "English",
                [chosen],
                [tongue],
                js=READ_TONGUE,
                api_visibility="private",
            ).then(self._speak, [tongue, sections], spoken, api_visibility="private").then(
                self._listing, [tongue], [listing, which], api_visibility="private"
            )

            upload.upload(
                self._upload, [upload, tongue], [outcome, upload, listing, which],
                api_visibility="private",
            )  # fmt: skip
            remove.click(
                lambda document_id: _shown(bool(document_id)), [which], [confirmation],
                api_visibility="private",
            )  # fmt: skip
            no.click(lambda: _shown(False), None, [confirmation], api_visibility="private")
            yes.click(
                self._remove, [which, tongue], [outcome, confirmation, listing, which],
                api_visibility="private",
            )  # fmt: skip
        blocks.queue(default_concurrency_limit=_CONCURRENT, api_open=False)
        return blocks

    def _ask(
        self,
        text: str,
        shown: list[Message],
        turns: list[Turn],
        sections: list[str],
        choice: str,
    ) -> Iterator[tuple[Any, ...]]:
        yield from self._answer(text, shown, turns, sections, choice, exact=False)

    def _ask_exactly(
        self,
        text: str,
        shown: list[Message],
        turns: list[Turn],
        sections: list[str],
        choice: str,
    ) -> Iterator[tuple[Any, ...]]:
        yield from self._answer(text, shown, turns, sections, choice, exact=True)

    def _answer(
        self,
        text: str,
        shown: list[Message],
        turns: list[Turn],
        sections: list[str],
        choice: str,
        *,
        exact: bool,
    ) -> Iterator[tuple[Any, ...]]:
        """Stream one answer into the conversation and its evidence into the panel."""
        import gradio as gr

        tongue = tongue_of(choice)
        question = text.strip()
        if not question:
            yield shown, "", turns, sections, "", gr.skip(), gr.skip()
            return
        shown = [*shown, {"role": "user", "content": literal(question)}]
        turn = len(sections) + 1
        said = ""
        answer: Answer | None = None
        try:
            for event in self._assistant().stream(question, history=turns, exact=exact):
                said += event.text
                answer = event.answer or answer
                if event.kind == "delta":
                    partial = answer_markdown(said, None, turn=turn, tongue=tongue)
                    growing = [*shown, {"role": "assistant", "content": partial}]
                    yield growing, "", turns, sections, question, gr.skip(), gr.skip()
        except RagError as error:
            trouble = literal(words(tongue, "trouble").format(error=error))
            shown = [*shown, {"role": "assistant", "content": trouble}]
            yield shown, "", turns, sections, question, gr.skip(), _shown(False)
            return
        if answer is None:
            return
        final = answer_markdown(said, answer, turn=turn, tongue=tongue)
        shown = [*shown, {"role": "assistant", "content": final}]
        turns = [
            *turns,
            Turn(role="user", content=question),
            Turn(role="assistant", content=answer.answer),
        ]
        sections = [*sections, turn_section(answer, turn=turn, tongue=tongue)]
        rewritten = answer.rewritten != answer.question
        yield (
            shown,
            "",
            turns,
            sections,
            question,
            panel(sections, tongue=tongue),
            _shown(rewritten),
        )

    def _clear(self, choice: str) -> tuple[Any, ...]:
        return [], "", [], [], "", panel([], tongue=tongue_of(choice)), _shown(False)

    def _speak(self, choice: str, sections: list[str]) -> tuple[Any, ...]:
        """All wording in the chosen language; answers already given stay as they are."""
        import gradio as gr

        tongue = tongue_of(choice)

        def said(key: str) -> str:
            return words(tongue, key)

        has_sample = self._has_sample()
        return (
            _masthead(tongue),
            gr.update(label=said("conversation"), placeholder=said("empty")),
            gr.update(label=said("question"), placeholder=said("placeholder")),
            gr.update(value=said("send")),
            gr.update(value=said("clear")),
            gr.update(value=said("theme")),
            gr.update(value=said("exact")),
            gr.update(label=said("evidence")),
            gr.update(label=said("documents")),
            gr.update(label=said("upload")),
            gr.update(label=said("remove_which")),
            gr.update(value=said("remove")),
            gr.update(value=said("confirm")),
            gr.update(value=said("yes")),
            gr.update(value=said("no")),
            panel(sections, tongue=tongue),
            documents_table(self._library().documents(), tongue=tongue),
            *(gr.update(value=text, visible=has_sample) for text in EXAMPLES[tongue]),
        )

    def _has_sample(self) -> bool:
        return any(
            document.metadata.get("place") == _SAMPLE_PLACE
            and document.metadata.get("year") == _SAMPLE_YEAR
            for document in self._library().documents()
        )

    def _listing(self, choice: str) -> tuple[str, Update]:
        import gradio as gr

        documents = self._library().documents()
        names = [
            (f"{document.title} ({document.source})", document.document_id)
            for document in documents
        ]
        table = documents_table(documents, tongue=tongue_of(choice))
        return table, gr.update(choices=names, value=None)

    def _upload(self, paths: list[str] | None, choice: str) -> tuple[Any, ...]:
        """Add each file; the page says of each what became of it."""
        tongue = tongue_of(choice)
        lines = []
        for path in map(Path, paths or []):
            try:
                done = self._library().add_bytes(path.read_bytes(), name=path.name)
            except (RagError, OSError) as error:
                lines.append(words(tongue, "failed").format(error=error))
                continue
            lines.append(
                words(tongue, done.status).format(
                    source=done.source, passages=done.passages, error=done.error
                )
            )
        report = "\n\n".join(f"- {literal(line)}" for line in lines)
        return report, None, *self._listing(choice)

    def _remove(self, document_id: str | None, choice: str) -> tuple[Any, ...]:
        tongue = tongue_of(choice)
        said = ""
        if document_id:
            try:
                self._library().remove(document_id)
                said = words(tongue, "removed")
            except DocumentNotFound:
                said = words(tongue, "gone")
            except RagError as error:
                said = words(tongue, "trouble").format(error=error)
        return literal(said), _shown(False), *self._listing(choice)


def _shown(visible: bool) -> Update:
    import gradio as gr

    update: Update = gr.update(visible=visible)
    return update


def _masthead(tongue: Tongue) -> str:
    return f"<h1>{words(tongue, 'title')}</h1><p>{words(tongue, 'promise')}</p>"
