"""The chat page. Importing this imports Gradio."""

from .page import build_page, serve

__all__ = ["build_page", "serve"]
