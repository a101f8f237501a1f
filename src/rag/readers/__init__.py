"""Files to text and structure: one reader a format, chosen by suffix and signature."""

from rag.readers.registry import read, supported_suffixes

__all__ = ["read", "supported_suffixes"]
