"""Expected questions: searched and never shown, and what a document is silent on."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from essayqa import Config, EssayQA
from essayqa.corpus import load_corpus
from essayqa.errors import CorpusError
from essayqa.expected import ExpectedQuestions, open_expected
from essayqa.models import OnnxAligner, OnnxEmbedder
from essayqa.types import Expected, Span

if TYPE_CHECKING:
    from conftest import MakeCorpus

EMBEDDER, ALIGNER = OnnxEmbedder(), OnnxAligner()
TEXT = "The herring fleet sailed at dawn. Its captain was Anna Berg. The nets were green."
ANSWERED = {
    "quotes": ["Its captain was Anna Berg."],
    "asks": ["Who was in charge of the boats?", "Which woman led them?"],
}
SILENT = {"quotes": [], "asks": ["How many boats were there?", "How big was the catch?"]}
TEXTS = ("Who led the boats?", "How many were there?")


def lines(*entries: object) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


class Opened:
    """Expected questions, and how many had to be read for them."""

    def __init__(self, texts: Sequence[str], *files: Path) -> None:
        self.read = 0
        expected = [Expected(text, (Span(0, 1),)) for text in texts]
        self.questions: ExpectedQuestions = open_expected(
            expected, files, EMBEDDER, ALIGNER, self._count
        )

    def _count(self, done: int, total: int) -> None:
        self.read = total


def test_expected_questions_are_found_beside_their_document(make_corpus: MakeCorpus) -> None:
    folder = make_corpus({"a.md": TEXT, "a.questions.jsonl": "\n" + lines(ANSWERED, SILENT)})
    (document,) = load_corpus(folder)
    first, second, *silent = document.expected
    assert [TEXT[s.start : s.end] for s in first.spans] == ANSWERED["quotes"]
    assert second.text == "Which woman led them?"
    assert [e.spans for e in silent] == [(), ()]
    assert "expected" not in document.to_dict()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"quotes": ["Its captain is"], "asks": ["Who?"]}', "not word for word in the document"),
        ('{"quotes": []}', "line 1: not"),
        ('{"quotes": [""], "asks": ["Who?"]}', "an empty or missing text"),
        ('{"quotes": [], "asks": [7]}', "an empty or missing text"),
        ("not json", "line 1: not"),
        ("[]", "line 1: not"),
    ],
)
def test_questions_that_cannot_be_used_are_named(
    make_corpus: MakeCorpus, content: str, message: str
) -> None:
    folder = make_corpus({"a.md": TEXT, "a.questions.jsonl": content})
    with pytest.raises(CorpusError, match=re.escape(message)) as raised:
        load_corpus(folder)
    assert "'a.questions.jsonl', line 1" in str(raised.value)


def test_a_question_in_other_words_finds_its_sentence_and_silence_is_kept(
    make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    folder = make_corpus({"a.md": TEXT, "a.questions.jsonl": lines(ANSWERED, SILENT)})
    engine = EssayQA(Config(corpus=folder, data_dir=tmp_path / "data"))
    answer = engine.ask("Which lady was in charge of those vessels?")
    assert "Its captain was Anna Berg." in [c.quote for c in answer.citations]
    # What was expected is never shown, only what the document says.
    assert all(c.quote in TEXT for c in answer.citations)
    assert engine.ask("How many boats were there?").status == "declined"


def test_a_silence_of_one_document_does_not_silence_another(
    make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    files = {
        "a.md": TEXT,
        "a.questions.jsonl": lines(ANSWERED, SILENT),
        "background/b.md": "Forty boats went out that morning.",
        "background/b.questions.jsonl": lines(
            {
                "quotes": ["Forty boats went out that morning."],
                "asks": ["How many boats were there?", "How large was the fleet?"],
            }
        ),
    }
    engine = EssayQA(Config(corpus=make_corpus(files), data_dir=tmp_path / "data"))
    answer = engine.ask("How many boats were there?")
    assert (answer.status, answer.reason) == ("partial", "essay_silent")
    assert [c.document_id for c in answer.citations] == ["b"]
    assert engine.ask("How many boats were there?", essay_only=True).status == "declined"


def test_a_question_about_another_year_is_another_question(
    make_corpus: MakeCorpus, tmp_path: Path
) -> None:
    # To the models one year is much like the next; to a reader the answer is wrong.
    sentences = ("Nine barrels were short in the first year.", "The second year brought more.")
    asks = ("How big a catch did they make in 1921?", "What did the boats land during 1922?")
    entries = [{"quotes": [q], "asks": [a]} for q, a in zip(sentences, asks, strict=True)]
    files = {"a.md": " ".join(sentences), "a.questions.jsonl": lines(*entries)}
    engine = EssayQA(Config(corpus=make_corpus(files), data_dir=tmp_path / "data"))
    answer = engine.ask("How big a catch did they make in 1922?")
    assert sentences[1] in [c.quote for c in answer.citations]


def test_vectors_are_made_once_and_only_for_new_questions(tmp_path: Path) -> None:
    file = tmp_path / "kept.npz"
    assert Opened(TEXTS, file).read == 2
    assert Opened(TEXTS, file).read == 0
    assert Opened((*TEXTS, "Where to?"), file).read == 1


def test_vectors_that_come_with_a_document_are_used_and_not_written(tmp_path: Path) -> None:
    shipped, own = tmp_path / "a.questions.npz", tmp_path / "own" / "kept.npz"
    Opened(TEXTS, shipped)
    assert Opened(TEXTS, shipped, own).read == 0
    assert not own.exists()
    before = shipped.read_bytes()
    assert Opened((*TEXTS, "Where to?"), shipped, own).read == 1
    assert (own.exists(), shipped.read_bytes()) == (True, before)


@pytest.mark.parametrize("damage", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_damaged_vectors_are_made_again(tmp_path: Path, damage: bytes) -> None:
    file = tmp_path / "kept.npz"
    file.write_bytes(damage)
    assert Opened(TEXTS, file).read == 2
    assert Opened(TEXTS, file).read == 0


def test_kept_vectors_are_near_enough_to_the_models(tmp_path: Path) -> None:
    questions = Opened(TEXTS, tmp_path / "kept.npz").questions
    assert np.allclose(questions.meanings(EMBEDDER.embed_queries(TEXTS)).diagonal(), 1, atol=2e-3)
    for row, text in enumerate(TEXTS):
        (same,) = questions.aligned(np.array([row]), ALIGNER.embed_texts([text])[0])
        assert same == pytest.approx(1, abs=2e-3)
