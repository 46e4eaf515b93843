"""The pipeline with parts left out, to see what each is worth.

The last variant answers as essayqa does, the one before it without the questions that
documents are expected to get; the others show every sentence of the best passage. Unlike
the rest of the suite this looks inside, for the embedder alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from essayqa import Answer, EssayQA, Passage
from essayqa.models import load_embedder

from .cases import Case
from .quoting import quote_passages
from .results import Aggregates, CaseResult, Results
from .run import PASSAGES, Progress, aggregate
from .scorers import score_answer, score_search

Search = Callable[[str], list[Passage]]
METRICS = (
    *("fact_recall", "evidence_recall", "citation_precision", "answer_words"),
    *("recall@1", "recall@5", "recall@10", "mrr", "ndcg@10"),
)
COMPOSER = "+ composer"
UNEXPECTED = "no expected questions"


class KeepOrder:
    """A reranker that leaves passages in the order they came in."""

    id = "keep-order"

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        return (1 / np.arange(1, len(texts) + 1)).astype(np.float32)


def ablate(
    engine: EssayQA, cases: Sequence[Case], results: Results, progress: Progress | None = None
) -> dict[str, Aggregates]:
    """Each variant's aggregates over the answerable cases of a run, the whole last."""
    documents = {document.id: document.text for document in engine.documents}
    scored = {case.id: case for case in results.cases if case.error is None}
    asked = [case for case in cases if case.answerable and case.id in scored]
    searches = _searches(engine)
    found: dict[str, list[CaseResult]] = {name: [] for name in (*searches, UNEXPECTED)}
    with TemporaryDirectory() as folder:
        plain = without_expected(engine, Path(folder))
    for done, case in enumerate(asked, start=1):
        question = str((scored[case.id].answer or {})["standalone_question"])
        for name, search in searches.items():
            passages = search(question)
            answer = quote_passages(Answer(question, question, "answered", None, ""), passages[:1])
            scores = score_answer(case, answer, documents)
            scores |= score_search(case, passages, documents)
            found[name].append(CaseResult(case.to_dict(), answer.to_dict(), None, 0.0, scores))
        answer = plain.ask(case.question, case.history)
        scores = score_answer(case, answer, documents)
        found[UNEXPECTED].append(CaseResult(case.to_dict(), answer.to_dict(), None, 0.0, scores))
        if progress:
            progress(done, len(asked))
    found[COMPOSER] = [scored[case.id] for case in asked]
    return {name: _chosen(aggregate(rows)) for name, rows in found.items()}


def without_expected(engine: EssayQA, folder: Path) -> EssayQA:
    """`engine` over its corpus, copied into `folder`, without expected questions."""
    corpus = folder / "corpus"
    shutil.copytree(engine.config.corpus, corpus, ignore=shutil.ignore_patterns("*.questions.*"))
    return EssayQA(replace(engine.config, corpus=corpus)).open()


def _searches(engine: EssayQA) -> dict[str, Search]:
    embedder = load_embedder(engine.config)
    fused = EssayQA(engine.config, reranker=KeepOrder())
    return {
        "dense only": lambda q: engine.index.nearest(embedder.embed_query(q), PASSAGES),
        "BM25 only": lambda q: [Passage(c, 0.0) for c in engine.index.matching(q, PASSAGES)],
        "fused": lambda q: fused.search(q, PASSAGES),
        "+ rerank": lambda q: engine.search(q, PASSAGES),
    }


def _chosen(aggregates: Aggregates) -> Aggregates:
    return {name: aggregates[name] for name in METRICS if name in aggregates}
