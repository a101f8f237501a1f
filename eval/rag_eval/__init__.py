"""Evaluation: questions whose answers are known, asked of a library or of a running server."""

from __future__ import annotations

__all__: list[str] = []
