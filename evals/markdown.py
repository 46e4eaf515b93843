"""A run as Markdown, for a terminal, a pull request or a text editor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from .baseline import Comparison
from .findings import Failure, Line, failures, headline, lines, number, reasons
from .results import Aggregate, Aggregates, Results
from .terminal import AGREEMENT, BY_KIND, agreements, judge_failed


def markdown(
    results: Results,
    comparisons: Sequence[Comparison] = (),
    clapnq: Mapping[str, Aggregate] | None = None,
) -> str:
    """The report, as text."""
    failing = failures(results)
    text = [f"# essayqa evals: {_md(results.set_name)}", "", _md(headline(results, failing)), ""]
    text += [*_lines(lines(results.totals, comparisons)), ""]
    if results.by_kind:
        text += ["## By kind", "", *_groups(results.by_kind, BY_KIND), ""]
    if results.ablations:
        names = dict.fromkeys(name for table in results.ablations.values() for name in table)
        text += ["## Ablations", "", *_groups(results.ablations, names), ""]
    if results.judgement:
        text += [f"## Judge: {_md(results.judgement.model)}", ""]
        text += [*_table(AGREEMENT, agreements(results.judgement)), ""]
        if failed := judge_failed(results.judgement):
            text += [_md(failed), ""]
    if clapnq:
        text += ["## CLAPnq", "", *_lines(lines(clapnq)), ""]
    text += [f"## Failing cases ({len(failing)})", ""]
    for failure in failing:
        text += [*_failure(failure), ""]
    return "\n".join(text)


def _lines(figures: Sequence[Line]) -> list[str]:
    header = ["metric", "value", "95% interval", "n", "aim", "since baseline", "meaning"]
    rows = [
        [
            line.name,
            line.value,
            line.interval,
            str(line.n),
            line.aim and f"{line.aim} {'met' if line.met else 'missed'}",
            f"{line.change} {line.verdict}".strip(),
            line.meaning,
        ]
        for line in figures
    ]
    return _table(header, rows)


def _failure(failure: Failure) -> Iterator[str]:
    result, case = failure.result, failure.result.case
    yield f"### {_md(result.id)}: {_md('; '.join(failure.problems))}"
    yield ""
    for turn in case["history"]:
        yield f"- Before: {_md(turn['question'])} / {_md(turn['answer'])}"
    yield f"- Question: {_md(case['question'])}"
    if result.error is not None:
        yield f"- Error: {_md(result.error)}"
    else:
        yield f"- Answer: {_md(result.answer['text'] if result.answer else '')}"
    if not case["answerable"]:
        yield "- Expected: to be declined"
    for fact in case["facts"]:
        yield f"- Expected: {_md(fact['statement'])}"
    for gold in case["gold_quotes"]:
        yield f"- Gold, {_md(gold['document_id'])}: {_md(gold['quote'])}"
    for score in reasons(result):
        yield f"- {score.name} {number(score.name, score.value or 0)}: {_md(score.reason)}"


def _groups(tables: Mapping[str, Aggregates], names: Iterable[str]) -> list[str]:
    columns = list(names)
    rows = [
        [group, *(number(n, figures[n].mean) if n in figures else "" for n in columns)]
        for group, figures in tables.items()
    ]
    return _table(["", *columns], rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    table = [[*header], ["---"] * len(header), *([_md(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in table]


def _md(text: str) -> str:
    """Text as it is, on one line: mark-up in it stays visible."""
    return re.sub(r"([\\`*_\[\]<>|#~&])", r"\\\1", " ".join(text.split()))
