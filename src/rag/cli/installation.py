"""Checks of the installation: Python, packages, their files, imports, and the bundled model.

What is only needed to look is looked at: torch, gradio and their like are judged by their metadata
and files, because importing them takes many seconds.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING

from rag.cli.findings import Finding, fine, problem, warning

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["DISTRIBUTION", "installation_findings"]

DISTRIBUTION = "rag-quotes"
_OLDEST_PYTHON = (3, 11)
_NATIVE_MODULES = (
    "numpy",
    "faiss",
    "tantivy",
    "rjieba",
    "opencc",
    "Stemmer",
    "tokenizers",
    "safetensors",
    "pydantic_core",
    "lxml.etree",
    "pypdfium2",
)
_IMPORT_SECONDS = 120
_AGAIN = "Install again: make install, or: pip install -c constraints.txt -e ."


def installation_findings() -> Iterator[Finding]:
    """The findings about this installation, one at a time as they are made."""
    yield _python()
    needed, wrong = _requirements()
    if wrong:
        yield problem("packages", "; ".join(wrong), advice=_AGAIN)
    else:
        yield fine("packages", f"{len(needed)} as required")
    yield _files(needed)
    yield _imports()
    yield _torch()
    yield _model()


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return problem(
            "python",
            f"{version} at {sys.executable}; 3.11 or newer is needed",
            advice="Install a newer Python, remove .venv, then: make run PYTHON=/path/to/python3",
        )
    return fine("python", f"{version} at {sys.executable}")


def _requirements() -> tuple[dict[str, metadata.Distribution], list[str]]:
    """Every package needed, directly or not, by name; and what is missing or of a wrong version."""
    try:
        from packaging.requirements import Requirement
        from packaging.utils import canonicalize_name
    except ImportError as error:
        return {}, [f"packaging cannot be imported ({error})"]
    found: dict[str, metadata.Distribution] = {}
    wrong: list[str] = []
    visited: set[tuple[str, frozenset[str]]] = set()
    waiting: list[tuple[Requirement, str]] = [(Requirement(DISTRIBUTION), "this program")]
    while waiting:
        requirement, wanted_by = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = frozenset(requirement.extras)
        try:
            distribution = found.get(name) or metadata.distribution(name)
            version = distribution.version
        except metadata.PackageNotFoundError:
            wrong.append(f"{requirement} is missing (needed by {wanted_by})")
            continue
        found[name] = distribution
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{name} is {version}, but {wanted_by} needs {requirement}")
        if (name, extras) in visited:
            continue
        visited.add((name, extras))
        for text in distribution.requires or ():
            further = Requirement(text)
            if _applies(further, extras):
                waiting.append((further, name))
    return found, sorted(set(wrong))


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(
        marker.evaluate({"extra": extra}) for extra in sorted(extras | {""})
    )


def _files(needed: dict[str, metadata.Distribution]) -> Finding:
    """Whether every file is there in full, as the packages' own records say."""
    counted = 0
    broken: dict[str, str] = {}
    for name, distribution in sorted(needed.items()):
        record = distribution.read_text("RECORD")
        if record is None:
            continue  # installed by a system's package manager, which keeps its own books
        base = str(distribution.locate_file(""))
        for row in csv.reader(record.splitlines()):
            if len(row) != 3 or not row[2].isdigit():
                continue
            counted += 1
            path, size = os.path.join(base, row[0]), int(row[2])  # noqa: PTH118 - 30,000 times
            try:
                actual = os.stat(path).st_size  # noqa: PTH116 - likewise
            except OSError:
                broken.setdefault(name, f"{row[0]} is missing")
                continue
            if actual != size:
                broken.setdefault(name, f"{row[0]} has {actual:,} bytes instead of {size:,}")
    if broken:
        details = "; ".join(f"{name}: {what}" for name, what in broken.items())
        advice = f"Install these again: {sys.executable} -m pip install --force-reinstall --no-deps"
        pinned = " ".join(f"{name}=={needed[name].version}" for name in broken)
        return problem("files", details, advice=f"{advice} {pinned}")
    return fine("files", f"{counted:,} files of {len(needed)} packages are complete")


def _imports() -> Finding:
    """Import the compiled modules in another process, which may crash without harm."""
    code = "\n".join(f"print({name!r}, flush=True); import {name}" for name in _NATIVE_MODULES)
    try:
        result = subprocess.run(  # noqa: S603 - this Python, and a fixed program
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=_IMPORT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return problem(
            "imports",
            f"the compiled modules were not loaded within {_IMPORT_SECONDS} s",
            advice="Look whether the disk or the machine is overloaded, then try again.",
        )
    if result.returncode != 0:
        module = (result.stdout.split() or ["Python"])[-1]
        reason = (result.stderr.strip().splitlines() or [f"exit code {result.returncode}"])[-1]
        return problem("imports", f"{module} cannot be loaded: {reason}", advice=_AGAIN)
    return fine("imports", f"{len(_NATIVE_MODULES)} compiled modules load")


def _torch() -> Finding:
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return problem(
            "torch",
            "not installed",
            advice="pip install --no-deps -r requirements/torch-cpu.txt, then: make install",
        )
    local = version.partition("+")[2]
    names = (each.metadata["Name"] or "" for each in metadata.distributions())
    for_accelerators = sorted({name for name in names if name.lower().startswith("nvidia-")})
    if local.startswith(("cu", "rocm", "xpu")) or for_accelerators:
        packages = f" with {len(for_accelerators)} nvidia packages" if for_accelerators else ""
        return warning(
            "torch",
            f"{version}{packages} is not the CPU build: it works, and takes several GB more",
            advice="pip install --force-reinstall --no-deps -r requirements/torch-cpu.txt",
        )
    return fine("torch", f"{version}, a CPU build")


def _model() -> Finding:
    from rag.bundled import check_folder
    from rag.embedders.bundled import bundled_folder
    from rag.errors import ModelUnavailable
    from rag.judges.bundled import judge_folder

    try:
        manifests = [check_folder(folder) for folder in (bundled_folder(), judge_folder())]
    except ModelUnavailable as error:
        return problem("model", str(error), advice=_AGAIN)
    told = (f"{each['name']}, revision {each['revision']}, complete" for each in manifests)
    return fine("model", "; ".join(told))
