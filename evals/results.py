"""The values a run of the suite leaves behind, as frozen dataclasses that are also JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Aggregates = dict[str, "Aggregate"]


@dataclass(frozen=True, slots=True)
class Score:
    """One scorer's verdict on one answer.

    `value` is in [0, 1] unless the scorer's name says otherwise, and None when the scorer
    does not apply to the case ("declined_right" of an answerable question). `reason` says
    what the value rests on, in words a reader can check.
    """

    name: str
    value: float | None
    reason: str

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Score:
        """The inverse of `asdict`."""
        return cls(data["name"], data["value"], data["reason"])


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case.

    `case` is `Case.to_dict()` and `answer` is `Answer.to_dict()`. `error` is set when the
    call failed: then `answer` is None and `scores` is empty, and the case is *unscored*,
    which is neither a wrong answer nor a decline. `latency_ms` is wall clock of `ask`.
    """

    case: dict[str, Any]
    answer: dict[str, Any] | None
    error: str | None
    latency_ms: float
    scores: dict[str, Score] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.case["id"])

    @property
    def kind(self) -> str:
        return str(self.case["kind"])

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CaseResult:
        """The inverse of `asdict`."""
        scores = {name: Score.from_dict(score) for name, score in data["scores"].items()}
        return cls(data["case"], data["answer"], data["error"], data["latency_ms"], scores)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A metric over `n` cases, with the bounds of its bootstrap 95% interval.

    `mean` is the mean, except for a metric whose name ends in `_p50` or `_p95`, where it
    is that percentile.
    """

    name: str
    mean: float
    low: float
    high: float
    n: int

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Aggregate:
        """The inverse of `asdict`."""
        return cls(data["name"], data["mean"], data["low"], data["high"], data["n"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a language model said of one answer, asked as `judge`.

    `passed` is None when the model failed or its reply cannot be read: the answer is then
    unscored, and `reason` says why. Otherwise `reason` is the reply.
    """

    case_id: str
    judge: str
    passed: bool | None
    reason: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a judge and a scorer agree over the `n` answers that both have judged.

    `share` is that of answers they say the same of, None without any. `kappa` is Cohen's,
    None where it is undefined: each says the same of all answers. `unscored` counts the
    answers that the judge failed on, which are no part of either.
    """

    judge: str
    scorer: str
    n: int
    share: float | None
    kappa: float | None
    unscored: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that the language model `model` said of a run's answers."""

    model: str
    agreements: tuple[Agreement, ...]
    verdicts: tuple[Verdict, ...]

    @property
    def unscored(self) -> tuple[Verdict, ...]:
        """Where the judge failed. That is the judge's failure, and fails no run."""
        return tuple(verdict for verdict in self.verdicts if verdict.passed is None)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Judgement:
        """The inverse of `asdict`."""
        return cls(
            model=data["model"],
            agreements=tuple(Agreement(**agreement) for agreement in data["agreements"]),
            verdicts=tuple(Verdict(**verdict) for verdict in data["verdicts"]),
        )


@dataclass(frozen=True, slots=True)
class Results:
    """A whole run. `created` is ISO 8601 in UTC.

    `totals` maps a metric's name to its aggregate; `by_kind` does so for each kind of
    case and `ablations` for each variant of the pipeline ({} when none was run).
    `judgement` is None unless a language model judged too.
    """

    set_name: str
    created: str
    cases: tuple[CaseResult, ...]
    totals: Aggregates
    by_kind: dict[str, Aggregates]
    ablations: dict[str, Aggregates] = field(default_factory=dict)
    judgement: Judgement | None = None

    @property
    def unscored(self) -> tuple[CaseResult, ...]:
        """The cases whose call failed. Any of them fails the run."""
        return tuple(case for case in self.cases if case.error is not None)

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, dicts, strings and numbers, ready for `json.dumps`."""
        data = asdict(self)
        data["cases"] = list(data["cases"])
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Results:
        """The inverse of `to_dict`."""
        judgement = data.get("judgement")
        return cls(
            set_name=data["set_name"],
            created=data["created"],
            cases=tuple(CaseResult.from_dict(case) for case in data["cases"]),
            totals=_aggregates(data["totals"]),
            by_kind={kind: _aggregates(table) for kind, table in data["by_kind"].items()},
            ablations={name: _aggregates(t) for name, t in data.get("ablations", {}).items()},
            judgement=Judgement.from_dict(judgement) if judgement else None,
        )


def _aggregates(data: Mapping[str, Any]) -> Aggregates:
    return {name: Aggregate.from_dict(aggregate) for name, aggregate in data.items()}
