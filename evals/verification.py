"""How well `support` tells what evidence supports: `python -m evals.verification`.

Everything is judged by weights fitted without its document or evidence. `--pairs FILE`
judges other labelled pairs by the weights that are shipped. Prints tables and writes
`evals/report/verification.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from essayqa.support import THRESHOLD, Support

from . import stats
from .fit_support import (
    PAIRS,
    Example,
    Values,
    balanced_accuracy,
    chances,
    cross_validated,
    human_pairs,
    made_pairs,
    read,
    shipped,
)
from .results import Aggregate
from .swaps import SWAPS

REPORT = Path(__file__).with_name("report") / "verification.json"
TARGETS = {"swap": 0.97, "untouched": 0.95, "paraphrase": 0.85, "human": 0.82}


def shares(examples: Sequence[Example], found: Values) -> dict[str, Aggregate]:
    """By source, and by kind of what was made, the share told right with its interval."""
    right: dict[str, list[float]] = {}
    for example, value in zip(examples, found, strict=True):
        told = float((value >= THRESHOLD) == example.pair.supported)
        source, kind = example.source, example.pair.kind
        side = "supported" if example.pair.supported else "unsupported"
        of = f"{source}: {kind}" if kind != source else f"{source}: {side}"
        for name in (source, of):
            right.setdefault(name, []).append(told)
        if kind in SWAPS:
            around = "alone" if example.pair.alone else "with its neighbours"
            right.setdefault(f"swap, {around}", []).append(told)
    return {name: stats.mean(name, values) for name, values in sorted(right.items())}


def show(console: Console, told: Mapping[str, Aggregate], human: Mapping[str, float]) -> None:
    table = Table("pairs", "told right", "95% interval", "n")
    for name, share in told.items():
        interval = f"{share.low:.3f} to {share.high:.3f}"
        table.add_row(name, f"{share.mean:.3f}", interval, str(share.n))
    console.print(table)
    for name, accuracy in human.items():
        console.print(f"balanced accuracy, {name}: {accuracy:.3f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=Path, help="other labelled pairs, judged as shipped")
    file: Path | None = parser.parse_args().pairs
    support = Support()
    if file:
        examples = read(human_pairs(file), support)
        found = chances(shipped(), examples)
    elif PAIRS.exists():
        examples = read([*human_pairs(PAIRS), *made_pairs()], support)
        found = cross_validated(examples)
    else:
        print(f"no labelled pairs at {PAIRS}; name a file with --pairs", file=sys.stderr)
        return 2
    told = shares(examples, found)
    sources: list[str] = [s for s in ("begin", "wice") if s in told]
    human = {source: balanced_accuracy(examples, found, source) for source in sources}
    human["all human pairs"] = balanced_accuracy(examples, found, *sources)
    show(Console(), told, human)
    if not file:
        data = {
            "targets": TARGETS,
            "balanced_accuracy": human,
            "told_right": {name: asdict(share) for name, share in told.items()},
        }
        REPORT.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
