"""The threshold sweep over the real pipeline, each test named for the bug it holds off."""

from __future__ import annotations

from itertools import pairwise

from essayqa import EssayQA, compose
from evals.cases import Case
from evals.run import run, summarise
from evals.sweep import THRESHOLDS, sweep


def case(question: str, *, answerable: bool) -> Case:
    return Case(question, "fact", "student", question, answerable)


CASES = [
    case("What does Trump hope to get from Russia?", answerable=True),
    case("What is the main argument?", answerable=True),
    case("Who painted the Mona Lisa?", answerable=False),
    case("hello", answerable=False),
]


def test_a_higher_threshold_declines_more(engine: EssayQA) -> None:
    """The curve must run from answering everything to answering nothing."""
    points = sweep(engine, CASES, summarise("tune", []))
    assert [point.threshold for point in points] == list(THRESHOLDS)
    for lower, higher in pairwise(points):
        assert higher.answered <= lower.answered
        assert higher.declined >= lower.declined
    assert (points[0].answered, points[0].declined) == (1, 0.5)
    assert (points[-1].answered, points[-1].declined) == (0, 1)


def test_the_sweep_agrees_with_the_answers_given(engine: EssayQA) -> None:
    """A curve that misses the working point would be some other pipeline's."""
    before = compose.ANSWERS
    results = run(engine, CASES)
    points = sweep(engine, CASES, results)
    assert before == compose.ANSWERS
    nearest = min(points, key=lambda point: abs(point.threshold - before))
    assert nearest.answered == results.totals["answered_right"].mean
    assert nearest.declined == results.totals["declined_right"].mean


def test_no_curve_without_both_sorts_of_question(engine: EssayQA) -> None:
    assert sweep(engine, CASES[:1], summarise("tune", [])) == ()


def test_an_unscored_case_does_not_end_the_run(engine: EssayQA) -> None:
    """What failed once fails again, and the report of the rest would be lost."""
    failing = case("x" * 100_000, answerable=True)
    results = run(engine, [failing])
    assert results.unscored
    assert sweep(engine, [failing, *CASES], results)
