"""The chat page: a Gradio application on top of the library."""
