"""Composers draft an answer from passages: extractive by default, a language model if wanted."""
