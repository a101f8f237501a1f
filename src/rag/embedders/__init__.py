"""Text to vectors: the bundled model, any sentence-transformers model, a ranking fake for tests."""
