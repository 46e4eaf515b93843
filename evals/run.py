"""Ask an engine every case, score what it says and sum that up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from essayqa import Answer, Passage, Turn

from . import stats
from .cases import Case
from .results import Aggregates, CaseResult, Results
from .scorers import ORDER, RECALL_AT, score_answer, score_search

Progress = Callable[[int, int], None]
# As many passages as the deepest retrieval metric looks at.
PASSAGES = max(RECALL_AT)
PERCENTILES = {"answer_words": (50,), "latency_ms": (50, 95)}


class TextDocument(Protocol):
    """What the suite needs of a document."""

    @property
    def id(self) -> str: ...
    @property
    def text(self) -> str: ...


class Engine(Protocol):
    """What the suite asks questions of: `EssayQA`, or something that stands in for it."""

    @property
    def documents(self) -> Sequence[TextDocument]: ...
    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer: ...
    def search(self, query: str, k: int = 10) -> list[Passage]: ...


def run(
    engine: Engine,
    cases: Sequence[Case],
    progress: Progress | None = None,
    *,
    set_name: str = "cases",
) -> Results:
    """Every case asked and scored; `progress(done, total)` is called after each.

    A call that raises leaves its case unscored, with the error, and the run goes on.
    """
    documents = {document.id: document.text for document in engine.documents}
    # Models load at the first question, which is not what latency is about. If it fails,
    # its own turn says so.
    with suppress(Exception):
        engine.ask(cases[0].question, cases[0].history)
    results = []
    for case in cases:
        results.append(run_case(engine, case, documents))
        if progress:
            progress(len(results), len(cases))
    return summarise(set_name, results)


def run_case(engine: Engine, case: Case, documents: Mapping[str, str]) -> CaseResult:
    """One case asked and scored. The search is for the question as the answer resolved it,
    so that a follow-up is searched for with what it leaves out."""
    started = time.perf_counter()
    try:
        answer = engine.ask(case.question, case.history)
        latency_ms = (time.perf_counter() - started) * 1000
        passages = engine.search(answer.standalone_question, PASSAGES)
    except Exception as error:  # whatever it is, it must not pass for an answer
        latency_ms = (time.perf_counter() - started) * 1000
        return CaseResult(case.to_dict(), None, f"{type(error).__name__}: {error}", latency_ms)
    scores = {
        **score_answer(case, answer, documents),
        **score_search(case, passages, documents),
    }
    return CaseResult(case.to_dict(), answer.to_dict(), None, latency_ms, scores)


def summarise(set_name: str, cases: Sequence[CaseResult]) -> Results:
    """Case results with their aggregates, over all and by kind."""
    kinds = dict.fromkeys(case.kind for case in cases)
    return Results(
        set_name=set_name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        cases=tuple(cases),
        totals=aggregate(cases),
        by_kind={kind: aggregate([c for c in cases if c.kind == kind]) for kind in kinds},
    )


def aggregate(cases: Iterable[CaseResult]) -> Aggregates:
    """Each metric over the cases it applies to; a metric that applies to none is left out."""
    values: dict[str, list[float]] = {}
    for case in cases:
        if case.error is not None:
            continue
        for score in case.scores.values():
            if score.value is not None:
                values.setdefault(score.name, []).append(score.value)
        values.setdefault("latency_ms", []).append(case.latency_ms)
    found: Aggregates = {}
    for name in (n for n in ORDER if n in values):
        data = values[name]
        if name != "latency_ms":
            found[name] = stats.mean(name, data)
        for q in PERCENTILES.get(name, ()):
            percentile = stats.percentile(name, data, q)
            found[percentile.name] = percentile
    return found
