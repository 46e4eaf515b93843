"""Chunks to `Evidence`: every sentence, and how well each answers a question."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config import Config
from .expected import ExpectedQuestions, figures_in, open_expected, vectors_file
from .models import OnnxAligner, OnnxEmbedder
from .sentences import asks, leans, sentence_spans
from .types import (
    Chunk,
    Document,
    Expected,
    Judgement,
    Kind,
    Passage,
    Question,
    Reranker,
    ScoredSentence,
    Sentence,
    Span,
    Vectors,
)
from .vectors import hashed, load_arrays, save_arrays
from .weights import weigh

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Progress = Callable[[int, int], None]

# How many sentences of a group without expected questions the cross-encoder reads.
READ = 8
# How many documents with expected questions are judged, of each kind.
DOCUMENTS = 2
# How many of a document's expected questions, the nearest, are compared token by token,
# and what the others count for, and those that ask about other years or figures.
ALIGNED = 200
FAR = 0.2
# How sharply nearness counts: an expected question this much farther has a vote of 1/e.
SHARPNESS = {"meaning": 0.02, "tokens": 0.01}
# How many times less sharply one reading of a question gives way to another.
READING = 2.5
# How many of the best sentences together have to cover what is asked.
TOP = 3
# Among how many of the nearest expected questions the unanswered are counted.
NEIGHBOURS = (8, 20)
# What a term counts for that no token of the question stands for.
UNREAD = 0.9
BATCH = 64
KEPT = 8


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of a group's sentences for a question, before it is weighed: `each`
    by name, shape (sentences,), and `together`, of the group as a whole."""

    kind: Kind
    expected: bool
    sentences: tuple[Sentence, ...]
    each: Mapping[str, Vectors]
    together: Mapping[str, float]


