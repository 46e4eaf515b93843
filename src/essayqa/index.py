"""Chunks to an `Index`: a Chroma collection named by its content, and BM25 over it."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .config import Config
from .errors import CorpusError, EssayQAError, IndexStoreError
from .types import Chunk, Document, Embedder, Passage, Vectors

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection


log = logging.getLogger("essayqa")

Chunker = Callable[[Document], list[Chunk]]
Progress = Callable[[int, int], None]

# Raised when what is written to a collection changes.
SCHEMA_VERSION = "1"
PREFIX = "essayqa-"
KEPT = 2

_CONNECTING = threading.Lock()


class Index:
    """A complete collection, opened for reading. Safe across threads.

    `chunks` are in document order. Built with `open_index`.
    """

    def __init__(self, collection: Collection, chunks: Sequence[Chunk]) -> None:
        self.name = collection.name
        self.chunks = tuple(chunks)
        self._collection = collection
        self._position = {chunk.id: i for i, chunk in enumerate(self.chunks)}
        self._keywords = _Keywords(self.chunks)

    def nearest(self, vector: Vectors, k: int, *, essay_only: bool = False) -> list[Passage]:
        """Up to `k` passages by cosine similarity to a unit vector, nearest first."""
        try:
            found = self._collection.query(
                query_embeddings=[vector.tolist()],
                n_results=max(1, min(k, len(self.chunks))),
                where={"kind": "essay"} if essay_only else None,
                include=["distances"],
            )
        except Exception as error:
            raise IndexStoreError(
                f"the index {self.name!r} could not be searched ({_first_line(error)}); "
                "run `essayqa doctor`"
            ) from error
        distances = (found["distances"] or [[]])[0]
        return [
            Passage(self.chunks[self._position[chunk_id]], min(max(1 - distance, 0.0), 1.0))
            for chunk_id, distance in zip(found["ids"][0], distances, strict=True)
        ]

    def matching(self, text: str, k: int, *, essay_only: bool = False) -> list[Chunk]:
        """Up to `k` chunks that share a word with `text`, by BM25, best first."""
        scores = self._keywords.scores(text)
        ranked = sorted(
            (
                i
                for i, score in enumerate(scores)
                if score > 0 and not (essay_only and self.chunks[i].kind != "essay")
            ),
            key=lambda i: -scores[i],
        )
        return [self.chunks[i] for i in ranked[:k]]


class _Keywords:
    """BM25 over headings and text, English stems."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        import bm25s

        self._bm25 = bm25s.BM25()
        corpus = self._stems([f"{chunk.heading}\n{chunk.text}" for chunk in chunks])
        # A corpus without a single indexable word would make bm25s divide by zero.
        self._empty = not any(corpus)
        self._size = len(chunks)
        if not self._empty:
            self._bm25.index(corpus, show_progress=False)

    def scores(self, text: str) -> list[float]:
        stems = self._stems([text])[0]
        if self._empty or not stems:
            return [0.0] * self._size
        scores: list[float] = self._bm25.get_scores(stems).tolist()
        return scores

    @staticmethod
    def _stems(texts: list[str]) -> list[list[str]]:
        import bm25s
        import Stemmer

        stems: list[list[str]] = bm25s.tokenize(
            texts,
            stopwords="en",
            # Made anew each time: a stemmer must not be shared between threads.
            stemmer=Stemmer.Stemmer("english"),
            return_ids=False,
            show_progress=False,
        )
        return stems


def index_name(documents: Sequence[Document], chunker_version: str, embedder: Embedder) -> str:
    """The name of the collection that holds exactly these documents, cut and embedded so."""
    digest = hashlib.sha256()
    digest.update(json.dumps([SCHEMA_VERSION, chunker_version, embedder.id]).encode())
    for d in sorted(documents, key=lambda d: d.id):
        digest.update(json.dumps([d.id, d.kind, d.title, d.url, d.path, d.text]).encode())
    return PREFIX + digest.hexdigest()[:32]


