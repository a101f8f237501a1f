"""Files to text and structure: one reader a format, chosen by signature and suffix."""

from rag.readers.limits import ParsingLimits
from rag.readers.registry import read, supported_suffixes

__all__ = ["ParsingLimits", "read", "supported_suffixes"]
