"""A run as one HTML page: no script, no other file, light or dark as the reader's system is.

Questions, answers and reasons are other people's text, so all of it is escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from . import plots
from .baseline import Comparison
from .findings import AIMS, Failure, Line, failures, headline, lines, number, reasons
from .plots import Point
from .results import Aggregate, Aggregates, CaseResult, Judgement, Results
from .terminal import AGREEMENT, agreements, judge_failed

STYLE = Path(__file__).with_name("page.css")
PANELS = {
    "fact_recall": "Facts stated",
    "fully_correct": "Fully correct",
    "evidence_recall": "Evidence cited",
    "citation_precision": "Citations that are evidence",
    "answered_right": "Answerable, answered",
    "declined_right": "Unanswerable, declined",
}
# Some variants of the pipeline only search.
ABLATION_PANELS = {
    **PANELS,
    "recall@5": "Evidence in the first five passages",
    "ndcg@10": "nDCG of ten passages",
}


def html(
    results: Results,
    comparisons: Sequence[Comparison] = (),
    clapnq: Mapping[str, Aggregate] | None = None,
    sweep: Sequence[Point] = (),
) -> str:
    """The page, as text."""
    failing = failures(results)
    sections = [
        ("figures", "Figures", _table(lines(results.totals, comparisons))),
        ("kinds", "By kind of question", _kinds(results)),
        ("declining", "Declining, and the time it takes", _working_point(results, sweep)),
        ("ablations", "Ablations", _panels(results.ablations, ABLATION_PANELS)),
        ("judge", "A language model as judge", _judgement(results.judgement)),
        ("clapnq", "Other texts: CLAPnq", _table(lines(clapnq)) if clapnq else ""),
        ("failing", f"Failing cases: {len(failing)}", _failing(failing)),
    ]
    sections = [section for section in sections if section[2]]
    links = "".join(f'<a href="#{key}">{escape(title)}</a>' for key, title, _ in sections)
    body = "".join(
        f'<section id="{key}"><h2>{escape(title)}</h2>{content}</section>'
        for key, title, content in sections
    )
    name = escape(f"essayqa evals: {results.set_name}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f"<header><h1>{name}</h1><p>{escape(headline(results, failing))}</p>"
        f"{_alarm(results)}<nav>{links}</nav></header><main>{body}</main></body></html>\n"
    )


def _alarm(results: Results) -> str:
    if not results.unscored:
        return ""
    text = f"Unscored because the call failed: {len(results.unscored)}. So the run fails."
    return f'<p class="alarm" role="alert">{escape(text)}</p>'


def _table(figures: Sequence[Line]) -> str:
    aims, changes = any(line.aim for line in figures), any(line.change for line in figures)
    header = ["metric", "value", "95% interval", "n"]
    header += ["aim"] if aims else []
    header += ["since baseline"] if changes else []
    rows = []
    for line in figures:
        cells = [
            f'<th scope="row">{escape(line.name)}<small>{escape(line.meaning)}</small></th>',
            f'<td class="main">{line.value}</td><td>{line.interval}</td><td>{line.n}</td>',
        ]
        if aims:
            met = _verdict("met" if line.met else "missed", good=line.met) if line.aim else ""
            cells.append(f"<td>{line.aim} {met}</td>")
        if changes:
            verdict = _verdict(line.verdict, good=line.verdict == "better")
            cells.append(f"<td>{line.change} {verdict}</td>")
        rows.append("".join(cells))
    return _grid(header, rows)


def _judgement(judgement: Judgement | None) -> str:
    if judgement is None:
        return ""
    note = (
        f"{judgement.model}, asked through LlamaIndex's evaluators about each answer. Kappa is "
        "agreement beyond chance, – where there is but one verdict. Unscored answers, on which "
        "the judge failed, count for neither."
    )
    rows = [
        f'<th scope="row">{escape(row[0])}</th>' + "".join(f"<td>{escape(c)}</td>" for c in row[1:])
        for row in agreements(judgement)
    ]
    failed = judge_failed(judgement)
    alarm = f'<p class="bad">{escape(failed)}</p>' if failed else ""
    return f'<p class="note">{escape(note)}</p>{_grid(AGREEMENT, rows)}{alarm}'


def _grid(header: Sequence[str], rows: Sequence[str]) -> str:
    heads = "".join(f'<th scope="col">{head}</th>' for head in header)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def _verdict(text: str, *, good: bool) -> str:
    return f'<span class="{"good" if good else "bad"}">{text}</span>' if text else ""


def _kinds(results: Results) -> str:
    if not results.by_kind:
        return ""
    note = "Weakest first. Lines are 95% intervals, the dashed line is the aim."
    return f'<p class="note">{note}</p>{_panels(results.by_kind, PANELS, sort=True)}'


def _panels(
    tables: Mapping[str, Aggregates], panels: Mapping[str, str], *, sort: bool = False
) -> str:
    """A plot for each of the `panels` that any group has; `sort` puts low values first."""
    drawn = []
    for name, title in panels.items():
        rows = [
            (f"{group} ({figures[name].n})", figures[name])
            for group, figures in tables.items()
            if name in figures
        ]
        if sort:
            rows.sort(key=lambda row: row[1].mean)
        if rows:
            drawn.append(f"<figure>{plots.bars(title, rows, AIMS.get(name))}</figure>")
    return f'<div class="plots">{"".join(drawn)}</div>' if drawn else ""


def _working_point(results: Results, sweep: Sequence[Point]) -> str:
    totals, drawn, note = results.totals, [], ""
    answered, declined = totals.get("answered_right"), totals.get("declined_right")
    if answered and declined:
        aim = (AIMS["answered_right"], AIMS["declined_right"])
        title = "What is answered, what is declined"
        drawn.append(plots.curve(title, sweep, answered, declined, aim))
        line = "The line is what other thresholds would do. " if sweep else ""
        note = f"The dot is this run, with 95% intervals. {line}The shaded corner is the aim."
    values = [result.latency_ms for result in results.cases if result.error is None]
    if values:
        ends = {"median": "latency_ms_p50", "95%": "latency_ms_p95"}
        marks = {label: totals[name].mean for label, name in ends.items() if name in totals}
        drawn.append(plots.histogram("Time to an answer", values, marks))
    figures = "".join(f"<figure>{plot}</figure>" for plot in drawn)
    return f'<p class="note">{note}</p><div class="plots">{figures}</div>' if drawn else ""


def _failing(failing: Sequence[Failure]) -> str:
    if not failing:
        return "<p>None.</p>"
    groups: dict[str, list[Failure]] = {}
    for failure in failing:
        groups.setdefault(failure.problems[0], []).append(failure)
    parts = []
    for problem, group in groups.items():
        cards = "".join(_card(failure) for failure in group)
        summary = f"<summary><h3>{escape(problem)}: {len(group)}</h3></summary>"
        parts.append(f"<details open>{summary}{cards}</details>")
    return "".join(parts)


def _card(failure: Failure) -> str:
    result, case = failure.result, failure.result.case
    before = "".join(
        f'<p class="before">{escape(turn["question"])} <q>{escape(turn["answer"])}</q></p>'
        for turn in case["history"]
    )
    also = "".join(f'<span class="tag">{escape(p)}</span>' for p in failure.problems[1:])
    why = "".join(
        f"<li><code>{escape(score.name)}</code> {number(score.name, score.value or 0)}: "
        f"{escape(score.reason)}</li>"
        for score in reasons(result)
    )
    return (
        f"<article><header><code>{escape(result.id)}</code>"
        f'<span class="tag">{escape(result.kind)}</span>{also}</header>'
        f'{before}<p class="question">{escape(case["question"])}</p>'
        f'<div class="sides"><div><h4>Answer</h4>{_answer(result)}</div>'
        f"<div><h4>Expected</h4>{_gold(case)}</div></div>"
        f"{why and f'<ul class=reasons>{why}</ul>'}</article>"
    )


def _answer(result: CaseResult) -> str:
    if result.error is not None or result.answer is None:
        return f'<p class="bad">{escape(result.error or "no answer")}</p>'
    answer = result.answer
    parts = []
    if answer["standalone_question"] != answer["question"]:
        parts.append(f'<p class="note">read as: {escape(answer["standalone_question"])}</p>')
    if not answer["sentences"]:
        parts.append(f"<p>{escape(answer['text'])}</p>")
    sources = {c["number"]: c["document_id"] for c in answer["citations"]}
    for sentence in answer["sentences"]:
        cited = ", ".join(dict.fromkeys(str(sources.get(n, "?")) for n in sentence["citations"]))
        place = f"{sentence['voice']}: {cited}"
        if sentence["support"] != "verbatim":
            place += f", {sentence['support']}"
        parts.append(f"<p>{escape(sentence['text'])} <small>{escape(place)}</small></p>")
    return "".join(parts)


def _gold(case: Mapping[str, Any]) -> str:
    if not case["answerable"]:
        return "<p>To be declined.</p>"
    facts = "".join(f"<li>{escape(fact['statement'])}</li>" for fact in case["facts"])
    voice = case["voice"]
    quotes = "".join(
        f"<blockquote>{escape(gold['quote'])} <small>{escape(gold['document_id'])}</small>"
        "</blockquote>"
        for gold in case["gold_quotes"]
    )
    whose = f'<p class="note">voice: {escape(voice)}</p>' if voice else ""
    return f"<ul>{facts}</ul>{whose}{quotes}"
