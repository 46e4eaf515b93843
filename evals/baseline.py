"""What an earlier run scored, case by case, and whether a new one is worse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import stats
from .results import Results
from .scorers import LOWER_IS_BETTER

PATH = Path(__file__).with_name("baseline.json")
# By how much a metric may get worse before it counts; by any amount if not named. A few
# words more are no regression by themselves.
TOLERANCE = {"answer_words": 10.0}

# {case id: {metric: value}}. Per case, so that any subset can be compared in pairs, which
# sees far smaller changes than two intervals side by side.
Baseline = dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A metric before and after, over the `n` cases scored both times.

    `low` and `high` bound the 95% interval of the change. `regressed`: the whole interval
    lies on the worse side.
    """

    name: str
    before: float
    after: float
    low: float
    high: float
    n: int
    regressed: bool


def values(results: Results) -> Baseline:
    """The values a baseline keeps. Latency is not among them: it is the machine's."""
    return {
        case.id: {s.name: round(s.value, 4) for s in case.scores.values() if s.value is not None}
        for case in results.cases
        if case.error is None
    }


def compare(results: Results, baseline: Mapping[str, Mapping[str, float]]) -> list[Comparison]:
    """Each metric of `results` that the baseline has for the same cases."""
    pairs: dict[str, list[tuple[float, float]]] = {}
    for case_id, scores in values(results).items():
        for name, after in scores.items():
            before = baseline.get(case_id, {}).get(name)
            if before is not None:
                pairs.setdefault(name, []).append((before, after))
    return [_compared(name, pair) for name, pair in pairs.items()]


def read(path: Path = PATH) -> Baseline:
    """The baseline at `path`, {} if there is none."""
    if not path.exists():
        return {}
    data: Baseline = json.loads(path.read_text(encoding="utf-8"))
    return data


def update(results: Results, path: Path = PATH) -> None:
    """Put the run's cases into the baseline at `path`; other cases there stay."""
    merged = {**read(path), **values(results)}
    # One case a line, so that a change reads well as a diff.
    lines = (f"{json.dumps(case_id)}: {json.dumps(merged[case_id])}" for case_id in sorted(merged))
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _compared(name: str, pairs: list[tuple[float, float]]) -> Comparison:
    change = stats.mean(name, [after - before for before, after in pairs])
    least_worsening = change.low if name in LOWER_IS_BETTER else -change.high
    return Comparison(
        name=name,
        before=sum(before for before, _ in pairs) / len(pairs),
        after=sum(after for _, after in pairs) / len(pairs),
        low=change.low,
        high=change.high,
        n=len(pairs),
        regressed=least_worsening > TOLERANCE.get(name, 0.0),
    )
