"""The runner as a command: its arguments, and one run. Light to import.

Exit codes: 0 fine; 1 a metric fell by more than its tolerance or a must-pass case failed. Wrong
input and whatever keeps the questions from being asked raise RagError.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rag.errors import InvalidInput
from rag.schema import DEFAULT_COLLECTION
from rag_eval.progress import progress_bar, write_file

if TYPE_CHECKING:
    from rag.settings import Settings
    from rag_eval.baseline import Baseline
    from rag_eval.cases import Case
    from rag_eval.journal import Journal
    from rag_eval.report import Evaluation
    from rag_eval.targets import Target

__all__ = [
    "add_arguments",
    "add_passages",
    "add_reports",
    "add_selection",
    "evaluate",
    "run",
    "selected",
]


@dataclass(frozen=True, slots=True)
class _Part:
    """Which of the cases are asked."""

    split: str = "all"
    tags: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="case file: .jsonl, .csv, .tsv or .xlsx"
    )
    add_selection(parser)
    parser.add_argument(
        "--url", metavar="URL", help="ask a running server instead of the index in this process"
    )
    add_reports(parser)


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Declare which cases, which collection and how many passages."""
    parser.add_argument(
        "--split",
        choices=("development", "test", "all"),
        default="all",
        help="only the cases of one half (all)",
    )
    parser.add_argument(
        "--tags",
        action="append",
        default=[],
        metavar="TAG,…",
        help="only cases that carry one of these tags; repeatable",
    )
    parser.add_argument(
        "--collection",
        default=DEFAULT_COLLECTION,
        metavar="NAME",
        help=f"collection to ask ({DEFAULT_COLLECTION})",
    )
    add_passages(parser, default=5)


