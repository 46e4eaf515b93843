"""CLAPnq's figures on a few rows made by hand, each test named for the bug it holds off."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from essayqa import Answer, AnswerSentence, Citation, Passage, Turn
from essayqa.types import Document
from evals import clapnq
from evals.clapnq import Outcome, Row

SENTENCES = (
    "The lighthouse at Skerry Point was built in 1843 .",
    "Its lamp burned whale oil until 1901 .",
    "Yes .",
    "Visitors climb 211 steps to reach the gallery .",
)
ROW = Row(
    id="1",
    question="when was the skerry point lighthouse built",
    answerable=True,
    passage=" ".join(SENTENCES),
    sentences=SENTENCES,
    answer="It was built in 1843.",
    gold=frozenset(SENTENCES[:1]),
)
OWN = clapnq.document_id(ROW.passage)


def cited(*spans: tuple[str, int, int], text: str = "It stands.") -> Answer:
    """An answer citing (document, start, end) spans."""
    citations = tuple(
        Citation(n, document, document, "essay", "", start, end, "", "")
        for n, (document, start, end) in enumerate(spans, 1)
    )
    sentence = AnswerSentence(text, (1,), "verbatim", "author")
    return Answer("", "", "answered", None, text, (sentence,), citations)


DECLINED = Answer("", "", "declined", "not_in_corpus", "The sources do not answer this.")


def span(sentence: int, document: str = OWN) -> tuple[str, int, int]:
    start, end = clapnq.spans(ROW)[sentence]
    return document, start, end


def test_the_gold_sentence_alone_scores_one() -> None:
    assert clapnq.evidence(ROW, cited(span(0))) == (1, 1, 1)


def test_an_extra_sentence_costs_precision_only() -> None:
    precision, recall, _ = clapnq.evidence(ROW, cited(span(0), span(1)))
    assert (precision, recall) == (0.5, 1)


def test_the_same_place_in_another_passage_is_no_evidence() -> None:
    """Offsets coincide between documents; a citation there supports nothing."""
    assert clapnq.evidence(ROW, cited(span(0, "passage-other"))) == (0, 0, 0)


def test_sentences_cut_elsewhere_still_count() -> None:
    """The pipeline's sentences are not the annotators': half a sentence, or two in one."""
    _, start, end = span(0)
    assert clapnq.evidence(ROW, cited((OWN, start, end - 2))) == (1, 1, 1)
    assert clapnq.evidence(ROW, cited((OWN, start, span(1)[2]))) == (0.5, 1, 2 / 3)


def test_a_touching_sentence_is_not_cited() -> None:
    _, start, _ = span(1)
    precision, _, _ = clapnq.evidence(ROW, cited((OWN, start - 3, span(1)[2])))
    assert precision == 0


def test_a_sentence_cited_twice_counts_once() -> None:
    assert clapnq.evidence(ROW, cited(span(0), span(0))) == (1, 1, 1)


def test_rouge_l_wants_the_words_in_order() -> None:
    assert clapnq.rouge_l("The cat sat.", "the cat sat") == 1
    assert clapnq.rouge_l("a b c d", "a c e") == pytest.approx(4 / 7)
    assert clapnq.rouge_l("b a", "a b") == 0.5
    assert clapnq.rouge_l("", "a b") == 0


def test_a_declined_question_scores_nothing_rather_than_dropping_out() -> None:
    """Leaving it out would reward a system that declines whatever is hard."""
    outcome = clapnq.grade(ROW, DECLINED, [OWN])
    assert (outcome.answered, outcome.f1, outcome.rouge_l) == (False, 0, 0)


def test_the_passage_ranks_where_it_first_appears() -> None:
    found = ["passage-other", OWN, "passage-third", OWN]
    assert clapnq.grade(ROW, DECLINED, found).rank == 2
    assert clapnq.grade(ROW, DECLINED, found[:1]).rank is None


def test_a_failed_call_is_neither_answered_nor_declined() -> None:
    """A broken engine must not look like one that declines everything."""

    class Broken:
        documents: Sequence[Document] = ()

        def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
            raise RuntimeError("no model")

        def search(self, query: str, k: int = 10) -> list[Passage]:
            return []

    failed = clapnq.ask(Broken(), Row("2", "why", False, "p", (), "", frozenset()))
    assert failed.error == "RuntimeError: no model"
    figures = clapnq.summarise([failed, clapnq.grade(ROW, cited(span(0)), [OWN])])
    assert "decline_rate" not in figures
    assert "balanced_accuracy" not in figures
    assert figures["latency_ms_p50"].n == 1


def test_balanced_accuracy_ignores_how_many_of_each_there_are() -> None:
    outcomes = [Outcome("a", True, answered=True, f1=1.0)] * 9
    outcomes.append(Outcome("b", False, answered=True))
    figures = clapnq.summarise(outcomes)
    assert figures["balanced_accuracy"].mean == 0.5
    assert figures["balanced_accuracy"].n == 10


def test_a_limit_keeps_both_sorts_of_question() -> None:
    rows = [Row(str(i), "q", i < 50, "p", (), "", frozenset()) for i in range(60)]
    chosen = clapnq.sample(rows, 7)
    assert [row.answerable for row in chosen].count(True) == 4
    assert len({row.id for row in chosen}) == 7
    assert clapnq.sample(rows, None) == rows


def as_json(row: Row, **changes: Any) -> str:
    data = {
        "id": row.id,
        "question": row.question,
        "answerable": row.answerable,
        "passage": row.passage,
        "sentences": list(row.sentences),
        "answer": row.answer,
        "gold_quotes": list(row.gold),
    }
    return json.dumps(data | changes, ensure_ascii=False)


def test_unusual_line_separators_do_not_cut_a_row(tmp_path: Path) -> None:
    """JSON leaves U+2028 as it is, and Python's splitlines would cut there."""
    path = tmp_path / "rows.jsonl"
    path.write_text(as_json(ROW, answer="In\u20281843.") + "\n\n", encoding="utf-8")
    assert [row.answer for row in clapnq.load(path)] == ["In\u20281843."]


