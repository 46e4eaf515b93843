"""Chunks to a Chroma collection, through LlamaIndex. Imported only to build an index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chromadb.api.models.Collection import Collection
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, MetadataMode, NodeRelationship, TextNode
from llama_index.core.schema import Document as LlamaDocument
from llama_index.vector_stores.chroma import ChromaVectorStore
from pydantic import PrivateAttr

from .errors import EssayQAError, ModelError
from .types import Chunk, Document, Embedder

EMBED_BATCH = 32


class ChunkNodeParser(NodeParser):
    """Gives each document's chunks as nodes that keep our ids and our exact text."""

    include_prev_next_rel: bool = False
    _chunks: Mapping[str, Sequence[Chunk]] = PrivateAttr()

    def __init__(self, chunks: Mapping[str, Sequence[Chunk]]) -> None:
        super().__init__()
        self._chunks = chunks

    def _parse_nodes(
        self, nodes: Sequence[BaseNode], show_progress: bool = False, **kwargs: Any
    ) -> list[BaseNode]:
        return [
            _node(chunk, document) for document in nodes for chunk in self._chunks[document.node_id]
        ]


class ChunkEmbedding(BaseEmbedding):
    """An essayqa `Embedder` as LlamaIndex's, which takes known vectors as they are and
    reports each batch done."""

    model_name: str = "essayqa"
    _embedder: Embedder = PrivateAttr()
    _known: Mapping[str, list[float]] = PrivateAttr()
    _done: Callable[[int], None] = PrivateAttr()

    def __init__(
        self, embedder: Embedder, known: Mapping[str, list[float]], done: Callable[[int], None]
    ) -> None:
        super().__init__(model_name=embedder.id)
        self._embedder, self._known, self._done = embedder, known, done

    def __call__(self, nodes: Sequence[BaseNode], **kwargs: Any) -> Sequence[BaseNode]:
        fresh = []
        for node in nodes:
            node.embedding = self._known.get(node.node_id)
            if node.embedding is None:
                fresh.append(node)
        self._done(len(nodes) - len(fresh))
        for first in range(0, len(fresh), EMBED_BATCH):
            batch = fresh[first : first + EMBED_BATCH]
            texts = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in batch]
            try:
                vectors = self._get_text_embeddings(texts)
            except EssayQAError:
                raise
            except Exception as error:
                raise ModelError(
                    f"the embedder {self.model_name!r} failed ({type(error).__name__}: {error})"
                ) from error
            for node, vector in zip(batch, vectors, strict=True):
                node.embedding = vector
            self._done(len(batch))
        return nodes

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._embedder.embed_texts(texts).tolist()
        return vectors

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        vector: list[float] = self._embedder.embed_query(query).tolist()
        return vector

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


class SlicedVectorStore(ChromaVectorStore):
    """Chroma's store, written in slices that the server or the embedded core accepts."""

    _slice: int = PrivateAttr()

    def __init__(self, collection: Collection, size: int) -> None:
        super().__init__(chroma_collection=collection)
        self._slice = size

    def add(self, nodes: Sequence[BaseNode], **add_kwargs: Any) -> list[str]:
        ids: list[str] = []
        for first in range(0, len(nodes), self._slice):
            ids += super().add(list(nodes[first : first + self._slice]), **add_kwargs)
        return ids


def write_collection(
    collection: Collection,
    documents: Sequence[Document],
    chunks: Mapping[str, Sequence[Chunk]],
    embedder: Embedder,
    known: Mapping[str, list[float]],
    done: Callable[[int], None],
    slice_size: int,
) -> None:
    """Write `chunks`, by document id, embedding those whose vector is not `known`.

    Writing a chunk twice changes nothing, so an interrupted or a doubled build is safe.
    """
    pipeline = IngestionPipeline(
        transformations=[ChunkNodeParser(chunks), ChunkEmbedding(embedder, known, done)],
        vector_store=SlicedVectorStore(collection, slice_size),
        disable_cache=True,
    )
    pipeline.run(documents=[LlamaDocument(id_=d.id, text=d.text) for d in documents])


def _node(chunk: Chunk, document: BaseNode) -> TextNode:
    node = TextNode(
        id_=chunk.id,
        text=chunk.text,
        metadata={
            "kind": chunk.kind,
            "title": chunk.title,
            "url": chunk.url,
            "heading": chunk.heading,
            "start": chunk.start,
            "end": chunk.end,
            "ordinal": chunk.ordinal,
        },
        # Only the heading is embedded with the text, as its first line.
        excluded_embed_metadata_keys=["kind", "title", "url", "start", "end", "ordinal"],
        metadata_template="{value}",
        text_template="{metadata_str}\n{content}",
    )
    # The store writes the source's id as the metadata field `document_id`.
    node.relationships[NodeRelationship.SOURCE] = document.as_related_node_info()
    return node
