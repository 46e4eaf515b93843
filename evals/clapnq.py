"""CLAPnq through the same pipeline: does it hold on texts it was not made for?

`python -m evals.clapnq` writes each passage of a CLAPnq file as a document of its own
corpus, asks every question of the whole corpus, and compares with the annotators.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from essayqa import Answer, Config, EssayQA, EssayQAError

from . import stats
from .results import Aggregate
from .run import Engine
from .terminal import bar, figure

DEFAULT = Path(__file__).parents[2] / "shared" / "data" / "clapnq_tune.jsonl"
OUT = Path(__file__).parent / "report" / "clapnq.json"

# What each figure should reach, for the table.
AIMS = {"balanced_accuracy": 0.85, "sentence_f1": 0.62, "passage_recall@5": 0.98}


@dataclass(frozen=True, slots=True)
class Row:
    """One question of the data set; `gold` are those of `sentences` that answer it."""

    id: str
    question: str
    answerable: bool
    passage: str
    sentences: tuple[str, ...]
    answer: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question.

    `rank` is the place from 1 of its passage among those found, None when it is not
    among them. The evidence scores and `rouge_l` are 0 for a declined question and None
    for one without a gold answer. With `error` the question is unscored.
    """

    id: str
    answerable: bool
    answered: bool = False
    rank: int | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    rouge_l: float | None = None
    latency_ms: float = 0.0
    error: str | None = None