class Evidence:
    """The sentences of a corpus with the vectors they are judged by. Safe across threads.

    A sentence is read alone and with its passage (a vector each), after the sentence it
    leans on, and after the one before it (vectors of each token, for late interaction with
    the question's). All are the bundled models' vectors, whatever embedder searches, since
    the weights were fitted to them.
    """

    def __init__(
        self,
        sentences: Sequence[Sentence],
        vectors: Mapping[str, Any],
        embedder: OnnxEmbedder,
        aligner: OnnxAligner,
        expected: ExpectedQuestions | None = None,
        answered: Sequence[tuple[str, Sequence[int] | None]] = (),
    ) -> None:
        """`answered` holds, for each expected question, its document and the rows of the
        sentences that answer it, None where the document is silent."""
        import numpy as np

        self.sentences = tuple(sentences)
        self._embedder, self._aligner = embedder, aligner
        self._alone = np.stack([vectors[_alone(s)] for s in sentences]).astype(np.float32)
        self._passage = np.stack([vectors[_whole(s.chunk.text)] for s in sentences])
        self._after_lead = [vectors[_tokens(s.with_lead)] for s in sentences]
        self._after_previous = [vectors[_tokens(s.with_previous)] for s in sentences]
        self._of_chunk: dict[str, list[int]] = {}
        for i, sentence in enumerate(sentences):
            self._of_chunk.setdefault(sentence.chunk.id, []).append(i)
        self._expected = expected
        self._of_document = {
            document: _DocumentQuestions.of(document, answered)
            for document in dict.fromkeys(document for document, _ in answered)
        }

    def knows(self, word: str) -> bool:
        """Whether a lower-case word is a common one of the language."""
        return self._embedder.knows(word)

    def meaning(self, question: str) -> Vectors:
        """A question's vector by the bundled embedder, shape (384,)."""
        return self._embedder.embed_query(question)

    def nearest(self, sentence: Sentence, k: int) -> list[Sentence]:
        """The `k` background sentences closest in meaning to one of the sentences."""
        rows = [i for i, s in enumerate(self.sentences) if s.chunk.kind == "background"]
        if not rows:
            return []
        cosines = self._alone[rows] @ self._alone[self.sentences.index(sentence)]
        return [self.sentences[rows[i]] for i in (-cosines).argsort(kind="stable")[:k]]

    def judge(
        self, question: Question, passages: Sequence[Passage], reranker: Reranker
    ) -> list[Judgement]:
        """What each group of documents among `passages` has to say. Sentences that are
        themselves questions are left out."""
        judgements = []
        for signals in self.signals(question, passages, reranker):
            model = "expected" if signals.expected else "plain"
            chances = weigh(f"{model} sentence", signals.each)
            order = [int(i) for i in (-chances).argsort(kind="stable")]
            judgements.append(
                Judgement(
                    kind=signals.kind,
                    answers=float(weigh(f"{model} answer", signals.together)),
                    sentences=tuple(
                        ScoredSentence(signals.sentences[i], float(chances[i])) for i in order
                    ),
                )
            )
        return judgements

    def signals(
        self, question: Question, passages: Sequence[Passage], reranker: Reranker
    ) -> list[Signals]:
        """Each group's signals, the essay's first."""
        found = {passage.chunk.id for passage in passages}
        if not found:
            return []
        text = question.search
        asked = _Asked(
            text,
            self._embedder.embed_query(text),
            self._aligner.embed_query(text),
            self._pieces(question),
        )
        groups: dict[tuple[Kind, str], list[int]] = {}
        for i, sentence in enumerate(self.sentences):
            chunk = sentence.chunk
            expects = chunk.document_id in self._of_document
            if (chunk.id in found or expects) and not asks(sentence.text):
                group = chunk.kind, chunk.document_id if expects else ""
                groups.setdefault(group, []).append(i)
        if question.essay_only:
            groups = {group: rows for group, rows in groups.items() if group[0] == "essay"}
        near = self._near(question, groups, asked)
        return [
            self._signals(asked, kind, near.get(document), rows, reranker)
            for (kind, document), rows in sorted(groups.items(), key=lambda g: g[0][0] != "essay")
            if not document or document in near
        ]

    def _near(
        self, question: Question, groups: Collection[tuple[Kind, str]], asked: _Asked
    ) -> dict[str, _Near]:
        """How near the question is to those expected by the few documents, of those in
        `groups`, that expect the nearest."""
        import numpy as np

        if not self._expected or not any(document for _, document in groups):
            return {}
        readings = question.readings or (question.search,)
        # Most questions have one reading, which has been embedded already.
        vectors = [
            (asked.meaning, asked.tokens)
            if reading == asked.text
            else (self._embedder.embed_query(reading), self._aligner.embed_query(reading))
            for reading in readings
        ]
        meanings = self._expected.meanings(np.stack([meaning for meaning, _ in vectors]))
        tokens = [each for _, each in vectors]
        figures = [figures_in(reading) for reading in readings]
        found: dict[str, _Near] = {}
        for kind in {kind for kind, _ in groups}:
            # By what they answer: a document is near for what it is silent on only by chance.
            documents = sorted(
                (document for k, document in groups if k == kind and document),
                key=lambda d: (
                    -float(
                        meanings[:, self._of_document[d].rows[~self._of_document[d].silent]].max(
                            initial=-1.0
                        )
                    )
                ),
            )
            for document in documents[:DOCUMENTS]:
                questions = self._of_document[document]
                meaning = meanings[:, questions.rows]
                aligned = np.full(meaning.shape, FAR, dtype=np.float32)
                for row, cosines, read in zip(aligned, meaning, tokens, strict=True):
                    nearest = np.argsort(-cosines, kind="stable")[:ALIGNED]
                    row[nearest] = self._expected.aligned(questions.rows[nearest], read)
                for row, asked_for in zip(range(len(readings)), figures, strict=True):
                    other = self._expected.other_figures(questions.rows, asked_for)
                    meaning[row, other] = aligned[row, other] = FAR
                found[document] = _Near(questions, {"meaning": meaning, "tokens": aligned})
        return found

    def _pieces(self, question: Question) -> list[list[int]]:
        """For each term of the question, the tokens that it was read as."""
        offsets = self._aligner.offsets(question.search)
        return [
            [i for i, (start, end) in enumerate(offsets) if term.start <= start < end <= term.end]
            for term in question.terms
        ]

    def _signals(
        self,
        asked: _Asked,
        kind: Kind,
        near: _Near | None,
        ids: Sequence[int],
        reranker: Reranker,
    ) -> Signals:
        import numpy as np

        cover = np.stack([_best_cosines(asked.tokens, self._after_lead[i]) for i in ids])
        in_context = np.stack([_best_cosines(asked.tokens, self._after_previous[i]) for i in ids])
        each: dict[str, Vectors] = {
            "alone": self._alone[ids] @ asked.meaning,
            "cover": cover.mean(axis=1),
            "context": in_context.mean(axis=1),
            "passage": self._passage[ids].astype(np.float32) @ asked.meaning,
        }
        together: dict[str, float] = {}
        if near:
            for name, cosines in near.cosines.items():
                votes, nearest, summed = near.questions.votes(cosines, SHARPNESS[name], ids)
                each |= {
                    f"vote_{name}": votes,
                    f"log_vote_{name}": np.log(votes + 1e-4),
                    f"nearest_{name}": nearest,
                }
                together |= {f"{key}_{name}": value for key, value in summed.items()}
        else:
            # Expected questions leave the cross-encoder nothing to add, and it is slow.
            together |= self._read(asked, ids, each, cover, reranker)
        together |= {
            name: float(each[name].max()) for name in ("alone", "cover", "context", "passage")
        }
        each |= {f"{name}_behind": values - values.max() for name, values in each.items()}
        return Signals(
            kind, near is not None, tuple(self.sentences[i] for i in ids), each, together
        )

    def _read(
        self,
        asked: _Asked,
        ids: Sequence[int],
        each: dict[str, Vectors],
        cover: Vectors,
        reranker: Reranker,
    ) -> dict[str, float]:
        """What the cross-encoder makes of the best sentences, added to `each`, and of the
        best passage."""
        import numpy as np

        quick = np.stack([_standard(signal) for signal in each.values()]).sum(axis=0)
        read = np.argsort(-quick, kind="stable")[:READ]
        texts = [self.sentences[ids[i]].with_previous for i in read]
        passage = self.sentences[ids[int(each["passage"].argmax())]].chunk.text
        scores = reranker.score(asked.text, [*texts, passage])
        *logits, whole = (_logit(float(score)) for score in scores)
        each["relevance"] = np.full(len(ids), min(logits), dtype=np.float32)
        each["relevance"][read] = logits
        covered = cover[read[np.argsort(logits, kind="stable")[::-1][:TOP]]].max(axis=0)
        terms = sorted(float(covered[p].mean()) for p in asked.pieces if p)[:2] or [UNREAD]
        return {
            "relevance": max(logits),
            "passage_relevance": whole,
            "terms": sum(terms) / len(terms),
        }


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as the models read it: whole, by token, and each term's tokens."""

    text: str
    meaning: Vectors
    tokens: Vectors
    pieces: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class _DocumentQuestions:
    """The questions one document expects: their `rows` among all, which of them it is
    `silent` on, and a pair for each sentence that answers one: the question's place
    among these, and the sentence's row."""

    rows: NDArray[np.int64]
    silent: NDArray[np.bool_]
    by: NDArray[np.int64]
    sentence: NDArray[np.int64]

    @classmethod
    def of(
        cls, document: str, answered: Sequence[tuple[str, Sequence[int] | None]]
    ) -> _DocumentQuestions:
        import numpy as np

        mine = [(i, rows) for i, (of, rows) in enumerate(answered) if of == document]
        pairs = [(place, row) for place, (_, rows) in enumerate(mine) for row in rows or ()]
        table = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        return cls(
            rows=np.array([i for i, _ in mine], dtype=np.int64),
            silent=np.array([rows is None for _, rows in mine], dtype=bool),
            by=table[:, 0],
            sentence=table[:, 1],
        )

    def votes(
        self, cosines: Vectors, sharpness: float, ids: Sequence[int]
    ) -> tuple[Vectors, Vectors, dict[str, float]]:
        """Each sentence's share of the votes of the expected questions and the cosine of
        the nearest it answers, shape (ids,); and how silence compares. `cosines` has a
        row for each reading of the question."""
        import numpy as np

        best = cosines.max(axis=1, keepdims=True)
        shares = np.exp((cosines - best) / sharpness)
        trust = np.exp((best - best.max()) / (READING * sharpness))
        weights = (trust * shares / shares.sum(axis=1, keepdims=True)).sum(axis=0) / trust.sum()
        cosines = cosines.max(axis=0)
        size = max([*ids, *self.sentence.tolist()]) + 1
        votes = np.bincount(self.sentence, weights=weights[self.by], minlength=size)
        nearest = np.zeros(size, dtype=np.float32)
        np.maximum.at(nearest, self.sentence, cosines[self.by])
        silent = float(weights[self.silent].sum())
        answered = float(cosines[~self.silent].max(initial=0.0))
        unanswered = float(cosines[self.silent].max(initial=0.0))
        neighbours = self.silent[np.argsort(-cosines, kind="stable")]
        return (
            votes[ids].astype(np.float32),
            nearest[ids],
            {
                "nearest": answered,
                "ahead": answered - unanswered,
                "silence": math.log((silent + 1e-3) / (1 - silent + 1e-3)),
                **{f"silent_{k}": float(neighbours[:k].mean()) for k in NEIGHBOURS},
            },
        )


