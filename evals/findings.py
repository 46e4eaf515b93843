"""What a run found, in words: what fails and why, and how figures are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from . import clapnq
from .baseline import Comparison
from .results import Aggregate, CaseResult, Results, Score
from .scorers import LOWER_IS_BETTER
from .terminal import WHOLE_NUMBERS, figure

MEANINGS = {
    "fact_recall": "expected facts that the answer states",
    "fully_correct": "answers with every fact, gold evidence and no opinion as fact",
    "evidence_recall": "gold quotes that are cited",
    "citation_precision": "citations that are gold",
    "citation_recall": "sentences that their citations support",
    "verbatim": "quotes that stand where they say",
    "markers": "answers whose markers are right",
    "answered_right": "answerable questions answered",
    "declined_right": "unanswerable questions declined",
    "voice_right": "sentences with the right voice",
    "opinion_as_fact": "answers with a reported view shown as asserted",
    "answer_words": "words in an answer",
    "recall@1": "gold quotes in the first passage",
    "recall@5": "gold quotes in the first five",
    "recall@10": "gold quotes in the first ten",
    "mrr": "one over the rank of the first relevant passage",
    "ndcg@10": "rank-weighted relevance of ten passages",
    "passage_recall@1": "answerable questions whose passage comes first",
    "passage_recall@5": "answerable questions whose passage is among five",
    "answer_rate": "answerable questions answered",
    "decline_rate": "unanswerable questions declined",
    "balanced_accuracy": "mean of the two rates",
    "sentence_precision": "cited sentences that are gold; 0 if declined",
    "sentence_recall": "gold sentences that are cited; 0 if declined",
    "sentence_f1": "harmonic mean of the two, question by question",
    "sentence_f1_if_answered": "the same, of answered questions only",
    "rouge_l": "words in common with the annotators' answer, in order",
    "rouge_l_if_answered": "the same, of answered questions only",
    "latency_ms": "the time to an answer",
}
AIMS = {
    "fact_recall": 0.87,
    "evidence_recall": 0.88,
    "citation_precision": 0.60,
    "answered_right": 0.95,
    "declined_right": 0.85,
    "verbatim": 1.0,
    "answer_words_p50": 80,
    "latency_ms_p50": 150,
    "latency_ms_p95": 300,
    **clapnq.AIMS,
}
PERCENTILES = {"_p50": "median of ", "_p95": "95th percentile of "}
# What makes a case fail, gravest first: its name for readers, the score and what the
# score should have been.
FAILURES = (
    ("An opinion shown as fact", "opinion_as_fact", 0),
    ("A quote that is not there", "verbatim", 1),
    ("A sentence its citations do not support", "citation_recall", 1),
    ("A marker that points wrong", "markers", 1),
    ("Answered, though nothing answers it", "declined_right", 1),
    ("Declined, though there is an answer", "answered_right", 1),
    ("Facts missing", "fact_recall", 1),
    ("Evidence not cited", "evidence_recall", 1),
    ("The wrong voice", "voice_right", 1),
)
UNSCORED = "Unscored: the call failed"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failing case, and all that is wrong with it, gravest first."""

    result: CaseResult
    problems: tuple[str, ...]


def failures(results: Results) -> list[Failure]:
    """Every failing case, gravest first."""
    order = [UNSCORED, *(name for name, _, _ in FAILURES)]
    found = [
        Failure(result, tuple(problems))
        for result in results.cases
        if (problems := list(_problems(result)))
    ]
    return sorted(found, key=lambda failure: order.index(failure.problems[0]))


def _problems(result: CaseResult) -> Iterator[str]:
    if result.error is not None:
        yield UNSCORED
        return
    declined = result.answer is not None and result.answer["status"] == "declined"
    for problem, name, right in FAILURES:
        # A wrongly declined question lacks facts and evidence too, which says no more.
        if declined and name in ("fact_recall", "evidence_recall"):
            continue
        score = result.scores.get(name)
        if score and score.value is not None and score.value != right:
            yield problem


def reasons(result: CaseResult) -> list[Score]:
    """The scores that say what is wrong: those of `FAILURES`, and search's when it missed."""
    wanted = {name: right for _, name, right in FAILURES} | {"recall@10": 1}
    return [
        score
        for name, right in wanted.items()
        if (score := result.scores.get(name)) and score.value not in (None, right)
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """A metric as a reader meets it.

    `met` says whether the aim is reached. `verdict` of the change since the baseline is
    "better", "worse", or "" when it may be chance.
    """

    name: str
    meaning: str
    value: str
    interval: str
    n: int
    aim: str = ""
    met: bool = False
    change: str = ""
    verdict: str = ""


def lines(figures: Mapping[str, Aggregate], comparisons: Sequence[Comparison] = ()) -> list[Line]:
    """A line for each of `figures`, in the order of `MEANINGS`."""
    compared = {comparison.name: comparison for comparison in comparisons}
    order = {name: place for place, name in enumerate(MEANINGS)}
    names = sorted(figures, key=lambda name: order.get(_base(name), len(order)))
    return [_line(figures[name], compared.get(name)) for name in names]


def _line(total: Aggregate, comparison: Comparison | None) -> Line:
    name, lower = total.name, _lower_is_better(total.name)
    aim, met = AIMS.get(name), False
    if aim is not None:
        met = total.mean <= aim if lower else total.mean >= aim
    change = verdict = ""
    if comparison:
        places = ".0f" if name.startswith(WHOLE_NUMBERS) else ".2f"
        change = f"{comparison.after - comparison.before:+{places}}"
        change = change if change.strip("+-0.") else "="
        surely = comparison.high < 0 if lower else comparison.low > 0
        verdict = "worse" if comparison.regressed else "better" if surely else ""
    return Line(
        name=name,
        meaning=_meaning(name),
        value=number(name, total.mean),
        interval=f"{number(name, total.low)} to {number(name, total.high)}",
        n=total.n,
        aim="" if aim is None else f"{'≤' if lower else '≥'} {number(name, aim)}",
        met=met,
        change=change,
        verdict=verdict,
    )


def number(name: str, value: float) -> str:
    """A value with its unit, as its metric is read."""
    return figure(name, value) + (" ms" if name.startswith("latency") else "")


def headline(results: Results, failing: Sequence[Failure]) -> str:
    """The run in a sentence or two."""
    when = results.created.replace("T", " ")[:16]
    whole = len(results.cases)
    return f"{whole} cases, {whole - len(failing)} without fault. {when} UTC."


def _lower_is_better(name: str) -> bool:
    return name in LOWER_IS_BETTER or name.startswith(WHOLE_NUMBERS)


def _meaning(name: str) -> str:
    meaning = MEANINGS.get(_base(name), "")
    prefix = next((words for end, words in PERCENTILES.items() if name.endswith(end)), "")
    return prefix + meaning


def _base(name: str) -> str:
    return next((name.removesuffix(end) for end in PERCENTILES if name.endswith(end)), name)
