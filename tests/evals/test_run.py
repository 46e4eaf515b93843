"""Runs over a stand-in engine: failures, sums and comparisons with a baseline."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from essayqa import Answer, AnswerSentence, Citation, ModelError, Passage, Turn
from essayqa.types import Document
from evals import baseline, stats
from evals.cases import Case, Fact, Gold
from evals.results import Results
from evals.run import run

TEXT = "Trade now tops $200bn."
CASES = [
    Case(
        id=f"number-{n}",
        kind="number",
        style="student",
        question=f"How much do they trade, asked {n} times?",
        answerable=True,
        facts=(Fact("Over $200bn", (r"\$200bn",)),),
        gold_quotes=(Gold("essay", TEXT),),
        voice="author",
    )
    for n in range(20)
]
DECLINED = Answer("q", "q", "declined", "not_in_corpus", "The sources do not say.")
RIGHT = Answer(
    question="q",
    standalone_question="q",
    status="answered",
    reason=None,
    text=f"{TEXT} [1]",
    sentences=(AnswerSentence(TEXT, (1,), "verbatim", "author"),),
    citations=(Citation(1, "essay", "", "essay", "", 0, len(TEXT), TEXT, ""),),
)


class Fake:
    """Declines questions asked so many times or more, and fails at those given."""

    def __init__(self, *, declines_from: int = 99, fails_at: Sequence[int] = ()) -> None:
        self.documents = (Document("essay", "The essay", "essay", TEXT),)
        self.declines_from, self.fails_at = declines_from, fails_at

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        times = int(question.split()[-2])
        if times in self.fails_at:
            raise ModelError("the model is away")
        return DECLINED if times >= self.declines_from else RIGHT

    def search(self, query: str, k: int = 10) -> list[Passage]:
        return []


def test_a_failed_call_is_unscored_and_neither_wrong_nor_a_decline() -> None:
    results = run(Fake(fails_at=(0, 3)), CASES)
    assert [case.id for case in results.unscored] == ["number-0", "number-3"]
    assert results.unscored[0].error == "ModelError: the model is away"
    assert results.unscored[0].scores == {}
    assert results.totals["answered_right"].mean == 1
    assert results.totals["answered_right"].n == 18


def test_a_run_in_which_every_call_fails_has_no_figures() -> None:
    results = run(Fake(fails_at=range(20)), CASES)
    assert results.totals == {}
    assert len(results.unscored) == 20


def test_results_survive_json() -> None:
    results = run(Fake(declines_from=7, fails_at=(2,)), CASES, set_name="tune")
    assert Results.from_dict(json.loads(json.dumps(results.to_dict()))) == results


def test_progress_counts_every_case() -> None:
    seen: list[tuple[int, int]] = []
    run(Fake(), CASES[:3], lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_an_interval_holds_its_mean_and_repeats() -> None:
    values = [0.0, 1.0, 1.0, 0.5, 1.0, 0.0]
    found = stats.mean("x", values)
    assert found.low < found.mean < found.high
    assert found == stats.mean("x", values)
    assert stats.percentile("x", values, 50).mean == 0.75


def test_the_same_run_is_no_regression() -> None:
    before = baseline.values(run(Fake(), CASES))
    assert not any(c.regressed for c in baseline.compare(run(Fake(), CASES), before))


def test_one_case_lost_is_within_the_interval_and_six_are_not() -> None:
    before = baseline.values(run(Fake(), CASES))
    one = baseline.compare(run(Fake(declines_from=19), CASES), before)
    assert not any(comparison.regressed for comparison in one)
    six = {c.name: c for c in baseline.compare(run(Fake(declines_from=14), CASES), before)}
    assert six["fact_recall"].regressed
    assert six["fact_recall"].after == pytest.approx(0.7)


def test_getting_better_is_no_regression() -> None:
    before = baseline.values(run(Fake(declines_from=10), CASES))
    assert not any(c.regressed for c in baseline.compare(run(Fake(), CASES), before))


def test_a_few_words_more_are_no_regression_and_many_are() -> None:
    words = {"number-0": {"answer_words": 4.0}, "number-1": {"answer_words": 4.0}}
    results = run(Fake(), CASES[:2])
    assert not baseline.compare(results, words)[0].regressed
    fewer = {case: {"answer_words": -20.0} for case in words}
    assert baseline.compare(results, fewer)[0].regressed


def test_latency_is_not_in_the_baseline() -> None:
    assert not any(
        "latency" in name for name in baseline.values(run(Fake(), CASES[:1]))["number-0"]
    )


def test_only_cases_scored_both_times_are_compared() -> None:
    before = baseline.values(run(Fake(), CASES[:5]))
    assert {c.n for c in baseline.compare(run(Fake(fails_at=(4,)), CASES), before)} == {4}


def test_updating_a_baseline_keeps_the_cases_not_run(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    assert baseline.read(path) == {}
    baseline.update(run(Fake(), CASES[:2]), path)
    baseline.update(run(Fake(declines_from=0), [replace(CASES[1])]), path)
    kept = baseline.read(path)
    assert kept["number-0"]["answered_right"] == 1
    assert kept["number-1"]["answered_right"] == 0
