"""`python -m evals`: ask every case of a set, print tables, write the report.

Exit 0: done. 1: a metric regressed, or a case could not be scored. 2: a case or a setting
is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from essayqa import EssayQA, EssayQAError

from . import baseline, judge, report
from .ablations import ablate
from .cases import SETS, Case, CaseError, load, validate
from .plots import Point
from .run import run
from .sweep import sweep
from .terminal import bar, print_results

OUT = Path(__file__).with_name("report")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit code."""
    options = _options(arguments)
    # Tables go to standard output, progress and errors to standard error.
    console, notes = Console(), Console(stderr=True)
    try:
        return _main(options, console, notes)
    except (CaseError, EssayQAError, judge.JudgeError) as error:
        # Unwrapped, so that a command in it can be copied.
        notes.print(f"evals: {error}", markup=False, highlight=False, soft_wrap=True)
        return getattr(error, "exit_code", 2)


def _main(options: argparse.Namespace, console: Console, notes: Console) -> int:
    cases = _spread(load(options.set), options.limit)
    # Before the questions, which take minutes.
    llm = judge.connect(options.judge) if options.judge else None
    with bar("Opening", notes) as progress:
        engine = EssayQA(progress=progress).open()
    faults = validate(cases, {document.id: document.text for document in engine.documents})
    if faults:
        raise CaseError("the cases are wrong:\n" + "\n".join(faults))
    with bar("Asking", notes) as progress:
        results = run(engine, cases, progress, set_name=options.set)
    if llm is not None:
        with bar("Judging", notes) as progress:
            results = replace(results, judgement=judge.judge_cases(llm, results, progress))
    points: tuple[Point, ...] = ()
    if not options.quick:
        with bar("Leaving parts out", notes) as progress:
            results = replace(results, ablations=ablate(engine, cases, results, progress))
        with bar("Moving the threshold", notes) as progress:
            points = sweep(engine, cases, results, progress)
    before = baseline.read(options.baseline)
    comparisons = baseline.compare(results, before)
    print_results(results, comparisons, console)
    report.write(results, options.out, comparisons, points)
    notes.print(f"report: {options.out / 'report.html'}", highlight=False)
    if results.unscored:
        return 1
    if options.update_baseline:
        baseline.update(results, options.baseline)
        return 0
    return int(any(comparison.regressed for comparison in comparisons))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    parser.add_argument("--set", default="fast", choices=sorted(SETS), help="which cases")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the report")
    parser.add_argument("--limit", type=int, help="ask only so many, spread over the set")
    parser.add_argument("--baseline", type=Path, default=baseline.PATH, help="scores to compare to")
    parser.add_argument(
        "--quick", action="store_true", help="leave out the ablations and the threshold curve"
    )
    parser.add_argument(
        "--judge",
        metavar="MODEL@http://host:port/v1",
        help=f"a language model that judges the answers too; its key, if any, in {judge.KEY}",
    )
    parser.add_argument(
        "--update-baseline", action="store_true", help="take this run's scores as the baseline"
    )
    return parser.parse_args(arguments)


def _spread(cases: tuple[Case, ...], limit: int | None) -> tuple[Case, ...]:
    """`limit` cases at even distances, as the files are ordered by kind."""
    if limit is None or limit >= len(cases):
        return cases
    return tuple(cases[i * len(cases) // limit] for i in range(max(limit, 0)))


if __name__ == "__main__":
    sys.exit(main())
