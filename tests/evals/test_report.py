"""The report on a run made by hand, each test named for the bug it holds off."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from evals import findings, plots, report, stats
from evals.baseline import Comparison
from evals.markdown import markdown
from evals.page import html
from evals.plots import Point
from evals.results import Aggregate, CaseResult, Results, Score
from evals.run import summarise

EVIL = "<script>alert(1)</script><img src=x onerror=\"x()\"> 'q' | `x` [a](javascript:b) & *b*"


def result(
    case_id: str, *, answerable: bool = True, declined: bool = False, **scores: float
) -> CaseResult:
    """A case and its answer, whose scores are all right but for those given."""
    case: dict[str, Any] = {
        "id": case_id,
        "kind": "fact",
        "question": f"question of {case_id}",
        "answerable": answerable,
        "facts": [{"statement": f"fact of {case_id}", "patterns": ["x"]}] if answerable else [],
        "gold_quotes": [{"document_id": "essay", "quote": f"gold of {case_id}"}],
        "voice": "author" if answerable else None,
        "history": [],
    }
    sentence = {
        "text": f"answer of {case_id}",
        "citations": [1],
        "support": "verbatim",
        "voice": "author",
    }
    answer: dict[str, Any] = {
        "question": case["question"],
        "standalone_question": case["question"],
        "status": "declined" if declined else "answered",
        "text": f"answer of {case_id}",
        "sentences": [] if declined else [sentence],
        "citations": [] if declined else [{"number": 1, "document_id": "essay"}],
    }
    right = {"answered_right" if answerable else "declined_right": 1.0, "fact_recall": 1.0}
    values = right | {"evidence_recall": 1.0, "voice_right": 1.0, "opinion_as_fact": 0.0} | scores
    found = {n: Score(n, value, f"reason of {case_id}") for n, value in values.items()}
    return CaseResult(case, answer, None, 100.0, found)


def unscored(case_id: str, error: str = "RuntimeError: no model") -> CaseResult:
    return replace(result(case_id), answer=None, error=error, scores={})


def run(*cases: CaseResult) -> Results:
    return summarise("tune", cases)


def test_a_page_of_hostile_text_shows_it_as_text() -> None:
    """Answers quote files anybody may have written; the page is opened in a browser."""
    bad = result(EVIL, fact_recall=0.0)
    bad = replace(
        bad,
        case=bad.case | {"kind": EVIL, "history": [{"question": EVIL, "answer": EVIL}]},
        scores={"fact_recall": Score("fact_recall", 0.0, EVIL)},
    )
    results = replace(summarise(EVIL, [bad, unscored("u", EVIL)]), ablations={EVIL: {}})
    page = html(results)
    assert not re.search(r"<(script|img|a href=\"[^#])", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    text = markdown(results)
    assert not re.search(r"(?<!\\)<script", text)
    assert "[a](" not in text


def test_the_page_needs_no_other_file() -> None:
    """The report is mailed and archived; a link to a script or font would break it."""
    page = html(run(result("a", fact_recall=0.5)))
    assert not re.search(r"(src=|url\(|@import|<link|https?://)", page)
    assert set(re.findall(r'href="(.)', page)) == {"#"}


def test_a_failing_case_shows_all_that_is_needed_to_judge_it() -> None:
    results = run(result("right"), result("wrong", fact_recall=0.0))
    for text in (html(results), markdown(results)):
        for part in ("question", "answer", "fact", "gold", "reason"):
            assert f"{part} of wrong" in text
        assert "question of right" not in text


def test_the_gravest_errors_come_first() -> None:
    """An opinion shown as fact must not hide below a hundred missing facts."""
    results = run(
        result("facts", fact_recall=0.0),
        result("opinion", opinion_as_fact=1.0, fact_recall=0.5),
        unscored("failed"),
    )
    failing = findings.failures(results)
    assert [failure.result.id for failure in failing] == ["failed", "opinion", "facts"]
    assert failing[1].problems == ("An opinion shown as fact", "Facts missing")


def test_a_failed_call_raises_an_alarm_and_is_no_decline() -> None:
    page = html(run(result("a"), unscored("b")))
    assert 'role="alert"' in page
    assert "RuntimeError: no model" in page
    assert "Declined, though" not in page
    assert 'role="alert"' not in html(run(result("a")))


def test_a_wrong_decline_is_one_problem_and_not_three() -> None:
    declined = result("a", declined=True, answered_right=0.0, fact_recall=0.0, evidence_recall=0.0)
    (failure,) = findings.failures(run(declined))
    assert failure.problems == ("Declined, though there is an answer",)


def test_a_score_that_does_not_apply_is_no_failure() -> None:
    case = result("a")
    scores = case.scores | {"voice_right": Score("voice_right", None, "no sentence")}
    assert findings.failures(run(replace(case, scores=scores))) == []


def test_more_words_are_worse_and_more_facts_better() -> None:
    """A change is coloured by its direction, which differs between metrics."""
    totals = {n: Aggregate(n, 0.9, 0.8, 1.0, 9) for n in ("fact_recall", "answer_words")}
    rise = {n: Comparison(n, 50, 90, 30, 50, 9, regressed=False) for n in totals}
    rise["answer_words"] = replace(rise["answer_words"], regressed=True)
    lines = {line.name: line for line in findings.lines(totals, list(rise.values()))}
    assert lines["fact_recall"].verdict == "better"
    assert (lines["answer_words"].verdict, lines["answer_words"].change) == ("worse", "+40")
    same = replace(rise["fact_recall"], after=50.001, low=-1, high=1)
    (line,) = findings.lines({"fact_recall": totals["fact_recall"]}, [same])
    assert (line.change, line.verdict) == ("=", "")


@pytest.mark.parametrize(
    ("name", "value", "met"),
    [
        ("fact_recall", 0.87, True),
        ("fact_recall", 0.86, False),
        ("latency_ms_p50", 149.0, True),
        ("latency_ms_p50", 151.0, False),
    ],
)
def test_an_aim_is_met_from_its_own_side(name: str, value: float, met: bool) -> None:
    (line,) = findings.lines({name: Aggregate(name, value, value, value, 1)})
    assert line.aim
    assert line.met is met


def test_every_metric_of_a_run_is_explained() -> None:
    results = run(result("a"), result("b", answerable=False, declined=True))
    assert all(line.meaning for line in findings.lines(results.totals))


def test_written_results_read_back_the_same(tmp_path: Path) -> None:
    results = run(result("a", fact_recall=0.0), unscored("b"))
    report.write(results, tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder"
    assert {path.name for path in folder.iterdir()} == {"results.json", "report.md", "report.html"}
    assert Results.from_dict(json.loads((folder / "results.json").read_text("utf-8"))) == results


def test_clapnq_figures_left_in_the_folder_are_shown(tmp_path: Path) -> None:
    figures = {"sentence_f1": {"name": "sentence_f1", "mean": 0.5, "low": 0, "high": 1, "n": 150}}
    (tmp_path / "clapnq.json").write_text(json.dumps({"figures": figures}))
    report.write(run(result("a")), tmp_path)
    for name in ("report.html", "report.md"):
        text = (tmp_path / name).read_text("utf-8")
        assert "CLAPnq" in text
        assert "0.50" in text


def test_every_plot_is_well_formed() -> None:
    """An unescaped label breaks the whole page after it."""
    cases = [result("a"), result("b", answerable=False), result("c", fact_recall=0.0)]
    results = run(*cases, replace(result("d"), latency_ms=999.0))
    results = replace(results, ablations={'<a & "b">': results.totals})
    page = html(results, sweep=[Point(0.1, 1, 0.2), Point(0.9, 0.3, 1)])
    drawn = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawn) >= 8
    for plot in drawn:
        assert ElementTree.fromstring(plot).tag == "svg"


def test_a_bar_is_as_long_as_its_value() -> None:
    drawn = plots.bars("t", [(v, stats.mean(v, [float(v)])) for v in ("0", "0.5", "1")])
    widths = [float(w) for w in re.findall(r'class="bar"[^>]* width="([\d.]+)"', drawn)]
    assert widths[0] == 0
    assert widths[1] == pytest.approx(widths[2] / 2, abs=0.1)


def test_the_working_point_stands_at_its_rates() -> None:
    """Answer rate across and decline rate up: swapped, the plot would praise refusing."""
    high, low = stats.mean("a", [1.0]), stats.mean("d", [0.0])
    drawn = plots.curve("t", [], high, low)
    spot = re.search(r'<circle[^>]* cx="([\d.]+)" cy="([\d.]+)"', drawn)
    assert spot
    ends = [float(x) for x in re.findall(r'<line class="grid" x1="([\d.]+)"', drawn)]
    bottom = max(float(y) for y in re.findall(r'<line class="grid"[^>]* y2="([\d.]+)"', drawn))
    assert (float(spot[1]), float(spot[2])) == (max(ends), bottom)


@pytest.mark.parametrize("values", [[0.0], [100.0, 100.0], [3.0, 50.0, 1000.0], [24.0, 48.0]])
def test_the_histogram_counts_every_answer(values: list[float]) -> None:
    """The longest latency falls on the edge of the last bin."""
    drawn = plots.histogram("t", values, {"median": max(values)})
    counts = [int(n) for n in re.findall(r"ms: (\d+)</title>", drawn)]
    assert sum(counts) == len(values)
