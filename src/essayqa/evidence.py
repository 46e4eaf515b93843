"""Chunks to `Evidence`: every sentence, and how well each answers a question."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .config import Config
from .models import OnnxAligner, OnnxEmbedder
from .sentences import asks, leans, sentence_spans
from .types import Chunk, Kind, Passage, Question, Reranker, ScoredSentence, Sentence, Vectors

log = logging.getLogger("essayqa")

Progress = Callable[[int, int], None]

# How many sentences of each kind of document the cross-encoder reads.
READ: dict[Kind, int] = {"essay": 14, "background": 8}
# What one unit of the cross-encoder's logit weighs against one standard deviation of the
# other signals together.
RERANKER_WEIGHT = 0.2
BATCH = 64
KEPT = 8


class Evidence:
    """The sentences of a corpus with the vectors they are judged by. Safe across threads.

    A sentence is read alone (one vector), after the sentence it leans on, and after the
    one before it (vectors of each token, for late interaction with the question's).
    """

    def __init__(
        self,
        sentences: Sequence[Sentence],
        vectors: Mapping[str, Any],
        embedder: OnnxEmbedder,
        aligner: OnnxAligner,
    ) -> None:
        import numpy as np

        self.sentences = tuple(sentences)
        self._embedder, self._aligner = embedder, aligner
        self._alone = np.stack([vectors[_alone(s)] for s in sentences]).astype(np.float32)
        self._after_lead = [vectors[_tokens(s.with_lead)] for s in sentences]
        self._after_previous = [vectors[_tokens(s.with_previous)] for s in sentences]
        self._of_chunk: dict[str, list[int]] = {}
        for i, sentence in enumerate(sentences):
            self._of_chunk.setdefault(sentence.chunk.id, []).append(i)

    def knows(self, word: str) -> bool:
        """Whether a lower-case word is a common one of the language."""
        return self._embedder.knows(word)

    def judge(
        self, question: Question, passages: Sequence[Passage], reranker: Reranker
    ) -> list[ScoredSentence]:
        """The sentences of `passages` that the question was compared with in full, best
        first. Sentences that are themselves questions are left out."""
        import numpy as np

        rows = [
            (i, passage.score)
            for passage in passages
            for i in self._of_chunk.get(passage.chunk.id, ())
            if not asks(self.sentences[i].text)
        ]
        if not rows:
            return []
        ids = [i for i, _ in rows]
        text = question.search
        tokens = self._aligner.embed_query(text)
        alone = self._alone[ids] @ self._embedder.embed_query(text)
        cover = np.stack([_best_cosines(tokens, self._after_lead[i]) for i in ids])
        in_context = np.stack([_best_cosines(tokens, self._after_previous[i]) for i in ids])
        passage = np.array([score for _, score in rows], dtype=np.float32)
        signals = (alone, cover.mean(axis=1), in_context.mean(axis=1), passage)
        ranks = np.stack([_standard(signal) for signal in signals]).mean(axis=0)
        best_first = [int(row) for row in np.argsort(-ranks, kind="stable")]
        read = [
            row
            for kind, count in READ.items()
            for row in [r for r in best_first if self.sentences[ids[r]].chunk.kind == kind][:count]
        ]
        scores = reranker.score(text, [self.sentences[ids[row]].with_lead for row in read])
        offsets = self._aligner.offsets(text)
        pieces = [
            [i for i, (start, end) in enumerate(offsets) if term.start <= start < end <= term.end]
            for term in question.terms
        ]
        judged = [
            ScoredSentence(
                sentence=self.sentences[ids[row]],
                rank=float(ranks[row]) + RERANKER_WEIGHT * _logit(float(score)),
                relevance=float(score),
                similarity=float(alone[row]),
                cover=tuple(float(cover[row, p].mean()) if p else 1.0 for p in pieces),
            )
            for row, score in zip(read, scores, strict=True)
        ]
        return sorted(judged, key=lambda s: -s.rank)


def open_evidence(
    config: Config,
    name: str,
    chunks: Sequence[Chunk],
    progress: Progress | None = None,
    *,
    reuse: bool = True,
) -> Evidence:
    """The evidence of an index's `chunks`, in document order.

    Vectors are kept in a file named like the index and computed only for sentences that
    no kept file holds; `progress(done, total)` counts the texts read. The file is
    derived data: lost or damaged, it is made again.
    """
    embedder, aligner = OnnxEmbedder(config.threads), OnnxAligner(config.threads)
    sentences = read_sentences(chunks)
    path = _path(config, name)
    version = f"{embedder.id} {aligner.id}"
    vectors = _load(path, version)
    wanted = {key for s in sentences for key in _keys(s)}
    if not wanted <= vectors.keys():
        for other in path.parent.glob("*.npz") if reuse else ():
            vectors.update(_load(other, version))
        vectors = {key: vector for key, vector in vectors.items() if key in wanted}
        _embed_missing(sentences, vectors, embedder, aligner, progress)
        _save(path, version, vectors)
    return Evidence(sentences, vectors, embedder, aligner)


def drop_evidence(config: Config, name: str) -> None:
    """Forget the kept vectors of an index."""
    _path(config, name).unlink(missing_ok=True)


def _path(config: Config, name: str) -> Path:
    return config.data_dir / "sentences" / f"{name}.npz"


def read_sentences(chunks: Sequence[Chunk]) -> list[Sentence]:
    """The sentences of chunks in document order, each linked to the one before it in its
    section."""
    sentences: list[Sentence] = []
    for chunk in chunks:
        for span in sentence_spans(chunk.text):
            text = chunk.text[span.start : span.end]
            last = sentences[-1] if sentences else None
            same = last and (last.chunk.document_id, last.chunk.heading) == (
                chunk.document_id,
                chunk.heading,
            )
            sentences.append(
                Sentence(
                    chunk=chunk,
                    start=chunk.start + span.start,
                    end=chunk.start + span.end,
                    text=text,
                    previous=last if same else None,
                    leans=leans(text),
                )
            )
    return sentences


def _best_cosines(question: Vectors, text: Any) -> Vectors:
    """For each of the question's tokens the best cosine among the text's; their mean is
    the late interaction of Khattab and Zaharia (2020)."""
    import numpy as np

    best: Vectors = (question @ text.astype(np.float32).T).max(axis=1)
    return best


def _standard(values: Vectors) -> Vectors:
    """`values` less their mean, in standard deviations."""
    import numpy as np

    return np.asarray((values - values.mean()) / max(float(values.std()), 1e-6), dtype=np.float32)


def _logit(score: float) -> float:
    import math

    score = min(max(score, 1e-5), 1 - 1e-5)
    return math.log(score / (1 - score))


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _alone(sentence: Sentence) -> str:
    return "a" + _hashed(sentence.text)


def _tokens(text: str) -> str:
    return "t" + _hashed(text)


def _keys(sentence: Sentence) -> tuple[str, str, str]:
    return _alone(sentence), _tokens(sentence.with_lead), _tokens(sentence.with_previous)


def _embed_missing(
    sentences: Sequence[Sentence],
    vectors: dict[str, Any],
    embedder: OnnxEmbedder,
    aligner: OnnxAligner,
    progress: Progress | None,
) -> None:
    import numpy as np

    alone = {_alone(s): s.text for s in sentences}
    tokens = {_tokens(text): text for s in sentences for text in (s.with_lead, s.with_previous)}
    todo = [(key, text) for key, text in (*alone.items(), *tokens.items()) if key not in vectors]
    for first in range(0, len(todo), BATCH):
        batch = todo[first : first + BATCH]
        for kind, embed in (("a", embedder.embed_texts), ("t", aligner.embed_texts)):
            part = [(key, text) for key, text in batch if key.startswith(kind)]
            rows: Any = embed([text for _, text in part])
            for (key, _), row in zip(part, rows, strict=True):
                # Half precision: a third of a per cent off a cosine, half the memory.
                vectors[key] = row.astype(np.float16)
        if progress:
            progress(first + len(batch), len(todo))


def _load(path: Path, version: str) -> dict[str, Any]:
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as data:
            if str(data["version"]) != version:
                return {}
            keys, rows = data["keys"].tolist(), data["rows"]
            ends = np.cumsum(data["lengths"]).tolist()
    except FileNotFoundError:
        return {}
    except Exception as error:  # a truncated archive fails in many ways
        log.warning("%s is damaged and will be made again (%s)", path, error)
        return {}
    starts = [0, *ends[:-1]]
    return {
        key: rows[start] if key.startswith("a") else rows[start:end]
        for key, start, end in zip(keys, starts, ends, strict=True)
    }


def _save(path: Path, version: str, vectors: Mapping[str, Any]) -> None:
    import numpy as np

    rows = [np.atleast_2d(vector) for vector in vectors.values()]
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez(
                file,
                version=np.array(version),
                keys=np.array(list(vectors)),
                lengths=np.array([len(row) for row in rows]),
                rows=np.concatenate(rows),
            )
        os.replace(part, path)
        newest = sorted(path.parent.glob("*.npz"), key=lambda p: -p.stat().st_mtime)
        for old in newest[KEPT:]:
            old.unlink(missing_ok=True)
    except OSError as error:
        # Only speed is lost: the next start computes them again.
        log.warning("the sentence vectors could not be kept in %s (%s)", path.parent, error)
