"""``rag eval``: the evaluation runner, as a command of this program."""

from __future__ import annotations

import argparse
import sys

from rag.cli.options import add_settings, settings_of

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the runner's arguments, and where the settings are."""
    from rag_eval.command import add_arguments as add_runner_arguments

    add_runner_arguments(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; the runner's exit code."""
    from rag.factory import open_application
    from rag_eval.command import run as run_evaluation
    from rag_eval.targets import LibraryTarget

    settings = settings_of(arguments)
    return run_evaluation(
        arguments,
        open_target=lambda: LibraryTarget.of(open_application(settings, create=False)),
        stdout=sys.stdout,
    )
