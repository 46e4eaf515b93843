"""Fits `src/essayqa/wanted.json`: what a question asks of the ledger of claims.

`python -m evals.fit_wanted` reads `evals/wanted/*.jsonl`, lines of {"question", "wanted",
"named", "claims"} with `wanted` one of check, evidence, against, wrong, list:SORT and
ordinary, adds the tuning cases of other kinds and a share of the questions that the corpus
expects as ordinary ones, prints how it does on `held_out.jsonl`,
which it does not learn from, and writes the weights.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

import essayqa
from essayqa.config import bundled_corpus
from essayqa.corpus import load_corpus
from essayqa.models import OnnxEmbedder
from essayqa.question import understand
from essayqa.wanted import ORDINARY, word_runs

from .cases import TUNE, load

FOLDER = Path(__file__).with_name("wanted")
HELD_OUT = FOLDER / "held_out.jsonl"
OUT = Path(essayqa.__file__).with_name("wanted.json")
STRENGTH = 1.0
# One in how many of the expected questions is learned from.
EVERY = 8
# How often a run of words must occur to be weighed.
COMMON = 3
# How much a unit of meaning weighs beside one run of words: a vector's parts are small.
SCALE = 4.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, as the pipeline reads it, and its label."""

    text: str
    wanted: str
    named: bool


def read(path: Path) -> list[Asked]:
    """The questions of a file."""
    lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Asked(understand(d["question"]).standalone, d["wanted"], d["named"]) for d in lines]


class Model:
    """A multinomial logistic regression over meaning and word runs."""

    def __init__(self, texts: Sequence[str], vectors: Any, labels: Sequence[str]) -> None:
        counts = Counter(run for text in texts for run in word_runs(text))
        self.runs = sorted(run for run, count in counts.items() if count >= COMMON)
        self.place = {run: i for i, run in enumerate(self.runs)}
        self.fitted = LogisticRegression(C=STRENGTH, max_iter=5000, class_weight="balanced").fit(
            self.matrix(texts, vectors), labels
        )

    def matrix(self, texts: Sequence[str], vectors: Any) -> Any:
        """Word runs, then meaning: shape (texts, runs + 384)."""
        rows, columns = [], []
        for row, text in enumerate(texts):
            for run in word_runs(text) & self.place.keys():
                rows.append(row)
                columns.append(self.place[run])
        shape = (len(texts), len(self.runs))
        runs = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
        return hstack([runs, csr_matrix(vectors * SCALE)]).tocsr()

    def to_dict(self) -> dict[str, Any]:
        """The weights as `wanted` reads them."""
        slopes, constant = self.fitted.coef_, self.fitted.intercept_
        if len(self.fitted.classes_) == 2:
            # Two classes come as one row: the second against the first.
            slopes = np.vstack([np.zeros_like(slopes), slopes])
            constant = np.array([0.0, constant[0]])
        words, meaning = slopes[:, : len(self.runs)], slopes[:, len(self.runs) :] * SCALE
        return {
            "classes": self.fitted.classes_.tolist(),
            "constant": np.round(constant, 3).tolist(),
            "meaning": np.round(meaning, 3).tolist(),
            "runs": {
                run: np.round(words[:, i], 3).tolist()
                for i, run in enumerate(self.runs)
                if np.abs(words[:, i]).max() >= 0.02
            },
        }


def rows_and_labels(asked: Sequence[Asked], name: str) -> tuple[list[int], list[str]]:
    """Which of the questions a model learns from, and their labels."""
    if name == "wanted":
        return list(range(len(asked))), [a.wanted.split(":")[0] for a in asked]
    if name == "named":
        rows = [i for i, a in enumerate(asked) if a.wanted in ("check", "evidence", "against")]
        return rows, ["yes" if asked[i].named else "no" for i in rows]
    rows = [i for i, a in enumerate(asked) if a.wanted.startswith("list:")]
    return rows, [asked[i].wanted.split(":")[1] for i in rows]


def embedded(asked: Sequence[Asked]) -> Any:
    """Each question's vector, shape (questions, 384)."""
    embedder = OnnxEmbedder()
    return np.stack([embedder.embed_query(each.text) for each in asked])


def report(name: str, labels: Sequence[str], found: Sequence[str]) -> None:
    """Prints how often `found` is right, in all and by class."""
    pairs = list(zip(labels, found, strict=True))
    print(f"{name}: {np.mean([a == b for a, b in pairs]):.3f} right of {len(pairs)}")
    for label in sorted(set(labels)):
        answers = Counter(b for a, b in pairs if a == label)
        others = [(other, count) for other, count in answers.most_common(4) if other != label]
        share = answers[label] / answers.total()
        print(f"  {label}: {share:.3f} of {answers.total()}, else {others}")


def main() -> None:
    files = sorted(path for path in FOLDER.glob("*.jsonl") if path != HELD_OUT)
    asked = [each for path in files for each in read(path)]
    asked += [
        Asked(understand(case.question, case.history).standalone, ORDINARY, False)
        for case in load(*TUNE)
        if case.kind != "essay_vs_background" and not case.kind.startswith("claim")
    ]
    expected = [e.text for d in load_corpus(bundled_corpus()) for e in d.expected]
    asked += [Asked(text, ORDINARY, False) for text in expected[::EVERY]]
    unseen = read(HELD_OUT)
    vectors, unseen_vectors = embedded(asked), embedded(unseen)
    fitted = {}
    for name in ("wanted", "named", "sort"):
        rows, labels = rows_and_labels(asked, name)
        model = Model([asked[i].text for i in rows], vectors[rows], labels)
        fitted[name] = model.to_dict()
        rows, labels = rows_and_labels(unseen, name)
        texts = [unseen[i].text for i in rows]
        report(name, labels, model.fitted.predict(model.matrix(texts, unseen_vectors[rows])))
    OUT.write_text(json.dumps(fitted) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
