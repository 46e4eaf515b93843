"""Fits `src/essayqa/weights.json`: what makes a sentence, or a document, answer a question.

`python -m evals.fit` reads the tuning cases and, where there, the CLAPnq questions, prints
cross-validated figures and writes the weights. Unlike the rest of the suite it looks inside
the pipeline, since the signals it weighs are inside.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import essayqa
from essayqa import Config, EssayQA
from essayqa.evidence import NEIGHBOURS, Signals
from essayqa.progress import Bar
from essayqa.question import understand
from essayqa.retrieve import retrieve

from . import clapnq
from .cases import Case, load

Values = NDArray[np.float64]

OUT = Path(essayqa.__file__).with_name("weights.json")
FOLDS = 8
STRENGTH = 0.1
# What share of the questions that a group answers it has to be heard on.
KEEP = {"plain": 0.0, "expected": 0.96}
# Questions about other things altogether are many and easy; they count for less.
WEIGHT = {"far": 0.3}

PLAIN = ("alone", "cover", "context", "passage", "relevance")
EXPECTED = ("meaning", "tokens")
SIGNALS = {
    "plain sentence": (*PLAIN, *(f"{name}_behind" for name in PLAIN)),
    "plain answer": (*PLAIN, "passage_relevance", "terms"),
    "expected sentence": (
        *(f"{name}_behind" for name in ("alone", "cover", "context")),
        *(f"{kind}_{name}" for name in EXPECTED for kind in ("vote", "log_vote")),
        *(f"nearest_{name}_behind" for name in EXPECTED),
    ),
    "expected answer": (
        "alone",
        *(f"{kind}_{name}" for name in EXPECTED for kind in ("nearest", "ahead", "silence")),
        *(f"silent_{count}_tokens" for count in NEIGHBOURS),
    ),
}


@dataclass(frozen=True, slots=True)
class Example:
    """One question's signals from one group of documents. `gold` marks the sentences that
    answer, `answers` whether the group does; None where nobody judged that."""

    source: str
    question: int
    signals: Signals
    gold: NDArray[np.bool_] | None
    answers: bool | None


def of_case(number: int, case: Case, signals: Signals) -> Example:
    quotes = [(gold.document_id, quote) for gold in case.gold_quotes for quote in gold.quotes]
    gold = np.array(
        [
            any(
                document == sentence.chunk.document_id
                and (sentence.text in quote or quote in sentence.text)
                for document, quote in quotes
            )
            for sentence in signals.sentences
        ]
    )
    # A brief may answer a question that was written for the essay; nobody looked.
    judged = signals.kind == "essay" or gold.any() or not case.answerable
    return Example(
        f"own {signals.kind}",
        number,
        signals,
        gold if gold.any() else None,
        bool(gold.any()) if judged else None,
    )


def of_row(number: int, row: clapnq.Row, signals: Signals) -> Example:
    own, spans = clapnq.document_id(row.passage), clapnq.spans(row)
    gold = np.array(
        [
            sentence.chunk.document_id == own
            and any(
                text in row.gold
                and 2 * (min(end, sentence.end) - max(start, sentence.start))
                >= min(end - start, sentence.end - sentence.start)
                for text, (start, end) in zip(row.sentences, spans, strict=True)
            )
            for sentence in signals.sentences
        ]
    )
    return Example("CLAPnq", number, signals, gold if gold.any() else None, row.answerable)


def judge(engine: EssayQA, asked: Sequence[Any], label: str) -> list[list[Signals]]:
    """The signals of each of `asked`, things with a `question` and maybe a `history`."""
    opened, found = engine._open(), []
    with Bar(label) as bar:
        for done, each in enumerate(asked, start=1):
            question = understand(
                each.question,
                getattr(each, "history", ()),
                topic=opened.topic,
                spell=opened.spell,
            )
            passages = retrieve(question, opened.index, engine._embedder)
            found.append(opened.evidence.signals(question, passages, engine._reranker))
            bar(done, len(asked))
    return found


def examples(data: Path, path: Path) -> list[Example]:
    """Every question's signals: the tuning cases', CLAPnq's, and CLAPnq's questions asked of
    the essay, which answers none of them."""
    engine = EssayQA(Config.from_env())
    # Questions about claims are answered from the ledger.
    cases = [case for case in load("tune") if not case.kind.startswith("claim")]
    found = [
        of_case(number, case, signals)
        for number, (case, groups) in enumerate(
            zip(cases, judge(engine, cases, "Own cases"), strict=True)
        )
        for signals in groups
    ]
    if path.exists():
        rows = clapnq.load(path)
        other = EssayQA(Config(corpus=clapnq.write_corpus(rows, data), data_dir=data))
        for start, judged in (
            (len(cases), judge(other, rows, "CLAPnq")),
            (len(cases) + len(rows), judge(engine, rows, "CLAPnq, of the essay")),
        ):
            for number, (row, groups) in enumerate(zip(rows, judged, strict=True), start):
                if start == len(cases):
                    found += [of_row(number, row, signals) for signals in groups]
                else:
                    found += [Example("far", number, s, None, False) for s in groups if s.expected]
    return found


def matrix(signals: Signals, name: str) -> Values:
    """The signals that the model `name` takes, shape (sentences or 1, signals)."""
    source = signals.each if name.endswith("sentence") else signals.together
    return np.stack([np.atleast_1d(source[key]) for key in SIGNALS[name]], axis=1)


def model(x: Values, y: Values, weights: Values) -> Any:
    fitted = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=5000))
    return fitted.fit(x, y, logisticregression__sample_weight=weights)


def coefficients(fitted: Any, name: str) -> dict[str, Any]:
    """The constant and weights for signals as they come, not standardised."""
    scaler, logistic = fitted[0], fitted[1]
    slopes = logistic.coef_[0] / scaler.scale_
    constant = float(logistic.intercept_[0] - (slopes * scaler.mean_).sum())
    return {
        "constant": round(constant, 4),
        "weights": {
            key: round(float(slope), 4) for key, slope in zip(SIGNALS[name], slopes, strict=True)
        },
    }


def held_out(
    parts: Sequence[Values], labels: Sequence[Values], weights: Sequence[Values], groups: Values
) -> list[Values]:
    """Each part's predictions by a model fitted on the questions of other folds."""
    found: list[Values] = [np.zeros(len(part)) for part in parts]
    for train, test in GroupKFold(FOLDS, shuffle=True, random_state=0).split(groups, groups=groups):
        fitted = model(*(np.concatenate([v[i] for i in train]) for v in (parts, labels, weights)))
        for i in test:
            found[i] = fitted.predict_proba(parts[i])[:, 1]
    return found


