"""The HTTP API: questions, documents, and OpenAI-compatible endpoints, over FastAPI."""
