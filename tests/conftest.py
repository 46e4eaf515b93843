"""Real parts, no network: fixtures that the tests share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from essayqa import Config, EssayQA
from essayqa.models import OnnxEmbedder
from essayqa.types import Embedder, Vectors

# A developer's own settings must not reach the tests, and no model hub may be asked.
for name in [name for name in os.environ if name.startswith("ESSAYQA_")]:
    del os.environ[name]
os.environ["HF_HUB_OFFLINE"] = "1"

MakeCorpus = Callable[[Mapping[str, str | bytes]], Path]


class CountingEmbedder:
    """A real embedder that counts the texts and questions it was given."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        self.embedder = embedder or OnnxEmbedder()
        self.texts: list[str] = []
        self.queries: list[str] = []

    @property
    def id(self) -> str:
        return self.embedder.id

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return self.embedder.embed_texts(texts)

    def embed_query(self, text: str) -> Vectors:
        self.queries.append(text)
        return self.embedder.embed_query(text)


@pytest.fixture
def make_corpus(tmp_path: Path) -> MakeCorpus:
    """Writes a corpus folder from {relative name: content} and gives its path."""

    def make(files: Mapping[str, str | bytes]) -> Path:
        folder = tmp_path / "corpus"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return make


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index store that lasts for the whole run."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def engine(data_dir: Path) -> EssayQA:
    """essayqa over the real essay and background, with the bundled models."""
    return EssayQA(Config(data_dir=data_dir)).open()
