"""Engines: where documents, passages and vectors live, behind ``rag.protocols.Engine``."""
