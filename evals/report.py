"""A run of the suite as files: JSON, Markdown and one HTML page that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .baseline import Comparison
from .markdown import markdown
from .page import html
from .plots import Point
from .results import Aggregate, Results

# Left in the report's folder by `python -m evals.clapnq`.
CLAPNQ = "clapnq.json"


def write(
    results: Results,
    folder: Path,
    comparisons: Sequence[Comparison] = (),
    sweep: Sequence[Point] = (),
) -> None:
    """results.json, report.md and report.html in `folder`.

    `comparisons` are with the baseline, `sweep` is what other thresholds for declining
    would do. Figures that `evals.clapnq` left in the folder are shown too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clapnq = _clapnq(folder / CLAPNQ)
    data = json.dumps(results.to_dict(), ensure_ascii=False, indent=1)
    for name, text in (
        ("results.json", data + "\n"),
        ("report.md", markdown(results, comparisons, clapnq)),
        ("report.html", html(results, comparisons, clapnq, sweep)),
    ):
        (folder / name).write_text(text, encoding="utf-8")


def _clapnq(path: Path) -> dict[str, Aggregate]:
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
        return {name: Aggregate.from_dict(figure) for name, figure in figures.items()}
    except FileNotFoundError:
        return {}