def open_index(
    config: Config,
    documents: Sequence[Document],
    chunker: Chunker,
    chunker_version: str,
    embedder: Embedder,
    progress: Progress | None = None,
    *,
    reuse: bool = True,
) -> Index:
    """The index of `documents`, built first if it is not there.

    Unchanged chunks take their vectors from an earlier index unless `reuse` is false.

    An index is there when its collection carries the mark that `_build` sets last, so a
    crash leaves nothing that passes for complete. `progress(done, total)` counts chunks
    while building. Raises `IndexStoreError` when the store cannot be used.
    """
    name = index_name(documents, chunker_version, embedder)
    with _store_errors(config):
        client = connect(config)
        collection = _complete(client, name)
        if collection is None:
            with _build_lock(config):
                # Another process may have built it while this one waited.
                collection = _complete(client, name)
                if collection is None:
                    chunks = {d.id: chunker(d) for d in documents}
                    collection = _build(
                        client, name, config, documents, chunks, embedder, progress, reuse
                    )
        return Index(collection, _read_chunks(collection, documents))


def drop_index(config: Config, name: str) -> None:
    """Forget the collection `name`; with an embedded store that no longer opens, the
    store. Only derived data is lost: the next `open_index` writes it again."""
    try:
        with _store_errors(config):
            client = connect(config)
            if name in {collection.name for collection in client.list_collections()}:
                client.delete_collection(name)
    except IndexStoreError:
        if config.chroma_url:
            raise
        import shutil

        _forget_system(config)
        shutil.rmtree(store_path(config), ignore_errors=True)


def connect(config: Config) -> ClientAPI:
    """A Chroma client for the configured server, else for the embedded store."""
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    if config.chroma_url:
        url = urlsplit(config.chroma_url)
        secure = url.scheme == "https"
        return chromadb.HttpClient(
            host=url.hostname or "localhost",
            port=url.port or (443 if secure else 8000),
            ssl=secure,
            settings=settings,
        )
    path = store_path(config)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise IndexStoreError(
            f"the index folder {str(path)!r} cannot be made ({error.strerror}); "
            "point ESSAYQA_DATA at a folder that can be written"
        ) from None
    # Chroma keeps one system for each path, and making it is not safe across threads.
    with _CONNECTING:
        try:
            return chromadb.PersistentClient(path=str(path), settings=settings)
        except BaseException:
            _forget_system(config)
            raise


def _forget_system(config: Config) -> None:
    """Make Chroma forget the half-made or broken system it keeps for the store's path:
    no public call does so for one path alone."""
    from chromadb.api.shared_system_client import SharedSystemClient

    path = str(store_path(config))
    SharedSystemClient._identifier_to_refcount.pop(path, None)
    if system := SharedSystemClient._identifier_to_system.pop(path, None):
        with suppress(Exception):
            system.stop()


def store_path(config: Config) -> Path:
    """The folder of the embedded Chroma store."""
    return config.data_dir / "chroma"


def where(config: Config) -> str:
    """Where the index is kept, for messages."""
    return config.chroma_url or str(store_path(config))


def is_complete(config: Config, name: str) -> bool:
    """Whether a complete collection `name` is in the store, which is left as it is."""
    if not config.chroma_url and not store_path(config).is_dir():
        return False
    with _store_errors(config):
        return _complete(connect(config), name) is not None


@contextmanager
def _store_errors(config: Config) -> Iterator[None]:
    """Turns whatever the store raises into an `IndexStoreError` that says what to do."""
    try:
        yield
    except EssayQAError:
        raise
    # Chroma's native core panics with an exception that is not an `Exception`.
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError)):
            raise
        advice = (
            "is the Chroma server running?"
            if config.chroma_url
            else "`essayqa index --rebuild` makes a new one"
        )
        raise IndexStoreError(
            f"the index in {where(config)} cannot be used ({_first_line(error)}); {advice}"
        ) from error


@contextmanager
def _build_lock(config: Config) -> Iterator[None]:
    """One local process builds while others wait. A server needs no lock: two builders
    write the same ids and vectors."""
    if config.chroma_url:
        yield
        return
    from filelock import FileLock

    with FileLock(config.data_dir / "build.lock"):
        yield


def _complete(client: ClientAPI, name: str) -> Collection | None:
    from chromadb.errors import NotFoundError

    try:
        collection = client.get_collection(name, embedding_function=None)
    except NotFoundError:
        return None
    metadata = collection.metadata or {}
    if not metadata.get("complete"):
        return None
    if collection.count() != metadata["chunks"]:
        raise IndexStoreError(
            f"the index {name!r} holds {collection.count()} chunks where it should hold "
            f"{metadata['chunks']}; `essayqa index --rebuild` makes a new one"
        )
    return collection


