"""The suite itself, tested: each fault sown into the real engine must be seen."""

from __future__ import annotations

import pytest

from essayqa import EssayQA
from evals import baseline
from evals.cases import Case, load
from evals.faults import FAULTS, HEALTHY, Fault, Remembered, Verdict, examine
from evals.run import run


def sample() -> list[Case]:
    """A few of what the faults are about: numbers, reported views, what has no answer."""
    cases = load("tune")
    return [
        *[case for case in cases if case.kind in ("number", "date")][:8],
        *[case for case in cases if case.voice == "reported"][:12],
        *[case for case in cases if case.kind == "unanswerable_far"],
        *[case for case in cases if case.kind == "unanswerable_near"][:5],
    ]


@pytest.fixture(scope="module")
def remembered(engine: EssayQA) -> Remembered:
    return Remembered(engine)


@pytest.fixture(scope="module")
def verdicts(remembered: Remembered) -> dict[str, Verdict]:
    return {v.fault.name: v for v in examine(remembered, sample(), (HEALTHY, *FAULTS))}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_is_caught_by_the_metrics_named_for_it(
    fault: Fault, verdicts: dict[str, Verdict]
) -> None:
    verdict = verdicts[fault.name]
    assert verdict.caught, f"only {verdict.regressed} got worse"


def test_the_healthy_engine_is_not_flagged(verdicts: dict[str, Verdict]) -> None:
    assert verdicts[HEALTHY.name].regressed == ()
    assert verdicts[HEALTHY.name].unscored == 0


def test_the_healthy_engine_answers_the_same_again(
    engine: EssayQA, remembered: Remembered, verdicts: dict[str, Verdict]
) -> None:
    # Were answers to change from run to run, a baseline would be worth nothing.
    cases = sample()[::6]
    again = run(engine, cases)
    before = baseline.values(run(remembered, cases))
    assert baseline.values(again) == before
