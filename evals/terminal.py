"""The run on a terminal: a progress bar while it lasts, tables when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .baseline import Comparison
from .results import Aggregate, Judgement, Results
from .run import Progress as Report

# Metrics as headings of narrow columns.
SHORT = {
    "fact_recall": "facts",
    "evidence_recall": "evid.",
    "citation_precision": "prec.",
    "answered_right": "answ.",
    "declined_right": "decl.",
    "fully_correct": "right",
    "answer_words": "words",
    "answer_words_p50": "words",
    "recall@1": "@1",
    "recall@5": "@5",
    "recall@10": "@10",
    "ndcg@10": "ndcg",
}
# What an answer is first judged by.
BY_KIND = (
    *("fact_recall", "evidence_recall", "citation_precision"),
    *("answered_right", "declined_right", "fully_correct", "answer_words_p50"),
)
# A judge's agreement with the scorers, as `agreements` gives it.
AGREEMENT = ("judge", "scorer", "agree", "kappa", "n", "unscored")
# Counts and milliseconds; everything else is a share.
WHOLE_NUMBERS = ("answer_words", "latency_ms")


@contextmanager
def bar(label: str, console: Console) -> Iterator[Report]:
    """A bar that the yielded `progress(done, total)` moves, first shown when first called."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=console)
    task = progress.add_task(label, total=None)

    def report(done: int, total: int) -> None:
        progress.start()
        progress.update(task, completed=done, total=total)

    try:
        yield report
    finally:
        progress.stop()


def figure(name: str, value: float) -> str:
    """`value` as the metric `name` is read: whole for counts, two places for shares."""
    return f"{value:.0f}" if name.startswith(WHOLE_NUMBERS) else f"{value:.2f}"


def agreements(judgement: Judgement) -> list[tuple[str, ...]]:
    """A row of `AGREEMENT` for each pair of judge and scorer."""
    return [
        (a.judge, a.scorer, _share(a.share), _share(a.kappa), str(a.n), str(a.unscored))
        for a in judgement.agreements
    ]


def judge_failed(judgement: Judgement) -> str:
    """How often the judge failed, and how it first did; "" if it never did."""
    failed = judgement.unscored
    if not failed:
        return ""
    return (
        f"The judge failed {len(failed)} of {len(judgement.verdicts)} times, first at "
        f"{failed[0].case_id}, {failed[0].judge}: {failed[0].reason}"
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def print_results(results: Results, comparisons: Sequence[Comparison], console: Console) -> None:
    """The tables, then what regressed and what could not be scored."""
    console.print(_totals(results, comparisons))
    console.print(_by_kind(results))
    if results.ablations:
        console.print(_ablations(results))
    if results.judgement:
        console.print(_judgement(results.judgement))
        if failed := judge_failed(results.judgement):
            console.print(f"[red]unscored[/]: {escape(failed)}", highlight=False)
    for comparison in comparisons:
        if comparison.regressed:
            console.print(
                f"[red]regression[/]: {comparison.name} was "
                f"{figure(comparison.name, comparison.before)}, is "
                f"{figure(comparison.name, comparison.after)} over {comparison.n} cases"
            )
    for case in results.unscored:
        console.print(f"[red]unscored[/]: {case.id}: {case.error}", markup=True, highlight=False)


def _totals(results: Results, comparisons: Sequence[Comparison]) -> Table:
    table = _table(f"{results.set_name}: {len(results.cases)} cases")
    for column in ("metric", "value", "95% interval", "cases", "change"):
        table.add_column(column, justify="left" if column == "metric" else "right")
    changes = {comparison.name: comparison for comparison in comparisons}
    for name, total in results.totals.items():
        low, high = figure(name, total.low), figure(name, total.high)
        table.add_row(
            name, figure(name, total.mean), f"{low} – {high}", str(total.n), _change(changes, name)
        )
    return table


def _change(changes: dict[str, Comparison], name: str) -> str:
    comparison = changes.get(name)
    if comparison is None:
        return ""
    change = comparison.after - comparison.before
    if abs(change) < 0.005:
        return "="
    text = f"{change:+.0f}" if name.startswith(WHOLE_NUMBERS) else f"{change:+.2f}"
    return f"[red]{text}[/]" if comparison.regressed else text


def _by_kind(results: Results) -> Table:
    table = _table("By kind")
    table.add_column("kind")
    table.add_column("cases", justify="right")
    for name in BY_KIND:
        table.add_column(SHORT[name], justify="right")
    for kind in sorted(results.by_kind):
        count = sum(case.kind == kind for case in results.cases)
        cells = [_cell(results.by_kind[kind].get(name)) for name in BY_KIND]
        table.add_row(kind, str(count), *cells)
    return table


def _ablations(results: Results) -> Table:
    table = _table("Ablations")
    table.add_column("variant")
    names = dict.fromkeys(name for row in results.ablations.values() for name in row)
    for name in names:
        table.add_column(SHORT.get(name, name), justify="right")
    for variant, row in results.ablations.items():
        table.add_row(variant, *(_cell(row.get(name)) for name in names))
    return table


def _judgement(judgement: Judgement) -> Table:
    table = _table(f"Judge: {escape(judgement.model)}")
    for column in AGREEMENT:
        table.add_column(column, justify="left" if column in ("judge", "scorer") else "right")
    for row in agreements(judgement):
        table.add_row(*row)
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE, pad_edge=False, padding=(0, 1))


def _cell(aggregate: Aggregate | None) -> str:
    return "" if aggregate is None else figure(aggregate.name, aggregate.mean)