def load(path: Path) -> tuple[Row, ...]:
    """The rows of a CLAPnq JSONL file. Raises `ValueError` naming a line that is none."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
            row = Row(
                id=str(data["id"]),
                question=data["question"],
                answerable=bool(data["answerable"]),
                passage=data["passage"],
                sentences=tuple(data["sentences"]),
                answer=data["answer"],
                gold=frozenset(data["gold_quotes"]),
            )
            spans(row)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {number}: not a CLAPnq row ({error!r})") from None
        rows.append(row)
    return tuple(rows)


def sample(rows: Sequence[Row], limit: int | None) -> list[Row]:
    """`limit` rows spread evenly over each of the answerable and the others, so that a
    small run still measures both."""
    if limit is None or limit >= len(rows):
        return list(rows)
    chosen: list[Row] = []
    groups = [[r for r in rows if r.answerable is kind] for kind in (True, False)]
    for group, share in zip(groups, (limit - limit // 2, limit // 2), strict=True):
        count = min(share, len(group))
        chosen += [group[i * len(group) // count] for i in range(count)]
    return chosen


def document_id(passage: str) -> str:
    """The file stem of a passage. Two questions about one passage share its document."""
    return "passage-" + hashlib.sha256(passage.encode()).hexdigest()[:16]


def write_corpus(rows: Iterable[Row], parent: Path) -> Path:
    """A folder below `parent` with each passage as a text file, named by what is in it
    so that no file of another data set can be left over in it."""
    passages = {document_id(row.passage): row.passage for row in rows}
    name = hashlib.sha256("".join(sorted(passages)).encode()).hexdigest()[:12]
    folder = parent / f"clapnq-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    for stem, passage in passages.items():
        # As bytes: no platform may change line ends, or offsets would drift.
        (folder / f"{stem}.txt").write_bytes(passage.encode())
    return folder


def spans(row: Row) -> list[tuple[int, int]]:
    """Where each of the row's sentences stands in its passage. Raises `ValueError` for a
    sentence that does not."""
    found, at = [], 0
    for sentence in row.sentences:
        start = row.passage.index(sentence, at)
        at = start + len(sentence)
        found.append((start, at))
    return found


def evidence(row: Row, answer: Answer) -> tuple[float, float, float]:
    """Precision, recall and F1 of the cited sentences against the gold ones.

    The pipeline cuts sentences its own way, so a citation counts for each annotated
    sentence with which it shares at least half of the shorter of the two. A citation of
    another passage is one wrong sentence.
    """
    own = document_id(row.passage)
    cited: set[str] = set()
    wrong: set[tuple[str, int, int]] = set()
    for citation in answer.citations:
        matched = set()
        if citation.document_id == own:
            for sentence, (start, end) in zip(row.sentences, spans(row), strict=True):
                shared = min(end, citation.end) - max(start, citation.start)
                if 2 * shared >= min(end - start, citation.end - citation.start):
                    matched.add(sentence)
        cited |= matched
        if not matched:
            wrong.add((citation.document_id, citation.start, citation.end))
    right = len(cited & row.gold)
    shown = len(cited) + len(wrong)
    precision = right / shown if shown else 0.0
    recall = right / len(row.gold) if row.gold else 0.0
    return precision, recall, _f1(precision, recall)


def rouge_l(text: str, reference: str) -> float:
    """ROUGE-L F1 (Lin, 2004) over lower-case words and numbers, without stemming."""
    words, wanted = (re.findall(r"\w+", t.lower()) for t in (text, reference))
    if not words or not wanted:
        return 0.0
    common = longest_common(words, wanted)
    return _f1(common / len(words), common / len(wanted))


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        diagonal = 0
        for i, other in enumerate(second, 1):
            above = row[i]
            row[i] = diagonal + 1 if word == other else max(above, row[i - 1])
            diagonal = above
    return row[-1]


def ask(engine: Engine, row: Row) -> Outcome:
    """One question searched for, asked and graded. A failure is unscored, not a decline."""
    try:
        found = [passage.chunk.document_id for passage in engine.search(row.question, 5)]
        began = time.perf_counter()
        answer = engine.ask(row.question)
        latency = (time.perf_counter() - began) * 1000
    except Exception as error:  # whatever failed, the question was not graded
        return Outcome(row.id, row.answerable, error=f"{type(error).__name__}: {error}")
    return grade(row, answer, found, latency)


def grade(row: Row, answer: Answer, found: Sequence[str], latency_ms: float = 0.0) -> Outcome:
    """An answer against the annotation; `found` are document ids, best first."""
    ranks = {name: place for place, name in reversed(list(enumerate(found, 1)))}
    answered = answer.status != "declined"
    precision = recall = f1 = overlap = None
    if row.answerable:
        precision, recall, f1 = evidence(row, answer) if answered else (0.0, 0.0, 0.0)
        text = " ".join(sentence.text for sentence in answer.sentences)
        overlap = rouge_l(text, row.answer) if answered else 0.0
    return Outcome(
        id=row.id,
        answerable=row.answerable,
        answered=answered,
        rank=ranks.get(document_id(row.passage)),
        precision=precision,
        recall=recall,
        f1=f1,
        rouge_l=overlap,
        latency_ms=latency_ms,
    )


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Aggregate]:
    """Each figure with its 95% interval. Unscored questions are left out of all of them."""
    scored = [o for o in outcomes if o.error is None]
    asked = [o for o in scored if o.answerable]
    others = [o for o in scored if not o.answerable]
    shown = [o for o in asked if o.answered]
    answered = _column(asked, lambda o: o.answered)
    declined = _column(others, lambda o: not o.answered)
    columns = {
        "passage_recall@1": _column(asked, lambda o: o.rank == 1),
        "passage_recall@5": _column(asked, lambda o: o.rank is not None),
        "answer_rate": answered,
        "decline_rate": declined,
        "sentence_precision": _column(asked, lambda o: o.precision),
        "sentence_recall": _column(asked, lambda o: o.recall),
        "sentence_f1": _column(asked, lambda o: o.f1),
        "sentence_f1_if_answered": _column(shown, lambda o: o.f1),
        "rouge_l": _column(asked, lambda o: o.rouge_l),
        "rouge_l_if_answered": _column(shown, lambda o: o.rouge_l),
    }
    figures: dict[str, Aggregate] = {}
    if answered and declined:
        figures["balanced_accuracy"] = _balanced("balanced_accuracy", (answered, declined))
    figures |= {name: stats.mean(name, values) for name, values in columns.items() if values}
    for q in (50, 95) if scored else ():
        latency = stats.percentile("latency_ms", [o.latency_ms for o in scored], q)
        figures[latency.name] = latency
    return figures


def _column(outcomes: Sequence[Outcome], value: Callable[[Outcome], float | None]) -> list[float]:
    return [float(v) for o in outcomes if (v := value(o)) is not None]


def _balanced(name: str, groups: Sequence[Sequence[float]]) -> Aggregate:
    """The mean of the groups' means. Each group is resampled by itself, as its size was
    chosen and not drawn."""
    rng = np.random.default_rng(stats.SEED)
    arrays = [np.asarray(group) for group in groups]
    drawn = [a[rng.integers(len(a), size=(stats.RESAMPLES, len(a)))].mean(axis=1) for a in arrays]
    low, high = np.percentile(np.mean(drawn, axis=0), stats.INTERVAL)
    mean = float(np.mean([a.mean() for a in arrays]))
    return Aggregate(name, mean, float(low), float(high), sum(map(len, groups)))


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def main(argv: Sequence[str] | None = None) -> int:
    """0 when every question was graded or there is no data, 1 when a call failed."""
    arguments = _parser().parse_args(argv)
    if not arguments.path.exists():
        print(f"No CLAPnq file at {arguments.path}: nothing to run.")
        return 0
    try:
        rows = load(arguments.path)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.data:
        outcomes = _run(rows, arguments.limit, arguments.data)
    else:
        with tempfile.TemporaryDirectory(prefix="clapnq-") as folder:
            outcomes = _run(rows, arguments.limit, Path(folder))
    if outcomes is None:
        return 1
    figures = summarise(outcomes)
    Console().print(_table(figures, len(outcomes)))
    failed = [o for o in outcomes if o.error]
    for outcome in failed:
        print(f"unscored: {outcome.id}: {outcome.error}", file=sys.stderr)
    _write(arguments.out, arguments.path, figures, outcomes)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.clapnq", description=__doc__)
    parser.add_argument("path", nargs="?", type=Path, default=DEFAULT, help="a CLAPnq JSONL file")
    parser.add_argument(
        "--data", type=Path, help="keep the corpus and its index here for next time"
    )
    parser.add_argument("--limit", type=_count, help="ask only this many of the questions")
    parser.add_argument("--out", type=Path, default=OUT, help="where the figures go, as JSON")
    return parser


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def _run(rows: Sequence[Row], limit: int | None, data: Path) -> list[Outcome] | None:
    """Every question of the sample asked of the whole corpus; None if it cannot be opened.

    A limit spares questions, never documents: searching fewer would be easier.
    """
    notes = Console(stderr=True)
    folder = write_corpus(rows, data)
    try:
        with bar("Opening", notes) as progress:
            config = Config.from_env(corpus=folder, data_dir=data)
            engine = EssayQA(config, progress=progress).open()
    except EssayQAError as error:
        notes.print(str(error), markup=False)
        return None
    outcomes: list[Outcome] = []
    chosen = sample(rows, limit)
    with bar("Asking", notes) as progress:
        for row in chosen:
            outcomes.append(ask(engine, row))
            progress(len(outcomes), len(chosen))
    return outcomes


def _table(figures: dict[str, Aggregate], asked: int) -> Table:
    table = Table(title=f"CLAPnq, {asked} questions")
    for heading in ("metric", "value", "95% interval", "n", "aim"):
        table.add_column(heading, justify="left" if heading == "metric" else "right")
    for name, total in figures.items():
        bounds = f"{figure(name, total.low)} – {figure(name, total.high)}"
        aim = f"≥ {AIMS[name]}" if name in AIMS else ""
        table.add_row(name, figure(name, total.mean), bounds, str(total.n), aim)
    return table


def _write(
    path: Path, source: Path, figures: dict[str, Aggregate], outcomes: Sequence[Outcome]
) -> None:
    """Figures and ids only: the data set's text stays where it is."""
    data = {
        "source": source.name,
        "aims": AIMS,
        "figures": {name: asdict(total) for name, total in figures.items()},
        "outcomes": [asdict(outcome) for outcome in outcomes],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