@pytest.mark.parametrize("line", ["{", "[]", as_json(ROW, sentences=["Not in it."])])
def test_a_broken_row_is_named(
    line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(as_json(ROW) + "\n" + line + "\n", encoding="utf-8")
    assert clapnq.main([str(path), "--out", str(tmp_path / "out.json")]) == 1
    assert "line 2" in capsys.readouterr().err


def test_no_data_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A fresh clone has no data set; a check that runs this must not turn red."""
    assert clapnq.main([str(tmp_path / "absent.jsonl")]) == 0
    assert "nothing to run" in capsys.readouterr().out


def test_a_run_keeps_figures_but_none_of_the_text(
    tmp_path: Path, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real pipeline over two passages; the data set's text must not be copied."""
    other = ("Basking sharks feed on plankton near the surface .", "They can reach 8 metres .")
    rows = [
        as_json(ROW),
        as_json(ROW, id="2", question="who won the 1998 chess olympiad", answerable=False),
        as_json(
            ROW,
            id="3",
            question="what do basking sharks eat",
            passage=" ".join(other),
            sentences=list(other),
            gold_quotes=[other[0]],
            answer="Plankton.",
        ),
    ]
    path, out = tmp_path / "rows.jsonl", tmp_path / "out.json"
    path.write_text("\n".join(rows), encoding="utf-8")
    assert clapnq.main([str(path), "--data", str(data_dir), "--out", str(out)]) == 0
    assert "passage_recall@1" in capsys.readouterr().out
    text = out.read_text(encoding="utf-8")
    data = json.loads(text)
    assert data["figures"]["passage_recall@1"]["mean"] == 1
    assert [outcome["error"] for outcome in data["outcomes"]] == [None] * 3
    assert "lighthouse" not in text
    assert len(list(data_dir.glob("clapnq-*/*.txt"))) == 2
