"""Fits the weights by which essayqa decides that a question has an answer.

`python -m evals.fit` reads the tuning cases and, where there, the CLAPnq questions, prints
cross-validated figures and the line to put into `essayqa/compose.py`. Unlike the rest of
the suite it looks inside the pipeline, since the signals it fits are inside.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from essayqa import Config, EssayQA, Turn
from essayqa.compose import signals
from essayqa.progress import Bar
from essayqa.question import understand
from essayqa.retrieve import retrieve

Values = NDArray[np.float64]
HERE = Path(__file__).parent
CLAPNQ = HERE.parents[1] / "shared" / "data" / "clapnq_tune.jsonl"


def read_cases(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The cases of the named files, without questions about the essay as a whole, which
    are always answered."""
    lines = [
        json.loads(line)
        for name in names
        for line in (HERE / "cases" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return [case for case in lines if case["kind"] != "summary"]


def read_clapnq(path: Path, folder: Path) -> list[dict[str, Any]]:
    """CLAPnq's questions, after writing each passage as a document into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        (folder / f"{row['id']}.txt").write_text(" ".join(row["sentences"]), encoding="utf-8")
    return [{**row, "history": []} for row in rows]


def features(engine: EssayQA, cases: list[dict[str, Any]]) -> tuple[Values, NDArray[np.bool_]]:
    """The signals of each case, shape (cases, signals), and whether it is answerable."""
    opened = engine._open()
    rows = []
    with Bar("Judging") as bar:
        for done, case in enumerate(cases, start=1):
            turns = [Turn(t["question"], t.get("answer") or "") for t in case["history"]]
            question = understand(case["question"], turns, topic=opened.topic, spell=opened.spell)
            passages = retrieve(question, opened.index, engine._embedder)
            rows.append(
                signals(question, opened.evidence.judge(question, passages, engine._reranker))
            )
            bar(done, len(cases))
    return np.array(rows), np.array([bool(case["answerable"]) for case in cases])


def balanced_weights(answerable: NDArray[np.bool_], source: NDArray[np.int_]) -> Values:
    """Each source's answerable and unanswerable questions weigh a quarter in all."""
    weights = np.zeros(len(answerable))
    for s in set(source.tolist()):
        for value in (True, False):
            mask = (source == s) & (answerable == value)
            weights[mask] = len(answerable) / (mask.sum() * 4)
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(gettempdir()) / "essayqa-fit")
    parser.add_argument("--clapnq", type=Path, default=CLAPNQ)
    options = parser.parse_args()
    parts = [features(EssayQA(Config.from_env()), read_cases(("essay_direct", "readers")))]
    if options.clapnq.exists():
        folder = options.data / "clapnq"
        cases = read_clapnq(options.clapnq, folder)
        engine = EssayQA(Config(corpus=folder, data_dir=options.data))
        parts.append(features(engine, cases))
    x = np.vstack([part[0] for part in parts])
    y = np.concatenate([part[1] for part in parts])
    source = np.concatenate([np.full(len(part[1]), i) for i, part in enumerate(parts)])
    weights = balanced_weights(y, source)

    def fit(rows: NDArray[np.int_]) -> Any:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=3000))
        return model.fit(x[rows], y[rows], logisticregression__sample_weight=weights[rows])

    held = np.zeros(len(y))
    for seed in range(3):
        folds = StratifiedKFold(8, shuffle=True, random_state=seed)
        for train, test in folds.split(x, y * 2 + source):
            held[test] += fit(train).predict_proba(x[test])[:, 1] / 3
    for s, name in enumerate(("own cases", "CLAPnq")[: len(parts)]):
        mine = source == s
        print(f"{name}: AUC {roc_auc_score(y[mine], held[mine]):.3f}")
        for threshold in (0.3, 0.35, 0.4, 0.45, 0.5):
            answered = (held[mine & y] >= threshold).mean()
            declined = (held[mine & ~y] < threshold).mean()
            print(
                f"  at {threshold:.2f}: answered {answered:.2f}, declined {declined:.2f}, "
                f"balanced {(answered + declined) / 2:.3f}"
            )
    model = fit(np.arange(len(y)))
    scaler, logistic = model[0], model[1]
    slopes = logistic.coef_[0] / scaler.scale_
    constant = logistic.intercept_[0] - (slopes * scaler.mean_).sum()
    print("WEIGHTS =", tuple(round(float(v), 4) for v in (constant, *slopes)))


if __name__ == "__main__":
    main()
