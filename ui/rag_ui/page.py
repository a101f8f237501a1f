"""The chat page: what is on it and what happens when."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import gradio as gr

from rag.readers import supported_suffixes
from rag_ui import documents, filters, frame
from rag_ui.conversation import ChatTurn, answering, other_composer
from rag_ui.evidence import evidence
from rag_ui.messages import messages
from rag_ui.texts import TITLE

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rag.assistant import Assistant
    from rag.library import Library
    from rag.schema import Filters

__all__ = ["build", "mount"]

_AT_ONCE = 8
"""Questions answered at the same time, over all readers."""
_WAITING = 64
_SECONDS_UPLOADS_STAY = 3600

# Fonts of the reader's own system, Chinese ones among them: the default theme loads others'.
_SANS = [
    "-apple-system",
    "BlinkMacSystemFont",
    "Segoe UI",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "sans-serif",
]
_MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]

_Turns: TypeAlias = tuple[ChatTurn, ...]
_Step: TypeAlias = tuple[Any, Any, Any, Any]
"""Conversation, evidence, turns, question field: what an event changes, in this order."""


def mount(
    app: FastAPI, *, assistant: Callable[[], Assistant], library: Callable[[], Library]
) -> FastAPI:
    """Serve the page at ``/`` of an application, before it starts or while it runs.

    In a running event loop the page starts at once, and ends with the loop; otherwise it starts
    and ends with the application. What ``assistant`` and ``library`` give is asked for anew each
    time.
    """
    page = build(assistant=assistant, library=library)
    own_lifespan = app.router.lifespan_context
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        allowed_paths=[],
        enable_monitoring=False,
        favicon_path=str(frame.FAVICON),
        footer_links=[],
        head=frame.head(),
        mcp_server=False,
        pwa=False,
        run_history=False,
        show_error=False,
        ssr_mode=False,
        theme=gr.themes.Base(font=_SANS, font_mono=_MONO),
    )
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return app
    # The application has started without the page: its lifespan will not be entered again.
    app.router.lifespan_context = own_lifespan
    mounted = app.routes[-1].app  # type: ignore[attr-defined]
    app.state.page = loop.create_task(_live(mounted, page), name="chat page")
    return app


async def _live(mounted: FastAPI, page: gr.Blocks) -> None:
    """Keep the page's background tasks going until the event loop ends."""
    async with mounted.router.lifespan_context(mounted):
        page.run_startup_events()  # type: ignore[no-untyped-call]
        await page.run_extra_startup_events()  # type: ignore[no-untyped-call]
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


