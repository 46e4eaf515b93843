"""Sentence vectors: kept, taken up again, made again when lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from essayqa import Config
from essayqa.chunks import chunk_document
from essayqa.evidence import Evidence, open_evidence, read_sentences
from essayqa.models import OnnxReranker
from essayqa.question import understand
from essayqa.types import Chunk, Document, Passage

RERANKER = OnnxReranker()


def chunks(*paragraphs: str) -> list[Chunk]:
    text = "\n\n".join(paragraphs)
    return chunk_document(Document(id="a", title="A", kind="essay", text=text, path="a.txt"))


ONE = chunks("Trade tops $200bn. It grew fast.", "Mao met Nixon in 1972. Is that so?")


class Opened:
    """Evidence, and how many texts had to be read for it."""

    def __init__(self, folder: Path, parts: list[Chunk], name: str = "one") -> None:
        self.read = 0
        self.evidence = open_evidence(Config(data_dir=folder), name, parts, progress=self._count)

    def _count(self, done: int, total: int) -> None:
        self.read = total


def judge(evidence: Evidence, question: str, parts: list[Chunk]) -> list[str]:
    passages = [Passage(chunk, 0.5) for chunk in parts]
    judgements = evidence.judge(understand(question), passages, RERANKER)
    return [s.sentence.text for judgement in judgements for s in judgement.sentences]


def test_the_sentence_that_answers_comes_first_and_questions_never(tmp_path: Path) -> None:
    evidence = Opened(tmp_path, ONE).evidence
    found = judge(evidence, "How much is trade worth?", ONE)
    assert found[0] == "Trade tops $200bn."
    assert "Is that so?" not in found
    assert judge(evidence, "When did Nixon meet Mao?", ONE)[0] == "Mao met Nixon in 1972."
    assert judge(evidence, "Anything?", []) == []


def test_an_unchanged_corpus_is_not_read_again(tmp_path: Path) -> None:
    assert Opened(tmp_path, ONE).read > 0
    assert Opened(tmp_path, ONE).read == 0


def test_only_new_sentences_are_read_and_judged_as_if_all_were_new(tmp_path: Path) -> None:
    more = chunks("Trade tops $200bn. It grew fast.", "A third one. It is new.")
    whole = Opened(tmp_path / "fresh", more, "two")
    Opened(tmp_path, ONE)
    partly = Opened(tmp_path, more, "two")
    assert 0 < partly.read < whole.read
    passages = [Passage(c, 0.5) for c in more]
    (first,), (second,) = (
        opened.evidence.judge(understand("New?"), passages, RERANKER) for opened in (partly, whole)
    )
    for a, b in zip(first.sentences, second.sentences, strict=True):
        assert a.sentence == b.sentence
        assert np.isclose(a.chance, b.chance, atol=1e-3)


@pytest.mark.parametrize("damage", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_damaged_vectors_are_made_again(tmp_path: Path, damage: bytes) -> None:
    Opened(tmp_path, ONE)
    (tmp_path / "sentences" / "one.npz").write_bytes(damage)
    again = Opened(tmp_path, ONE)
    assert again.read > 0
    assert judge(again.evidence, "How much is trade worth?", ONE)[0] == "Trade tops $200bn."
    assert Opened(tmp_path, ONE).read == 0


def test_a_folder_that_cannot_be_written_costs_speed_only(tmp_path: Path) -> None:
    (tmp_path / "sentences").write_text("a file stands where the folder should")
    assert judge(Opened(tmp_path, ONE).evidence, "When did Nixon meet Mao?", ONE)


def test_a_sentence_knows_the_one_before_it_in_its_own_section_only() -> None:
    document = Document(
        id="a",
        title="A",
        kind="essay",
        path="a.md",
        text="One stands here.\n\nThis leans on it.\n\n## Next\n\nThis has none before.\n",
    )
    first, second, third = read_sentences(chunk_document(document))
    assert first.previous is None
    assert second.lead == first
    assert second.with_lead == "One stands here. This leans on it."
    assert (third.leans, third.lead, third.with_lead) == (True, None, third.text)
