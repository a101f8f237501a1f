"""``rag eval compare``: the same cases asked of two settings. Light to import."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rag.errors import InvalidInput
from rag_eval.command import add_selection, selected
from rag_eval.progress import progress_bar, write_file

if TYPE_CHECKING:
    from rag.settings import Settings
    from rag_eval.case import Case
    from rag_eval.outcomes import Outcome
    from rag_eval.pairs import PairedMetric
    from rag_eval.targets import Target

__all__ = ["NAMED_SETTINGS", "add_arguments", "run", "setting_changes"]

NAMED_SETTINGS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "bm25-only": {"retrieval": "lexical"},
    "dense-only": {"retrieval": "dense"},
}
"""Settings that have a name of their own: what they change."""

_SIDE = (
    f"{', '.join(NAMED_SETTINGS)}; settings, as in retrieval=dense,data_dir=other-index;"
    " or the address of a server"
)
_MOST_LISTED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """One of the two: what it is called, what was asked, and how it came out."""

    letter: str
    name: str
    target: str
    outcomes: tuple[Outcome, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="case file")
    parser.add_argument("--a", required=True, metavar="SETTINGS", help=f"one side: {_SIDE}")
    parser.add_argument(
        "--b", default="default", metavar="SETTINGS", help="the other side, likewise (default)"
    )
    add_selection(parser)
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page about B, compared with A"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(
    arguments: argparse.Namespace,
    *,
    settings: Callable[[Mapping[str, str]], Settings],
    stdout: TextIO,
) -> int:
    """Ask both and show them side by side; 0.

    Raises InvalidInput for cases or settings that cannot be used, and what opening and asking
    either side raises.
    """
    from rag_eval.pairs import compare_pairs

    cases = selected(arguments)
    # Both are understood before either is asked.
    chosen = {letter: _opener(getattr(arguments, letter), settings) for letter in "ab"}
    a, b = (_asked(arguments, letter, cases, open_side) for letter, open_side in chosen.items())
    paired = compare_pairs(a.outcomes, b.outcomes)
    if arguments.json:
        from rag_eval.pairs import as_record

        record = {
            "file": arguments.file.as_posix(),
            "cases": len(cases),
            "a": {"settings": a.name, "target": a.target},
            "b": {"settings": b.name, "target": b.target},
            "metrics": as_record(paired),
            "only_a_passes": [o.case.case_id for o, _ in _only(a.outcomes, b.outcomes)],
            "only_b_passes": [o.case.case_id for o, _ in _only(b.outcomes, a.outcomes)],
        }
        json.dump(record, stdout, ensure_ascii=True, indent=2)
        stdout.write("\n")
    else:
        stdout.write("\n".join(_lines(arguments, a, b, paired)) + "\n")
    if arguments.html is not None:
        write_file(arguments.html, _page(arguments, a, b))
    return 0


def setting_changes(side: str) -> Mapping[str, str]:
    """What a side changes about the settings: a name, or ``name=value`` and commas between them.

    Raises InvalidInput, naming what is known.
    """
    if side in NAMED_SETTINGS:
        return NAMED_SETTINGS[side]
    from dataclasses import fields

    from rag.settings import Settings
    from rag_eval.case import nearest

    known = [setting.name for setting in fields(Settings)]
    changes: dict[str, str] = {}
    for part in side.split(","):
        name, equals, value = (each.strip() for each in part.partition("="))
        if not equals:
            message = f"Found {part.strip()!r}, expected NAME=VALUE or one of the names."
            raise InvalidInput(message + nearest(name, tuple(NAMED_SETTINGS)))
        if name not in known:
            raise InvalidInput(f"There is no setting {name!r}.{nearest(name, known)}")
        changes[name] = value
    return changes


def _opener(side: str, settings: Callable[[Mapping[str, str]], Settings]) -> Callable[[], Target]:
    if side.startswith(("http://", "https://")):
        from rag_eval.server import HttpTarget

        return lambda: HttpTarget(side)
    chosen = settings(setting_changes(side))

    def open_side() -> Target:
        from rag.factory import open_application
        from rag_eval.targets import LibraryTarget

        return LibraryTarget.of(open_application(chosen, create=False))

    return open_side


def _asked(
    arguments: argparse.Namespace,
    letter: str,
    cases: Sequence[Case],
    open_side: Callable[[], Target],
) -> _Side:
    from rag_eval.runner import run_cases

    bar = progress_bar(f"asking {letter.upper()}")
    with closing(open_side()) as target, bar as advance:
        outcomes = run_cases(
            cases,
            target,
            collection=arguments.collection,
            top_k=arguments.top_k,
            progress=lambda outcome, done, total: advance(not outcome.passed, done, total),
        )
        return _Side(
            letter=letter.upper(),
            name=getattr(arguments, letter),
            target=target.description,
            outcomes=outcomes,
        )


def _lines(
    arguments: argparse.Namespace, a: _Side, b: _Side, paired: Sequence[PairedMetric]
) -> Iterator[str]:
    yield f"{arguments.file.as_posix()}: {len(a.outcomes)} cases, top_k {arguments.top_k}"
    for side in (a, b):
        yield f"{side.letter}  {side.name}: {side.target}"
    yield ""
    yield (
        f"{'metric':<22}{'A':>7}{'B':>8}{'B − A':>9}   {'95% interval':<17}{'p':>7}"
        f"   {'better in A, B':<16}{'cases':>6}"
    )
    for each in paired:
        decimals = 1 if each.name == "answer_length" else 3
        interval = f"{each.low:+.{decimals}f} – {each.high:+.{decimals}f}"
        yield (
            f"{each.name:<22}{each.a:>7.{decimals}f}{each.b:>8.{decimals}f}"
            f"{each.difference:>+9.{decimals}f}   {interval:<17}{each.p:>7.4f}"
            f"{' *' if each.significant else '  '} {f'{each.a_better}, {each.b_better}':<16}"
            f"{each.cases:>6}"
        )
    yield "* chance alone gives such a difference in less than 5 of 100 runs (paired randomisation)"
    for winner, loser in ((a, b), (b, a)):
        only = _only(winner.outcomes, loser.outcomes)
        if only:
            yield ""
            yield f"only {winner.letter} passes {len(only)} cases:"
        for won, lost in only[:_MOST_LISTED]:
            yield f"  {won.case.case_id}: {won.case.question}"
            yield f"      {loser.letter}: {'; '.join(lost.reasons)}"
        if len(only) > _MOST_LISTED:
            yield f"  … and {len(only) - _MOST_LISTED} more (--html shows all)"


def _only(winner: Sequence[Outcome], loser: Sequence[Outcome]) -> list[tuple[Outcome, Outcome]]:
    return [
        (won, lost)
        for won, lost in zip(winner, loser, strict=True)
        if won.passed and not lost.passed
    ]


def _page(arguments: argparse.Namespace, a: _Side, b: _Side) -> str:
    from rag_eval.baseline import baseline_of, compare
    from rag_eval.html_report import html_report
    from rag_eval.metrics import summarise
    from rag_eval.report import Evaluation

    return html_report(
        Evaluation(
            case_file=arguments.file.as_posix(),
            target=f"B {b.name}: {b.target}, against A {a.name}",
            collection=arguments.collection,
            split=arguments.split,
            tags=(),
            top_k=arguments.top_k,
            outcomes=b.outcomes,
            summary=summarise(b.outcomes),
            comparison=compare(baseline_of(a.outcomes), b.outcomes),
        )
    )
