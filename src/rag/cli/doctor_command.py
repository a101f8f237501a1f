"""``rag doctor``: is everything there, and what to do about what is not."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict

from rag.cli.findings import Finding, fine, problem
from rag.cli.options import add_json, add_settings, settings_of
from rag.cli.output import line, show, write_json
from rag.errors import InvalidSetting

__all__ = ["add_arguments", "run"]

_SHOWN = {"ok": ("good", "OK  "), "warn": ("doubtful", "WARN"), "fail": ("bad", "FAIL")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--installation",
        action="store_true",
        help="only what is installed, not the settings, the disk, the port and the index",
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="also check all of the stored data, and make everything that derives from it anew",
    )
    add_json(parser)
    add_settings(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check everything; 1 when something does not work."""
    findings = []
    for finding in _findings(arguments):
        findings.append(finding)
        if not arguments.json:
            show([line(_SHOWN[finding.status], f"  {finding.check:<9} {finding.found}")])
            if finding.advice:
                show([line(("strong", f"→ {finding.advice}"), indent=16)])
    failed = any(finding.status == "fail" for finding in findings)
    if arguments.json:
        write_json({"healthy": not failed, "checks": [asdict(finding) for finding in findings]})
    return 1 if failed else 0


def _findings(arguments: argparse.Namespace) -> Iterator[Finding]:
    from rag.cli.installation import installation_findings

    yield from installation_findings()
    if arguments.installation:
        return
    try:
        settings = settings_of(arguments)
    except InvalidSetting as error:
        yield problem("settings", str(error), advice="Correct it first: the rest depends on it.")
        return
    yield fine("settings", f"embedder {settings.embedder}, composer {settings.default_composer}")
    from rag.cli.surroundings import surroundings_findings

    yield from surroundings_findings(settings, repair=arguments.repair)
