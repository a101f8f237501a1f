"""``rag eval``: the evaluation runner, as a command of this program."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TextIO, cast

from rag.cli.options import add_settings, settings_of

if TYPE_CHECKING:
    from rag.settings import Settings

__all__ = ["ACTIONS", "add_arguments", "run", "spelled_out"]

ACTIONS: Mapping[str, tuple[str, str]] = {
    "run": ("command", "ask the cases of a file and judge the replies; the word may be left out"),
    "add": ("add_command", "append the question that rag ask was asked last"),
    "bench": ("bench_command", "ask a public question set of a library built from it"),
    "compare": ("compare_command", "ask the same cases of two settings, side by side"),
    "from-feedback": ("feedback_command", "make a case file of the feedback given on answers"),
    "import": ("import_command", "make a case file of a SQuAD file, a BEIR folder or a table"),
    "init": ("init_command", "suggest a first case file from what is in the library"),
}
"""What ``rag eval`` does: the module in ``rag_eval`` that does it, and its purpose."""


class _Action(Protocol):
    """What every such module offers. ``settings`` gives the settings with some changed."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(
        self, arguments: argparse.Namespace, *, settings: _SettingsWith, stdout: TextIO
    ) -> int: ...


class _SettingsWith(Protocol):
    def __call__(self, changes: Mapping[str, str]) -> Settings: ...


def spelled_out(words: Sequence[str]) -> list[str]:
    """``rag eval FILE`` in full: ``rag eval run FILE``."""
    command, *rest = words
    named = not rest or rest[0] in ACTIONS or rest[0] in ("-h", "--help")
    return [command, *rest] if named else [command, "run", *rest]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions with their arguments, and where the settings are."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (_, purpose) in ACTIONS.items():
        action = actions.add_parser(
            name, help=purpose, description=f"{purpose[0].upper()}{purpose[1:]}."
        )
        _load(name).add_arguments(action)
        add_settings(action)


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action; its exit code."""
    return _load(arguments.action).run(
        arguments, settings=partial(_settings, arguments), stdout=sys.stdout
    )


def _load(name: str) -> _Action:
    module, _ = ACTIONS[name]
    return cast("_Action", import_module(f"rag_eval.{module}"))


def _settings(arguments: argparse.Namespace, changes: Mapping[str, str]) -> Settings:
    """The settings with changes by name over them, each as text.

    Raises InvalidSetting, also for a name that is not known.
    """
    if not changes:
        return settings_of(arguments)
    from rag.settings import ENVIRONMENT_PREFIX, Settings

    changed = {ENVIRONMENT_PREFIX + name.upper(): value for name, value in changes.items()}
    given = {} if arguments.data_dir is None else {"data_dir": arguments.data_dir}
    return Settings.load(
        environ={**os.environ, **changed},
        toml_path=arguments.settings,
        overrides={name: value for name, value in given.items() if name not in changes},
    )