@dataclass(frozen=True, slots=True)
class _Near:
    """A question's cosines with those a document expects, shape (readings, expected), by
    name."""

    questions: _DocumentQuestions
    cosines: Mapping[str, Vectors]


def open_evidence(
    config: Config,
    name: str,
    chunks: Sequence[Chunk],
    documents: Sequence[Document] = (),
    progress: Progress | None = None,
    *,
    reuse: bool = True,
) -> Evidence:
    """The evidence of an index's `chunks`, in document order, and of the questions that
    `documents` expect.

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
        _keep_newest(path.parent)
    expected = [(d.id, e) for d in documents for e in d.expected]
    if not expected:
        return Evidence(sentences, vectors, embedder, aligner)
    files = [
        *(vectors_file(config.corpus, d) for d in documents if d.expected),
        _expected_path(config, name),
    ]
    questions = open_expected([e for _, e in expected], files, embedder, aligner, progress)
    _keep_newest(files[-1].parent)
    return Evidence(
        sentences, vectors, embedder, aligner, questions, _answering(sentences, expected)
    )


def _answering(
    sentences: Sequence[Sentence], expected: Sequence[tuple[str, Expected]]
) -> list[tuple[str, list[int] | None]]:
    """For each expected question, its document and the rows of the sentences that its
    spans touch; None if it has none."""
    of_document: dict[str, list[int]] = {}
    for i, sentence in enumerate(sentences):
        of_document.setdefault(sentence.chunk.document_id, []).append(i)

    @cache  # many questions share their spans
    def touched(document_id: str, spans: tuple[Span, ...]) -> list[int]:
        return [
            i
            for i in of_document.get(document_id, ())
            if any(s.start < sentences[i].end and sentences[i].start < s.end for s in spans)
        ]

    return [
        (document_id, touched(document_id, e.spans) if e.spans else None)
        for document_id, e in expected
    ]


def drop_evidence(config: Config, name: str) -> None:
    """Forget the kept vectors of an index."""
    _path(config, name).unlink(missing_ok=True)
    _expected_path(config, name).unlink(missing_ok=True)


def _path(config: Config, name: str) -> Path:
    return config.data_dir / "sentences" / f"{name}.npz"


def _expected_path(config: Config, name: str) -> Path:
    return config.data_dir / "expected" / f"{name}.npz"


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
    score = min(max(score, 1e-5), 1 - 1e-5)
    return math.log(score / (1 - score))


def _whole(text: str) -> str:
    return "a" + hashed(text)


def _alone(sentence: Sentence) -> str:
    return _whole(sentence.text)


def _tokens(text: str) -> str:
    return "t" + hashed(text)


def _keys(sentence: Sentence) -> tuple[str, str, str, str]:
    whole = _whole(sentence.chunk.text)
    return whole, _alone(sentence), _tokens(sentence.with_lead), _tokens(sentence.with_previous)


def _embed_missing(
    sentences: Sequence[Sentence],
    vectors: dict[str, Any],
    embedder: OnnxEmbedder,
    aligner: OnnxAligner,
    progress: Progress | None,
) -> None:
    import numpy as np

    alone = {_whole(text): text for s in sentences for text in (s.text, s.chunk.text)}
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

    data = load_arrays(path, version)
    if not data:
        return {}
    keys, rows, ends = data["keys"].tolist(), data["rows"], np.cumsum(data["lengths"]).tolist()
    return {
        key: rows[start] if key.startswith("a") else rows[start:end]
        for key, start, end in zip(keys, [0, *ends[:-1]], ends, strict=True)
    }


def _save(path: Path, version: str, vectors: Mapping[str, Any]) -> None:
    import numpy as np

    rows = [np.atleast_2d(vector) for vector in vectors.values()]
    save_arrays(
        path,
        version,
        keys=np.array(list(vectors)),
        lengths=np.array([len(row) for row in rows]),
        rows=np.concatenate(rows),
    )


def _keep_newest(folder: Path) -> None:
    newest = sorted(folder.glob("*.npz"), key=lambda p: -p.stat().st_mtime)
    for old in newest[KEPT:]:
        old.unlink(missing_ok=True)
