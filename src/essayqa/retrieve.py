"""Question and `Index` to passages: dense and keyword search, fused, then reranked."""

from __future__ import annotations

from collections.abc import Sequence

from .index import Index
from .types import Chunk, Embedder, Kind, Passage, Question, Reranker

# How many chunks each search gives, and how many of each kind the reranker reads: both
# kinds have their own places, so that a large shelf cannot crowd out the essay.
CANDIDATES = 60
RERANKED: dict[Kind, int] = {"essay": 8, "background": 6}
# Reciprocal rank fusion's usual constant (Cormack et al., 2009).
RRF_K = 60


def retrieve(
    question: Question, index: Index, embedder: Embedder, reranker: Reranker, k: int = 0
) -> list[Passage]:
    """Passages for the question, best first; scores are the reranker's.

    Up to `k`, or with `k` left out as many as the composer wants to read.
    """
    text = question.standalone
    depth = max(CANDIDATES, k)
    dense = index.nearest(embedder.embed_query(text), depth, essay_only=question.essay_only)
    keyword = index.matching(text, depth, essay_only=question.essay_only)
    fused = fuse(dense, keyword)
    places = {kind: max(places, k) for kind, places in RERANKED.items()}
    chunks = [c for kind in places for c in _of_kind(fused, kind)[: places[kind]]]
    scores = reranker.score(text, [chunk.text for chunk in chunks])
    passages = [Passage(chunk, float(score)) for chunk, score in zip(chunks, scores, strict=True)]
    passages.sort(key=lambda p: -p.score)
    return passages[:k] if k else passages


def _of_kind(chunks: Sequence[Chunk], kind: Kind) -> list[Chunk]:
    return [chunk for chunk in chunks if chunk.kind == kind]


def fuse(*rankings: Sequence[Chunk]) -> list[Chunk]:
    """One ranking from several by reciprocal rank fusion."""
    scores: dict[str, float] = {}
    chunks: dict[str, Chunk] = {}
    for ranking in rankings:
        for rank, chunk in enumerate(ranking, start=1):
            chunks[chunk.id] = chunk
            scores[chunk.id] = scores.get(chunk.id, 0.0) + 1 / (RRF_K + rank)
    return [chunks[chunk_id] for chunk_id in sorted(scores, key=lambda c: -scores[c])]