def fit_sentences(name: str, of: Sequence[Example]) -> dict[str, Any]:
    parts = [matrix(e.signals, name) for e in of]
    labels = [np.asarray(e.gold, dtype=float) for e in of]
    weights = [np.ones(len(part)) for part in parts]
    groups = np.array([e.question for e in of])
    chances = held_out(parts, labels, weights, groups)
    print(f"{name}: {len(of)} questions")
    for threshold in (0.15, 0.2, 0.25, 0.3, 0.35, 0.4):
        shares = []
        for chance, label in zip(chances, labels, strict=True):
            best = np.argsort(-chance)[:5]
            chosen = [i for place, i in enumerate(best) if not place or chance[i] >= threshold]
            right = label[chosen].sum()
            shares.append((right / label.sum(), right / len(chosen), len(chosen)))
        recall, precision, count = np.mean(shares, axis=0)
        print(f"  at {threshold}: recall {recall:.3f}, precision {precision:.3f}, {count:.2f} each")
    return coefficients(model(*map(np.concatenate, (parts, labels, weights))), name)


def fit_answers(name: str, of: Sequence[Example], keep: float) -> dict[str, Any]:
    """The model of whether a group answers, its constant set so that at one half the share
    `keep` of the questions it answers are answered; as the regression has it if 0.

    Each source's answered and unanswered questions weigh the same, but see `WEIGHT`."""
    counts = Counter((e.source, e.answers) for e in of)
    parts = [matrix(e.signals, name) for e in of]
    labels = [np.array([float(bool(e.answers))]) for e in of]
    weights = [
        np.array([WEIGHT.get(e.source, 1.0) * len(of) / counts[e.source, e.answers]]) for e in of
    ]
    chances = np.concatenate(held_out(parts, labels, weights, np.array([e.question for e in of])))
    right, sources = np.concatenate(labels) == 1, np.array([e.source for e in of])
    logits = np.log(chances / (1 - chances))
    cut = 0.0 if not keep else float(np.quantile(logits[right & (sources != "far")], 1 - keep))
    print(f"{name}: cut at {1 / (1 + np.exp(-cut)):.3f}")
    for source in sorted(set(sources)):
        mine = sources == source
        answered = (logits[mine & right] >= cut).mean() if (mine & right).any() else np.nan
        declined = (logits[mine & ~right] < cut).mean() if (mine & ~right).any() else np.nan
        both = (mine & right).any() and (mine & ~right).any()
        area = roc_auc_score(right[mine], logits[mine]) if both else np.nan
        print(f"  {source}: answered {answered:.3f}, declined {declined:.3f}, AUC {area:.3f}")
    found = coefficients(model(*map(np.concatenate, (parts, labels, weights))), name)
    return {**found, "constant": round(found["constant"] - cut, 4)}


def fit(every: Sequence[Example]) -> dict[str, Any]:
    """The weights of every model, from `examples`."""
    found: dict[str, Any] = {}
    for group in ("plain", "expected"):
        mine = [e for e in every if e.signals.expected == (group == "expected")]
        name = f"{group} sentence"
        found[name] = fit_sentences(name, [e for e in mine if e.gold is not None])
        name = f"{group} answer"
        judged = [e for e in mine if e.answers is not None]
        found[name] = fit_answers(name, judged, KEEP[group])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(gettempdir()) / "essayqa-fit")
    parser.add_argument("--clapnq", type=Path, default=clapnq.DEFAULT)
    options = parser.parse_args()
    fitted = fit(examples(options.data, options.clapnq))
    OUT.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
