"""Ask one essay, and be shown the exact words that answer.

>>> from essayqa import ask
>>> print(ask("Why won't it work?").text)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .config import Config
from .errors import (
    ConfigError,
    CorpusError,
    EssayQAError,
    IndexStoreError,
    InputError,
    ModelError,
)
from .types import Answer, AnswerSentence, Citation, Passage, Turn

if TYPE_CHECKING:
    from .engine import EssayQA, ask

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "AnswerSentence",
    "Citation",
    "Config",
    "ConfigError",
    "CorpusError",
    "EssayQA",
    "EssayQAError",
    "IndexStoreError",
    "InputError",
    "ModelError",
    "Passage",
    "Turn",
    "ask",
]


def __getattr__(name: str) -> Any:
    # The engine is imported when it is used, so that `import essayqa` stays light.
    if name in ("EssayQA", "ask"):
        from . import engine

        return getattr(engine, name)
    raise AttributeError(f"module 'essayqa' has no attribute {name!r}")