def _build(
    client: ClientAPI,
    name: str,
    config: Config,
    documents: Sequence[Document],
    chunks: Mapping[str, Sequence[Chunk]],
    embedder: Embedder,
    progress: Progress | None,
    reuse: bool,
) -> Collection:
    from .ingest import write_collection

    ids = [chunk.id for group in chunks.values() for chunk in group]
    if not ids:
        raise CorpusError(
            "the corpus holds no paragraph of text, only headings, tables or pictures"
        )
    metadata = {
        "complete": False,
        "chunks": len(ids),
        "embedder": f"{SCHEMA_VERSION} {embedder.id}",
        "corpus": hashlib.sha256(str(config.corpus).encode()).hexdigest()[:16],
        "created": time.time(),
    }
    known = _known_vectors(client, metadata["embedder"], ids) if reuse else {}
    collection = client.get_or_create_collection(
        name,
        metadata=metadata,
        configuration={"hnsw": {"space": "cosine"}},
        embedding_function=None,
    )
    finished = 0

    def done(count: int) -> None:
        nonlocal finished
        finished += count
        if progress:
            progress(finished, len(ids))

    size = client.get_max_batch_size()
    write_collection(collection, documents, chunks, embedder, known, done, size)
    collection.modify(metadata={**metadata, "complete": True})
    _prune(client, metadata["corpus"], keep=name)
    return collection


def _known_vectors(client: ClientAPI, embedder: Any, ids: list[str]) -> dict[str, list[float]]:
    """Vectors of unchanged chunks, from complete collections of the same embedder."""
    known: dict[str, list[float]] = {}
    for collection in _own_collections(client):
        metadata = collection.metadata
        if not metadata.get("complete") or metadata.get("embedder") != embedder:
            continue
        wanted = [chunk_id for chunk_id in ids if chunk_id not in known]
        for first in range(0, len(wanted), 500):
            found = collection.get(ids=wanted[first : first + 500], include=["embeddings"])
            vectors = found["embeddings"]
            if vectors is not None:
                known.update(zip(found["ids"], (list(map(float, v)) for v in vectors), strict=True))
    return known


def _prune(client: ClientAPI, corpus: Any, keep: str) -> None:
    """Remove all but the `KEPT` newest collections of this corpus, and leftovers of
    builds that were interrupted over an hour ago."""
    own = [c for c in _own_collections(client) if c.metadata.get("corpus") == corpus]
    own.sort(key=lambda c: (c.name == keep, c.metadata.get("created", 0)), reverse=True)
    complete = [c for c in own if c.metadata.get("complete")]
    abandoned = [
        c
        for c in own
        if not c.metadata.get("complete") and c.metadata.get("created", 0) < time.time() - 3600
    ]
    for collection in complete[KEPT:] + abandoned:
        log.debug("removing the superseded index %s", collection.name)
        try:
            client.delete_collection(collection.name)
        except Exception as error:
            # Another builder may have removed it first; a leftover harms nobody.
            log.debug("could not remove %s: %s", collection.name, error)


def _own_collections(client: ClientAPI) -> list[Collection]:
    own = []
    for collection in client.list_collections():
        if collection.name.startswith(PREFIX) and collection.metadata:
            own.append(collection)
    return own


def _read_chunks(collection: Collection, documents: Sequence[Document]) -> list[Chunk]:
    found = collection.get(include=["documents", "metadatas"])
    # Written by `ingest`, so each field has the type it was given there.
    rows = zip(found["ids"], found["documents"] or [], found["metadatas"] or [], strict=True)
    fields: list[tuple[str, str, Any]] = [(chunk_id, text, meta) for chunk_id, text, meta in rows]
    chunks = [
        Chunk(
            id=chunk_id,
            document_id=meta["document_id"],
            start=meta["start"],
            end=meta["end"],
            text=text,
            heading=meta["heading"],
            kind=meta["kind"],
            title=meta["title"],
            url=meta["url"],
            ordinal=meta["ordinal"],
        )
        for chunk_id, text, meta in fields
    ]
    order = {document.id: i for i, document in enumerate(documents)}
    return sorted(chunks, key=lambda c: (order[c.document_id], c.ordinal))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
