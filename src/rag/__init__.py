"""Question answering over your documents in which every answer is a verified quotation."""

__all__ = ["__version__"]

__version__ = "0.1.0"
