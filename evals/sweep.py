"""What other thresholds for declining would do, for the curve in the report.

Looks inside the pipeline, since an answer does not say how likely it was.
"""

from __future__ import annotations

from collections.abc import Sequence

from essayqa import EssayQA
from essayqa.compose import compose
from essayqa.question import understand
from essayqa.retrieve import retrieve

from .cases import Case
from .plots import Point
from .results import Results
from .run import Progress

THRESHOLDS = tuple(step / 20 for step in range(21))


def sweep(
    engine: EssayQA, cases: Sequence[Case], results: Results, progress: Progress | None = None
) -> tuple[Point, ...]:
    """A point for each of `THRESHOLDS`, over the cases that `results` could score; ()
    without both answerable cases and others.

    Each question is judged once and composed anew at each threshold.
    """
    unscored = {case.id for case in results.unscored}
    asked = [case for case in cases if case.id not in unscored]
    answered: dict[bool, list[list[bool]]] = {True: [], False: []}
    for done, case in enumerate(asked, start=1):
        answered[case.answerable].append(_answered(engine, case))
        if progress:
            progress(done, len(asked))
    if not (answered[True] and answered[False]):
        return ()
    return tuple(
        Point(threshold, _share(answered[True], i), 1 - _share(answered[False], i))
        for i, threshold in enumerate(THRESHOLDS)
    )


def _answered(engine: EssayQA, case: Case) -> list[bool]:
    """Whether the case would be answered, at each threshold."""
    opened = engine._open()
    asked = understand(case.question, case.history, topic=opened.topic, spell=opened.spell)
    if not asked.asks or (asked.whole and opened.essay and not opened.essay.expected):
        # No threshold decides these.
        return [asked.asks] * len(THRESHOLDS)
    passages = retrieve(asked, opened.index, engine._embedder)
    judgements = opened.evidence.judge(asked, passages, engine._reranker)
    return [bool(compose(asked, judgements, threshold).sentences) for threshold in THRESHOLDS]


def _share(rows: Sequence[Sequence[bool]], column: int) -> float:
    return sum(row[column] for row in rows) / len(rows)
