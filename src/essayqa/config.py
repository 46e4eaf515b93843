"""Settings: one frozen `Config`, read from `ESSAYQA_*` environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from .errors import ConfigError

BUNDLED_EMBEDDER = "bge-small-en-v1.5"
BUNDLED_RERANKER = "ms-marco-MiniLM-L-12-v2"


def bundled_corpus() -> Path:
    """The corpus that comes with essayqa: inside the wheel, else the checkout's folder."""
    packaged = Path(__file__).with_name("_corpus")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "corpus"


def default_data_dir() -> Path:
    """The per-user folder for indexes, where the platform keeps such data."""
    return Path(platformdirs.user_data_dir("essayqa", appauthor=False))


@dataclass(frozen=True)
class Config:
    """Where the corpus and index are and which models answer.

    Left out, `corpus` is the bundled essay and `data_dir` the platform's per-user data
    folder. `chroma_url` names a Chroma server ("http://host:port") to hold the index
    instead of `data_dir`. `embedder` and `reranker` are the bundled names or any
    sentence-transformers model, by name or path. `threads` are used by each model.
    `llm` names a language model that writes answers ("" for none: sentences are quoted),
    which has `llm_seconds` for each. `verify_model` names a sentence-transformers NLI
    CrossEncoder that checks what it writes instead of the bundled check.
    Raises `ConfigError` for a value that cannot work.
    """

    corpus: Path = field(default_factory=bundled_corpus)
    data_dir: Path = field(default_factory=default_data_dir)
    chroma_url: str = ""
    embedder: str = BUNDLED_EMBEDDER
    reranker: str = BUNDLED_RERANKER
    threads: int = 2
    llm: str = ""
    llm_seconds: float = 60.0
    verify_model: str = ""

    def __post_init__(self) -> None:
        # Paths are made absolute once, so that a later chdir cannot move the corpus.
        for name in ("corpus", "data_dir"):
            try:
                path = Path(getattr(self, name)).expanduser().absolute()
            except RuntimeError as error:
                raise ConfigError(f"{name} {str(getattr(self, name))!r}: {error}") from None
            object.__setattr__(self, name, path)
        if type(self.threads) is not int or self.threads < 1:
            raise ConfigError(f"threads is {self.threads!r}; it must be a whole number from 1")
        if not 0 < self.llm_seconds < float("inf"):
            raise ConfigError(f"llm_seconds is {self.llm_seconds!r}; it must be a number above 0")
        if self.chroma_url:
            try:
                url = urlsplit(self.chroma_url)
                valid = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
                valid = valid and not re.search(r"\s", self.chroma_url)
            except ValueError:
                valid = False
            if not valid:
                raise ConfigError(
                    f"the Chroma URL {self.chroma_url!r} is not one; "
                    "write it as http://localhost:8000 or https://host"
                )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Config:
        """A `Config` from `ESSAYQA_CORPUS`, `ESSAYQA_DATA`, `ESSAYQA_CHROMA_URL`,
        `ESSAYQA_EMBEDDER`, `ESSAYQA_RERANKER`, `ESSAYQA_THREADS`, `ESSAYQA_LLM`,
        `ESSAYQA_LLM_SECONDS` and `ESSAYQA_VERIFY_MODEL`; `overrides` that are not None
        win."""
        env = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for key, name in _VARIABLES.items():
            if value := env.get(name, "").strip():
                values[key] = value
        for key, kind, what in (("threads", int, "whole number"), ("llm_seconds", float, "number")):
            if key in values:
                try:
                    values[key] = kind(values[key])
                except ValueError:
                    raise ConfigError(
                        f"{_VARIABLES[key]} is {values[key]!r}; it must be a {what}"
                    ) from None
        values.update({key: value for key, value in overrides.items() if value is not None})
        return cls(**values)


_VARIABLES = {
    "corpus": "ESSAYQA_CORPUS",
    "data_dir": "ESSAYQA_DATA",
    "chroma_url": "ESSAYQA_CHROMA_URL",
    "embedder": "ESSAYQA_EMBEDDER",
    "reranker": "ESSAYQA_RERANKER",
    "threads": "ESSAYQA_THREADS",
    "llm": "ESSAYQA_LLM",
    "llm_seconds": "ESSAYQA_LLM_SECONDS",
    "verify_model": "ESSAYQA_VERIFY_MODEL",
}
