"""Question and `Index` to passages: dense and keyword search, fused."""

from __future__ import annotations

from collections.abc import Sequence

from .index import Index
from .types import Chunk, Embedder, Kind, Passage, Question, Reranker

# How far down each search is followed.
DENSE = 200
KEYWORD = 50
# How many passages of each kind are kept: each kind has its own places, so that a large
# shelf cannot crowd out the essay.
PLACES: dict[Kind, int] = {"essay": 40, "background": 24}
# How many passages the cross-encoder reads for a search, at least.
RERANKED = 16
# Reciprocal rank fusion's usual constant (Cormack et al., 2009).
RRF_K = 60


def retrieve(
    question: Question, index: Index, embedder: Embedder, *, at_least: int = 0
) -> list[Passage]:
    """The passages worth reading, best first by rank in both searches; scores are
    cosines. `at_least` asks for more of each kind than the usual `PLACES`."""
    text, only = question.search, question.essay_only
    dense = index.nearest(embedder.embed_query(text), max(DENSE, at_least), essay_only=only)
    keyword = index.matching(text, max(KEYWORD, at_least), essay_only=only)
    cosines = {passage.chunk.id: passage.score for passage in dense}
    # What only the keyword search found is farther than all that the dense search did.
    farthest = min(cosines.values(), default=0.0)
    fused = fuse([passage.chunk for passage in dense], keyword)
    left = {kind: max(places, at_least) for kind, places in PLACES.items()}
    passages = []
    for chunk in fused:
        if left[chunk.kind]:
            left[chunk.kind] -= 1
            passages.append(Passage(chunk, cosines.get(chunk.id, farthest)))
    return passages


def rerank(
    question: Question, passages: Sequence[Passage], reranker: Reranker, k: int
) -> list[Passage]:
    """The best `k` passages as the cross-encoder scores them, best first."""
    chunks = [passage.chunk for passage in passages[: max(k, RERANKED)]]
    scores = reranker.score(question.search, [chunk.text for chunk in chunks])
    scored = [Passage(chunk, float(score)) for chunk, score in zip(chunks, scores, strict=True)]
    return sorted(scored, key=lambda p: -p.score)[:k]


def fuse(*rankings: Sequence[Chunk]) -> list[Chunk]:
    """One ranking from several by reciprocal rank fusion."""
    scores: dict[str, float] = {}
    chunks: dict[str, Chunk] = {}
    for ranking in rankings:
        for rank, chunk in enumerate(ranking, start=1):
            chunks[chunk.id] = chunk
            scores[chunk.id] = scores.get(chunk.id, 0.0) + 1 / (RRF_K + rank)
    return [chunks[chunk_id] for chunk_id in sorted(scores, key=lambda c: -scores[c])]
