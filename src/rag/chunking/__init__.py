"""Blocks to passages: heading paths, paragraphs cut at sentence ends, exact offsets; pure."""

from rag.chunking.passages import chunk

__all__ = ["chunk"]
