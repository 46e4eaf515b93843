"""Checks that say what is wrong with a set-up and how to mend it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .chunks import CHUNKER_VERSION
from .config import Config
from .corpus import load_corpus
from .errors import EssayQAError
from .index import index_name, is_complete, where
from .models import load_embedder, load_reranker


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `detail` says what was seen, or what to do when not `ok`."""

    name: str
    ok: bool
    detail: str


def examine(config: Config) -> Iterator[Check]:
    """Look at each part in turn, changing nothing. A failing part is a failed `Check`,
    not an exception."""
    yield Check("python", True, sys.version.split()[0])
    yield _run("corpus", lambda: _corpus(config))
    yield _run("embedder", lambda: _embedder(config))
    yield _run("reranker", lambda: _reranker(config))
    yield _run("index", lambda: _index(config))


def _run(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except EssayQAError as error:
        return Check(name, False, str(error))


def _corpus(config: Config) -> str:
    documents = load_corpus(config.corpus)
    essays = sum(document.kind == "essay" for document in documents)
    return f"{essays} essay, {len(documents) - essays} background, in {config.corpus}"


def _embedder(config: Config) -> str:
    embedder = load_embedder(config)
    length = len(embedder.embed_query("Does this work?"))
    return f"{embedder.id}, {length} dimensions"


def _reranker(config: Config) -> str:
    reranker = load_reranker(config)
    reranker.score("Does this work?", ["It works."])
    return reranker.id


def _index(config: Config) -> str:
    name = index_name(load_corpus(config.corpus), CHUNKER_VERSION, load_embedder(config))
    state = "up to date" if is_complete(config, name) else "not built yet; the next question will"
    return f"{name} in {where(config)}: {state}"
