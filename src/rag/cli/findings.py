"""What ``rag doctor`` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Finding", "Status", "fine", "problem", "warning"]

Status: TypeAlias = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: what was found, and what to do when it is not fine.

    ``advice`` is empty where ``found`` is an error's message, which says it.
    """

    check: str
    status: Status
    found: str
    advice: str = ""


def fine(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check=check, status="ok", found=found)


def warning(check: str, found: str, *, advice: str = "") -> Finding:
    """It works, but somebody should know."""
    return Finding(check=check, status="warn", found=found, advice=advice)


def problem(check: str, found: str, *, advice: str = "") -> Finding:
    """Something does not work until the advice is followed."""
    return Finding(check=check, status="fail", found=found, advice=advice)