def build(*, assistant: Callable[[], Assistant], library: Callable[[], Library]) -> gr.Blocks:
    """The page, not yet served. What belongs to one reader is in its ``gr.State``."""
    page: gr.Blocks
    with gr.Blocks(
        title=" · ".join(TITLE),
        analytics_enabled=False,
        delete_cache=(_SECONDS_UPLOADS_STAY, _SECONDS_UPLOADS_STAY),
        fill_width=True,
    ) as page:
        turns = gr.State(())
        header = gr.HTML(
            html_template=frame.header(),
            js_on_load=frame.HEADER_EVENTS,
            apply_default_css=False,
            elem_id="rag-header",
        )
        with gr.Row(elem_id="rag-main", equal_height=True):
            with gr.Column(elem_id="rag-chat", min_width=0):
                conversation = gr.Chatbot(
                    allow_tags=False,
                    buttons=[],
                    container=False,
                    elem_id="rag-conversation",
                    group_consecutive_messages=False,
                    height="100%",
                    label=TITLE[1],
                    latex_delimiters=[],
                    layout="bubble",
                    sanitize_html=True,
                    show_label=False,
                )
                with gr.Row(elem_id="rag-filters"):
                    choice = filters.boxes()
                question = gr.Textbox(
                    container=False,
                    elem_id="rag-question",
                    lines=1,
                    max_lines=8,
                    show_label=False,
                    submit_btn=True,
                )
            with gr.Column(elem_id="rag-side", min_width=0):
                gr.HTML(
                    html_template=frame.tabs(),
                    js_on_load=None,
                    apply_default_css=False,
                    elem_id="rag-tabs",
                )
                panel = gr.HTML(
                    evidence(()),
                    js_on_load="watch('value', () => ragPage.refreshed());",
                    apply_default_css=False,
                    elem_id="rag-evidence",
                )
                with gr.Column(elem_id="rag-documents", min_width=0):
                    gr.HTML(
                        html_template=frame.add_files(supported_suffixes()),
                        js_on_load=None,
                        apply_default_css=False,
                    )
                    upload = gr.UploadButton(
                        "",
                        elem_id="rag-upload",
                        file_count="multiple",
                    )
                    outcomes = gr.HTML(js_on_load=None, apply_default_css=False)
                    listing = gr.HTML(js_on_load=None, apply_default_css=False)

        def look(*chosen: str) -> tuple[Any, ...]:
            """The documents, what an empty conversation says about them, and their filters."""
            here = library()
            worded = assistant().composers[0] != "extractive"
            return (
                documents.listing(here),
                gr.Chatbot(
                    placeholder=documents.welcome(here, worded=worded),
                    examples=documents.examples(here),
                ),
                *filters.offered(assistant(), *chosen),
            )

        def ask(asked: str, turns: _Turns, *chosen: str) -> Iterator[_Step]:
            only = filters.chosen(*chosen)
            yield from _steps(assistant(), library(), turns, asked, filters=only)

        def ask_example(
            turns: _Turns, place: str, year: str, example: gr.SelectData
        ) -> Iterator[_Step]:
            only = filters.chosen(place, year)
            asked = str(example.value["text"])
            yield from _steps(assistant(), library(), turns, asked, filters=only)

        def ask_exactly(turns: _Turns, event: gr.EventData) -> Iterator[_Step]:
            for turn in turns:
                if turn.number == event.turn:
                    yield from _steps(
                        assistant(),
                        library(),
                        turns,
                        turn.question,
                        filters=turn.filters,
                        exact=True,
                    )

        def ask_again(turns: _Turns, event: gr.EventData) -> Iterator[_Step]:
            for turn in turns:
                if turn.number == event.turn and (other := other_composer(turn)):
                    yield from _steps(
                        assistant(),
                        library(),
                        turns,
                        turn.question,
                        filters=turn.filters,
                        exact=turn.exact,
                        composer=other,
                    )

        def add(files: list[str], *chosen: str) -> tuple[Any, ...]:
            return documents.add(library(), files), *look(*chosen)

        def remove(place: str, year: str, event: gr.EventData) -> tuple[Any, ...]:
            return documents.remove(library(), str(event.document)), *look(place, year)

        def judge(turns: _Turns, event: gr.EventData) -> None:
            for turn in turns:
                if turn.number == event.turn and turn.answer is not None:
                    comment = str(event.comment)[: frame.LONGEST_COMMENT]
                    rating = 1 if event.good else -1
                    assistant().give_feedback(turn.answer.answer_id, rating=rating, comment=comment)

        conversing = [conversation, panel, turns, question]
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        asking = [
            # A question sent before the end of the answer before has arrived is not lost.
            question.submit(
                ask,
                [question, turns, *choice],
                conversing,
                trigger_mode="always_last",
                **quiet,
            ),
            conversation.example_select(ask_example, [turns, *choice], conversing, **quiet),
            header.exact(ask_exactly, turns, conversing, **quiet),
            header.again(ask_again, turns, conversing, **quiet),
        ]
        # First the end of the answer, then what follows from it: the other way round, words that
        # were still on their way would come last.
        stopping = question.stop(None, None, None, cancels=asking, **quiet)
        stopping.then(_stopped, turns, conversing, **quiet)
        restarting = header.restart(None, None, None, cancels=asking, **quiet)
        restarting.then(_restarted, None, conversing, **quiet)
        # Not through the queue: its stream closes when a session has nothing left in it, and a
        # question sent in that moment would wait for words on a stream that has gone.
        header.judge(judge, turns, None, queue=False, trigger_mode="multiple", **quiet)
        seen = [listing, conversation, *choice]
        header.documents(look, choice, seen, **quiet)
        header.remove(remove, choice, [outcomes, *seen], **quiet)
        added = upload.upload(add, [upload, *choice], [outcomes, *seen], **quiet)
        added.then(None, None, None, js="() => ragPage.uploaded()")
        page.load(look, choice, seen, **quiet)
        page.load(None, None, None, js="() => ragPage.ready()")
    page.queue(default_concurrency_limit=_AT_ONCE, max_size=_WAITING, api_open=False)
    return page


def _steps(
    assistant: Assistant,
    library: Library,
    turns: _Turns,
    asked: str,
    *,
    filters: Filters,
    exact: bool = False,
    composer: str | None = None,
) -> Iterator[_Step]:
    if not asked.strip():
        yield gr.skip(), gr.skip(), gr.skip(), gr.skip()
        return
    field: Any = gr.Textbox(value="", submit_btn=False, stop_btn=True)
    events = answering(assistant, turns, asked, filters=filters, exact=exact, composer=composer)
    for growing in events:
        turns = growing
        yield messages(turns), gr.skip(), turns, field
        field = gr.skip()
    # Answers given earlier keep their quotations, and tell what became of their documents.
    shown = evidence(turns, documents.fates(library, turns), documents.beside(library, turns))
    yield messages(turns), shown, turns, _ready()


def _ready() -> gr.Textbox:
    return gr.Textbox(submit_btn=True, stop_btn=False)


def _stopped(turns: _Turns) -> _Step:
    ended = tuple(replace(t, state="stopped") if t.state == "waiting" else t for t in turns)
    return messages(ended), evidence(ended), ended, _ready()


def _restarted() -> _Step:
    return [], evidence(()), (), _ready()
