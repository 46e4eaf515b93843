"""Fits `src/essayqa/support.json`: what makes evidence support a claim.

`python -m evals.fit_support` reads the human-labelled pairs, which the checkout does not
hold, and the claims that `evals.swaps` makes or reads; prints cross-validated figures and
writes the weights. Everything of one document, or with one evidence, is in one fold.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import essayqa
from essayqa.progress import Bar
from essayqa.support import THRESHOLD, Support, chance

from .swaps import KEEPS, MISREADINGS, PARAPHRASES, SWAPS, Pair, corpus_pairs, written_pairs

PAIRS = Path(__file__).parents[2] / "shared" / "data" / "verify_tune.jsonl"
OUT = Path(essayqa.__file__).with_name("support.json")
FOLDS = 6
STRENGTH = 0.1
# What each source counts for in all, whatever its size.
COUNTS = {"begin": 9, "wice": 3, "paraphrase": 4, "misreading": 1.5, "swap": 1.5, "untouched": 1}

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """A pair of `source` with its signals."""

    source: str
    pair: Pair
    signals: dict[str, float]


@dataclass(frozen=True, slots=True)
class Model:
    """Weights as `support` reads them."""

    constant: float
    weights: dict[str, float]


def human_pairs(file: Path) -> list[Pair]:
    """Claims labelled by people, lines of {"source", "evidence", "claim", "supported"}."""
    rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return [
        Pair(row["source"], "", row["claim"], (row["evidence"],), row["supported"]) for row in rows
    ]


def made_pairs() -> list[Pair]:
    """Claims made from the corpus, by script and by hand."""
    return [*corpus_pairs(), *written_pairs(PARAPHRASES), *written_pairs(MISREADINGS)]


def source_of(pair: Pair) -> str:
    """Which of `COUNTS` a pair belongs to."""
    if pair.kind in COUNTS:
        return pair.kind
    if pair.kind in SWAPS:
        return "swap"
    return "untouched" if pair.kind in KEEPS else "misreading"


def read(pairs: Sequence[Pair], support: Support) -> list[Example]:
    """Each pair's signals."""
    examples = []
    with Bar("Reading pairs") as bar:
        for done, pair in enumerate(pairs, start=1):
            signals = support.signals(pair.claim, pair.evidence)
            examples.append(Example(source_of(pair), pair, signals))
            bar(done, len(pairs))
    return examples


def fit(examples: Sequence[Example]) -> Model:
    """A logistic regression in which each source counts for what `COUNTS` says, as much
    for its supported as for its unsupported pairs."""
    names = list(examples[0].signals)
    values = np.array([[e.signals[name] for name in names] for e in examples])
    labels = np.array([e.pair.supported for e in examples])
    sources = np.array([e.source for e in examples])
    weights = np.zeros(len(examples))
    for source, count in COUNTS.items():
        of = sources == source
        sides = [of & (labels == side) for side in (False, True) if (of & (labels == side)).any()]
        for side in sides:
            weights[side] = count / len(sides) / side.sum()
    weights *= len(examples) / weights.sum()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=3000))
    model.fit(values, labels, logisticregression__sample_weight=weights)
    scaler, regression = model[0], model[1]
    slopes = regression.coef_[0] / scaler.scale_
    constant = float(regression.intercept_[0] - slopes @ scaler.mean_)
    rounded = {name: round(float(slope), 4) for name, slope in zip(names, slopes, strict=True)}
    return Model(round(constant, 4), rounded)


def shipped() -> Model:
    """The weights that `support` reads."""
    return Model(**json.loads(OUT.read_text(encoding="utf-8")))


def chances(model: Model, examples: Sequence[Example]) -> Values:
    """What the model with its faults gives to each."""
    return np.array([chance(e.signals, model.constant, model.weights) for e in examples])


def cross_validated(examples: Sequence[Example]) -> Values:
    """Each example's chance by a model that saw nothing of its document or evidence."""
    keys = [e.pair.document or e.pair.evidence[0] for e in examples]
    groups = np.unique(keys, return_inverse=True)[1]
    found = np.zeros(len(examples))
    for seen, unseen in GroupKFold(FOLDS, shuffle=True, random_state=0).split(keys, groups=groups):
        model = fit([examples[i] for i in seen])
        found[unseen] = chances(model, [examples[i] for i in unseen])
    return found


def balanced_accuracy(examples: Sequence[Example], found: Values, *sources: str) -> float:
    """The mean of the shares of supported and of unsupported pairs told right."""
    rows = [i for i, e in enumerate(examples) if e.source in sources]
    labels = [examples[i].pair.supported for i in rows]
    return float(balanced_accuracy_score(labels, found[rows] >= THRESHOLD))


def main() -> int:
    if not PAIRS.exists():
        print(f"no labelled pairs at {PAIRS}: the weights stay as they are", file=sys.stderr)
        return 2
    examples = read([*human_pairs(PAIRS), *made_pairs()], Support())
    found = cross_validated(examples)
    for source in ("begin", "wice"):
        print(f"{source}: {balanced_accuracy(examples, found, source):.3f} balanced accuracy")
    print(f"all human pairs: {balanced_accuracy(examples, found, 'begin', 'wice'):.3f}")
    for source in [name for name in COUNTS if name not in ("begin", "wice")]:
        rows = [i for i, e in enumerate(examples) if e.source == source]
        right = [(found[i] >= THRESHOLD) == examples[i].pair.supported for i in rows]
        print(f"{source}: {np.mean(right):.3f} right of {len(rows)}")
    model = fit(examples)
    data = {"constant": model.constant, "weights": model.weights}
    OUT.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