def add_passages(parser: argparse.ArgumentParser, *, default: int) -> None:
    """Declare how many passages to ask for."""
    parser.add_argument(
        "--top-k",
        type=_passages,
        default=default,
        metavar="N",
        help=f"passages to ask for ({default})",
    )


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Declare what to compare with, what to show and what to write."""
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="compare with an earlier run; fail when this one is worse than allowed",
    )
    parser.add_argument(
        "--update-baseline", action="store_true", help="write this run to the baseline"
    )
    parser.add_argument(
        "--failures", action="store_true", help="list every failed case and what is wrong"
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page to look at")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a Markdown summary")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="FILE",
        help="keep replies in FILE until the run is complete, and take up one that broke off",
    )


def selected(arguments: argparse.Namespace) -> tuple[Case, ...]:
    """The cases that the arguments choose of a file. Raises InvalidInput."""
    from rag_eval.cases import load_cases, select_cases

    return select_cases(load_cases(arguments.file), split=arguments.split, tags=_tags(arguments))


def _tags(arguments: argparse.Namespace) -> tuple[str, ...]:
    return tuple(tag for each in arguments.tags for tag in each.split(",") if tag)


def run(
    arguments: argparse.Namespace,
    *,
    settings: Callable[[Mapping[str, str]], Settings],
    stdout: TextIO,
) -> int:
    """Ask the cases of a file and report; the exit code. Raises what ``evaluate`` raises."""

    def open_target() -> Target:
        from rag.factory import open_application
        from rag_eval.targets import LibraryTarget

        return LibraryTarget.of(open_application(chosen, create=False))

    chosen = settings({})
    return evaluate(arguments, open_target=open_target, stdout=stdout)


def evaluate(
    arguments: argparse.Namespace,
    *,
    open_target: Callable[[], Target],
    stdout: TextIO,
    cases: tuple[Case, ...] | None = None,
) -> int:
    """Ask the cases of a file, or those given, and report; the exit code.

    ``open_target`` opens what is asked when no ``--url`` is given; it is closed at the end.
    Everything about the input is checked before anything is opened. Raises InvalidInput for a
    case file, selection or baseline that cannot be used, and what the target raises.
    """
    chosen = selected(arguments) if cases is None else cases
    part = _Part() if cases is not None else _Part(arguments.split, _tags(arguments))
    baseline = _baseline(arguments, part)
    url = getattr(arguments, "url", None)
    with closing(open_target() if url is None else _server(url)) as target:
        evaluation = _evaluated(arguments, chosen, target, part)
    if baseline is not None:
        from rag_eval.baseline import compare

        evaluation = replace(evaluation, comparison=compare(baseline, evaluation.outcomes))
    _write_reports(arguments, evaluation, baseline, stdout=stdout)
    if arguments.update_baseline:
        from rag_eval.baseline import must_pass_failures

        return 1 if must_pass_failures(evaluation.outcomes) else 0
    return 0 if evaluation.gate_open else 1


def _passages(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= 50:
        message = f"found {text!r}, expected a number from 1 to 50"
        raise argparse.ArgumentTypeError(message)
    return number


def _baseline(arguments: argparse.Namespace, part: _Part) -> Baseline | None:
    """The baseline to compare with; None when none is wanted, or it is about to be made."""
    if arguments.update_baseline:
        if arguments.baseline is None:
            message = "--update-baseline needs --baseline FILE to know what to write."
            raise InvalidInput(message)
        if part != _Part():
            message = (
                "--update-baseline with --split or --tags would drop the other cases from the"
                " baseline. Leave them out."
            )
            raise InvalidInput(message)
        if not arguments.baseline.exists():
            return None
    if arguments.baseline is None:
        return None
    from rag_eval.baseline import load_baseline

    return load_baseline(arguments.baseline)


def _server(url: str) -> Target:
    from rag_eval.server import HttpTarget

    return HttpTarget(url)


def _evaluated(
    arguments: argparse.Namespace, cases: tuple[Case, ...], target: Target, part: _Part
) -> Evaluation:
    from rag_eval.metrics import summarise
    from rag_eval.report import Evaluation
    from rag_eval.runner import run_cases

    collection = getattr(arguments, "collection", DEFAULT_COLLECTION)
    with progress_bar("asking") as advance, _journal(arguments, target, collection) as journal:
        outcomes = run_cases(
            cases,
            target,
            collection=collection,
            top_k=arguments.top_k,
            progress=lambda outcome, done, total: advance(not outcome.passed, done, total),
            journal=journal,
        )
    return Evaluation(
        case_file=arguments.file.as_posix(),
        target=target.description,
        collection=collection,
        split=part.split,
        tags=part.tags,
        top_k=arguments.top_k,
        outcomes=outcomes,
        summary=summarise(outcomes),
    )


@contextmanager
def _journal(
    arguments: argparse.Namespace, target: Target, collection: str
) -> Iterator[Journal | None]:
    """Where the replies are kept while the run goes on, when that is wanted."""
    if arguments.resume is None:
        yield None
        return
    from rag_eval.journal import Journal

    asked = {"target": target.description, "collection": collection, "top_k": arguments.top_k}
    journal = Journal.open(arguments.resume, asked=asked)
    finished = False
    try:
        yield journal
        finished = True
    finally:
        journal.close(finished=finished)


def _write_reports(
    arguments: argparse.Namespace,
    evaluation: Evaluation,
    baseline: Baseline | None,
    *,
    stdout: TextIO,
) -> None:
    from rag_eval.report import json_report, text_report

    if arguments.json:
        # Escapes where the stream's encoding may not hold every character of an answer.
        utf8 = (stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"
        json.dump(json_report(evaluation), stdout, ensure_ascii=not utf8, indent=2)
        stdout.write("\n")
    else:
        stdout.write(text_report(evaluation, failures=arguments.failures))
    if arguments.html is not None:
        from rag_eval.html_report import html_report

        write_file(arguments.html, html_report(evaluation))
    if arguments.junit is not None or arguments.markdown is not None:
        from rag_eval.ci_reports import junit_report, markdown_report

        if arguments.junit is not None:
            write_file(arguments.junit, junit_report(evaluation))
        if arguments.markdown is not None:
            write_file(arguments.markdown, markdown_report(evaluation))
    if arguments.update_baseline:
        from rag_eval.baseline import baseline_of, save_baseline

        kept = baseline.tolerances if baseline is not None else None
        save_baseline(arguments.baseline, baseline_of(evaluation.outcomes, tolerances=kept))
